"""The events of a run, scenario by scenario, as they are streamed: no more than one scenario is held in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.evidence.events import ClimbStarted, ScenarioEnded, ScenarioStarted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from harness.evidence.event_lines import Entry


@dataclass(frozen=True, slots=True)
class Segment:
    """One scenario as it was climbed once.

    Attributes:
        climb: The climb that it is part of; ``None`` in a log without one.
        started: Its first event.
        entries: All its events from the first to the last of them, that one included; a killed run's has no last.
    """

    climb: ClimbStarted | None
    started: ScenarioStarted
    entries: tuple[Entry, ...]


def segments(entries: Iterable[Entry]) -> Iterator[Segment]:
    """Every scenario that was begun, in order; what lies between two scenarios belongs to none."""
    climb: ClimbStarted | None = None
    started: ScenarioStarted | None = None
    held: list[Entry] = []
    for entry in entries:
        match entry.event:
            case ClimbStarted():
                climb = entry.event
            case ScenarioStarted():
                if started is not None:
                    yield Segment(climb, started, tuple(held))
                started, held = entry.event, []
        if started is not None:
            held.append(entry)
        if isinstance(entry.event, ScenarioEnded) and started is not None and entry.event.scenario == started.scenario:
            yield Segment(climb, started, tuple(held))
            started = None
    if started is not None:
        yield Segment(climb, started, tuple(held))
