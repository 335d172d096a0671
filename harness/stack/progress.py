"""Tells a person that long work is going on: a status line on a terminal, plain lines with the elapsed time elsewhere.

Everything goes to stderr, so that stdout stays for results. NO_COLOR is honoured by rich itself.
"""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from rich.console import Console
    from rich.status import Status


class Progress(Protocol):
    """What long work says about itself."""

    def note(self, text: str) -> None:
        """State one fact that stays readable afterwards."""

    def stage(self, text: str) -> AbstractContextManager[None]:
        """Announce work that takes a while, until the block ends."""

    def detail(self, text: str) -> None:
        """Show what the present stage is doing; a terminal shows only the latest, a log shows none."""


@dataclass(frozen=True, slots=True)
class PlainProgress:
    """One line for each note and stage, with the seconds since the start: for logs and CI."""

    stream: IO[str]
    clock: Callable[[], float]
    started: float

    def note(self, text: str) -> None:
        """Write the line at once, so that a log shows where work stands."""
        self.stream.write(f"[{self.clock() - self.started:6.1f} s] {text}\n")
        self.stream.flush()

    def stage(self, text: str) -> AbstractContextManager[None]:
        """Announce the stage; its end shows by the next line."""
        self.note(f"{text} …")
        return nullcontext()

    def detail(self, text: str) -> None:
        """Say nothing: details would drown the log."""


class TerminalProgress:
    """A spinner with the present stage and its latest detail; notes scroll above it."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._started = time.monotonic()
        self._stage = ""
        self._status: Status | None = None

    def note(self, text: str) -> None:
        """Print above the spinner."""
        self._console.print(f"{time.monotonic() - self._started:6.1f} s  {text}", markup=False, highlight=False)

    @contextmanager
    def stage(self, text: str) -> Iterator[None]:
        """Spin until the block ends."""
        from rich.text import Text

        self._stage = text
        try:
            with self._console.status(Text(text)) as self._status:
                yield
        finally:
            self._status = None

    def detail(self, text: str) -> None:
        """Put the latest detail behind the stage."""
        from rich.text import Text

        if self._status is not None:
            self._status.update(Text(f"{self._stage}: {text}"[: self._console.width - 4]))


def open_progress() -> Progress:
    """The form that suits where stderr goes."""
    if not sys.stderr.isatty():
        return PlainProgress(sys.stderr, time.monotonic, time.monotonic())
    from rich.console import Console

    return TerminalProgress(Console(stderr=True))
