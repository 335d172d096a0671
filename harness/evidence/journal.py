"""Writes and reads ``events.jsonl``: each event reaches the system as one whole line before the next thing happens.

A killed run therefore keeps everything up to its last line; only that one may be torn, and reading stops before it.
Every line passes the redactor. Where its parts have passed it already, what is spelt out is all that is searched for:
the whole search of six lines takes longer than a step.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from harness.evidence.event_lines import Entry, decode, encode
from harness.evidence.events import CheckJudged, ExchangeMade, PollAttempted, StepEnded, StepObserved, StepStarted
from harness.evidence.faults import EvidenceError
from harness.evidence.layout import EVENTS
from harness.evidence.records import DamagedRecordError
from harness.evidence.timestamps import timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from harness.evidence.events import Event
    from harness.evidence.redacting import Redacts
    from harness.redaction.redacted import RedactedText


class Lines(Protocol):
    """Where lines go."""

    def append(self, line: RedactedText) -> None:
        """Write one line; the line feed is added."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Wall clock for display, monotonic seconds for durations."""

    now: Callable[[], datetime]
    monotonic: Callable[[], float]


@dataclass(frozen=True, slots=True)
class Start:
    """The line of a log that reading begins with: its number, and the bytes before it."""

    seq: int
    offset: int


FROM_THE_FIRST: Final = Start(1, 0)


class Journal:
    """Numbers, dates, redacts and appends events; safe to use from several threads.

    Args:
        lines: Where they go.
        redactor: Everything that is written has passed it.
        clock: For dates and times.
        transform: What is kept of an event, such as ``Recording.event``; without it everything is.
    """

    def __init__(
        self,
        lines: Lines,
        redactor: Redacts,
        clock: Clock,
        *,
        transform: Callable[[Event], Event] | None = None,
    ) -> None:
        self._lines = lines
        self._redactor = redactor
        self._clock = clock
        self._transform = transform
        self._opened = clock.monotonic()
        self._seq = 0
        self._lock = threading.Lock()

    @property
    def next_seq(self) -> int:
        """The number that the next line gets."""
        return self._seq + 1

    def elapsed(self) -> float:
        """Seconds since the log was opened, as in ``t`` of its lines."""
        return round(self._clock.monotonic() - self._opened, 6)

    def record(self, event: Event) -> Entry:
        """Append an event; its ``seq`` is what an observation refers to."""
        with self._lock:
            kept = self._transform(event) if self._transform else event
            entry = Entry(self._seq + 1, self.elapsed(), timestamp(self._clock.now()), kept)
            redact = self._redactor.line if _is_of_redacted_parts(event) else self._redactor.json
            line = redact(encode(entry), source=EVENTS)
            # An event that cannot be spelt is a fault of its own, and leaves no gap for readers to stumble over.
            self._seq = entry.seq
            self._lines.append(line)
            return entry


def _is_of_redacted_parts(event: Event) -> bool:
    """Whether every text of an event stands in the ladder itself, or passed the redactor as it came in or went out.

    These are the events of each step. What the engine told, what was taken out of a text inside a body and what an
    error says has not been looked at before, and neither have events of a kind that nobody thought of here.
    """
    match event:
        case StepStarted() | ExchangeMade() | PollAttempted() | CheckJudged():
            return True
        case StepEnded():
            return not event.reason
        case StepObserved():
            return not event.witness.available
        case _:
            return False


def iter_events(path: Path, *, start: Start = FROM_THE_FIRST) -> Iterator[Entry]:
    """Read a log, line by line; a torn last line, which only a killed run leaves, ends it.

    Args:
        path: The file.
        start: Where to begin.

    Raises:
        EvidenceError: ``events-unreadable``, or ``events-damaged`` with the line's number.
    """
    try:
        with path.open(encoding="utf-8", newline="\n") as file:
            file.seek(start.offset)
            for number, line in enumerate(file, start=start.seq):
                if not line.endswith("\n"):
                    return
                yield _entry(path, number, line)
    except (OSError, UnicodeDecodeError) as error:
        raise EvidenceError("events-unreadable", f"{path} cannot be read: {type(error).__name__}", _HINT) from error


def _entry(path: Path, number: int, line: str) -> Entry:
    try:
        entry = decode(line)
    except DamagedRecordError as error:
        raise EvidenceError("events-damaged", f"{path}:{number}: {error}", _HINT) from error
    if entry.seq != number:
        message = f"{path}:{number}: seq is {entry.seq}, so a line was lost, added or moved"
        raise EvidenceError("events-damaged", message, _HINT)
    return entry


_HINT = "look at another run (`ladder runs`), or restore this one from where it was published"
