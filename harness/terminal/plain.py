"""A climb as lines of a log: one for each start, end and missed check, with the seconds since the beginning.

Polls are told at most every five seconds, and steps not at all, so that a log of an hour stays readable.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Final

from harness.stack.progress import PlainProgress
from harness.terminal.quiet_stream import quiet
from harness.terminal.wording import Wording, check_lines, poll_state, span, tally

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from harness.evidence.run_record import ScenarioRecord
    from harness.language.model import Ladder, Scenario
    from harness.redaction.redacted import RedactedText
    from harness.senses.polling import Waiting

POLL_EVERY_S: Final = 5.0
"""Between two lines about polls."""


class PlainWatcher:
    """Lines for logs, CI and terminals that cannot move their cursor."""

    def __init__(self, redact: Callable[[str], RedactedText], stream: IO[str], *, clock: Callable[[], float]) -> None:
        self._words, self._clock = Wording(redact), clock
        self._progress = PlainProgress(quiet(stream), clock, clock())
        self._folder, self._began = "", clock()
        self._scenario, self._step = "", ""
        self._poll_told: float | None = None

    def ladder_started(self, ladder: Ladder, scenarios: Sequence[Scenario], *, folder: str) -> None:
        """Tell what will be climbed."""
        self._folder, self._began = self._words.safe(folder), self._clock()
        count = f"{len(scenarios)} scenario{'s' if len(scenarios) != 1 else ''}"
        self._say(f"{self._folder}: {count} of {self._words.safe(ladder.file)}")

    def scenario_started(self, scenario: Scenario) -> None:
        """Tell its name."""
        self._scenario, self._step = self._words.safe(scenario.id), ""
        self._say(f"{self._scenario} started: {self._words.safe(scenario.title)}")

    def step_started(self, step: str, action: str) -> None:  # noqa: ARG002  # the protocol's
        """Remember it for the polls; it is redacted when it is shown, which most are not."""
        self._step = step

    def waiting(self, waiting: Waiting) -> None:
        """Tell it, unless one was told within the last seconds."""
        now = self._clock()
        if self._poll_told is not None and now - self._poll_told < POLL_EVERY_S:
            return
        self._poll_told = now
        shown = self._words.waiting(waiting)
        why = f"; not ready: {shown.why}" if shown.why else ""
        self._say(f"{self._scenario} {self._words.safe(self._step)}: {poll_state(shown)}{why}")

    def scenario_ended(self, record: ScenarioRecord) -> None:
        """Tell the verdict, and each check that was missed."""
        end = self._words.record(record)
        took = f" result={end.result_status} ({span(end.duration_s)})" if end.started_at is not None else ""
        self._say(f"{end.id} {end.verdict}{took}{f': {end.reason}' if end.reason else ''}")
        for line in check_lines(end):
            self._say(f"{end.id} {line}")

    def ladder_ended(self, records: Sequence[ScenarioRecord]) -> None:
        """Tell how many reached which verdict."""
        counts = ", ".join(f"{count} {verdict}" for verdict, count in tally(records)) or "nothing was run"
        self._say(f"{self._folder} ended: {counts} ({span(self._clock() - self._began)})")

    def note(self, text: str) -> None:
        """Write the line at once."""
        self._say(self._words.safe(text))

    def stage(self, text: str) -> AbstractContextManager[None]:
        """Announce the stage; its end shows by the next line."""
        return self._progress.stage(self._words.safe(text))

    def detail(self, text: str) -> None:
        """Say nothing: details would drown the log."""

    def _say(self, safe_text: str) -> None:
        self._progress.note(safe_text)
