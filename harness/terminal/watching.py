"""What a climb says about itself, and which form of saying it suits where it goes.

A watcher shows and decides nothing: no verdict, no order, no exit code follows from it, and nothing that goes wrong
with a display reaches the climb. Everything goes to stderr, so that stdout stays for results. It is a ``Progress`` of
the stack as well, so that set-up and climb share one screen. rich is imported only when a table is drawn.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import nullcontext
from typing import IO, TYPE_CHECKING, Protocol

from harness.terminal.quiet_stream import quiet

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from harness.evidence.run_record import ScenarioRecord
    from harness.language.model import Ladder, Scenario
    from harness.redaction.redacted import RedactedText
    from harness.senses.polling import Waiting


class Watcher(Protocol):
    """What a climb says about itself."""

    def ladder_started(self, ladder: Ladder, scenarios: Sequence[Scenario], *, folder: str) -> None:
        """A climb begins.

        Args:
            ladder: The file.
            scenarios: Those that will be climbed, in order.
            folder: The part of the bundle that their evidence goes to, such as ``live`` or ``mocked/RERUN``.
        """

    def scenario_started(self, scenario: Scenario) -> None:
        """Its first step is about to be taken."""

    def step_started(self, step: str, action: str) -> None:
        """A step of the present scenario begins; ``action`` is request, poll, copy or worker_logs."""

    def waiting(self, waiting: Waiting) -> None:
        """The present step is a poll, and this is what it waits for."""

    def scenario_ended(self, record: ScenarioRecord) -> None:
        """A scenario has its verdict; a blocked one has it without having started."""

    def ladder_ended(self, records: Sequence[ScenarioRecord]) -> None:
        """The climb is over; to be called in any case, because a terminal gets its cursor back by it."""

    def note(self, text: str) -> None:
        """State one fact that stays readable afterwards."""

    def stage(self, text: str) -> AbstractContextManager[None]:
        """Announce long work outside scenarios, until the block ends."""

    def detail(self, text: str) -> None:
        """Show what the present stage is doing; a terminal shows only the latest, a log shows none."""


class SilentWatcher:
    """Says nothing: for ``--json``, and for a process whose stderr is closed."""

    def ladder_started(self, ladder: Ladder, scenarios: Sequence[Scenario], *, folder: str) -> None:
        """Say nothing."""

    def scenario_started(self, scenario: Scenario) -> None:
        """Say nothing."""

    def step_started(self, step: str, action: str) -> None:
        """Say nothing."""

    def waiting(self, waiting: Waiting) -> None:
        """Say nothing."""

    def scenario_ended(self, record: ScenarioRecord) -> None:
        """Say nothing."""

    def ladder_ended(self, records: Sequence[ScenarioRecord]) -> None:
        """Say nothing."""

    def note(self, text: str) -> None:
        """Say nothing."""

    def stage(self, text: str) -> AbstractContextManager[None]:  # noqa: ARG002  # the protocol's
        """Say nothing."""
        return nullcontext()

    def detail(self, text: str) -> None:
        """Say nothing."""


def open_watcher(
    redact: Callable[[str], RedactedText], stream: IO[str] | None = None, environ: Mapping[str, str] | None = None
) -> Watcher:
    """The form that suits where it goes: a table needs a terminal that can move its cursor.

    Args:
        redact: Every text that is shown passes it.
        stream: stderr when not given.
        environ: For TERM, COLUMNS, LINES, NO_COLOR; the process's own when not given.
    """
    out = sys.stderr if stream is None else stream
    if out is None:
        return SilentWatcher()
    known = os.environ if environ is None else environ
    if quiet(out).isatty() and known.get("TERM", "dumb") not in {"dumb", "unknown", ""}:
        from harness.terminal.live import RichWatcher, console_on

        return RichWatcher(redact, console_on(out, known))
    from harness.terminal.plain import PlainWatcher

    return PlainWatcher(redact, out, clock=time.monotonic)
