"""A climb as a live table: rich redraws it from a thread of its own, so that it moves while a step blocks.

Notes scroll above the table, a stage spins below it. What goes to ``sys.stderr`` meanwhile is printed above it, too,
instead of tearing it; stdout is left alone. The doubt: a process that is killed leaves the cursor hidden.
"""

from __future__ import annotations

import atexit
import time
from typing import IO, TYPE_CHECKING

from harness.stack.progress import TerminalProgress
from harness.terminal.board import Board
from harness.terminal.drawing import FRAMES_PER_S, Ended, Underway
from harness.terminal.quiet_stream import quiet
from harness.terminal.wording import Wording

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from rich.console import Console
    from rich.live import Live

    from harness.evidence.run_record import ScenarioRecord
    from harness.language.model import Ladder, Scenario
    from harness.redaction.redacted import RedactedText
    from harness.senses.polling import Waiting


def console_on(stream: IO[str], environ: Mapping[str, str]) -> Console:
    """A console on a terminal; without emoji codes, because data must stay as it is."""
    from rich.console import Console

    return Console(
        file=quiet(stream),
        force_terminal=True,
        no_color=bool(environ.get("NO_COLOR")),
        emoji=False,
        markup=False,
        highlight=False,
        _environ=environ,
    )


class RichWatcher:
    """One line for each scenario, and what the running one is at."""

    def __init__(
        self, redact: Callable[[str], RedactedText], console: Console, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        console.file = quiet(console.file)
        self._words, self._console, self._clock = Wording(redact), console, clock
        self._progress = TerminalProgress(console)
        self._board = Board(self._words, folder="", file="", began=clock())
        self._live: Live | None = None

    def ladder_started(self, ladder: Ladder, scenarios: Sequence[Scenario], *, folder: str) -> None:
        """Draw the table, and go on drawing it."""
        from rich.live import Live

        self._stop()
        self._board = Board.of(self._words, ladder, scenarios, folder=folder, began=self._clock())
        picture = Underway(self._board, self._clock)
        self._live = Live(
            picture, console=self._console, refresh_per_second=FRAMES_PER_S, redirect_stdout=False, transient=False
        )
        # An error that nobody catches must not leave the cursor hidden.
        atexit.register(self._stop)
        self._live.start(refresh=True)

    def scenario_started(self, scenario: Scenario) -> None:
        """Let its row run."""
        self._board.scenario_started(scenario, self._clock())

    def step_started(self, step: str, action: str) -> None:
        """Show the step."""
        self._board.step_started(step, action)

    def waiting(self, waiting: Waiting) -> None:
        """Show what the poll waits for."""
        self._board.waiting(waiting, self._clock())

    def scenario_ended(self, record: ScenarioRecord) -> None:
        """Show its verdict."""
        self._board.scenario_ended(record)

    def ladder_ended(self, records: Sequence[ScenarioRecord]) -> None:
        """Leave the final table behind."""
        for record in records:
            self._board.scenario_ended(record)
        final = Ended(self._board, self._clock() - self._board.began)
        if self._live is not None:
            self._live.update(final)
        self._stop()

    def note(self, text: str) -> None:
        """Print above the table."""
        self._progress.note(self._words.safe(text))

    def stage(self, text: str) -> AbstractContextManager[None]:
        """Spin until the block ends."""
        return self._progress.stage(self._words.safe(text))

    def detail(self, text: str) -> None:
        """Put the latest detail behind the stage."""
        self._progress.detail(self._words.safe(text))

    def _stop(self) -> None:
        if self._live is not None:
            atexit.unregister(self._stop)
            self._live.stop()
            self._live = None
