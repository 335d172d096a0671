"""How far trials have come: one from the events of its log, all of them from the list of trials. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.evidence.events import ClimbEnded, ClimbStarted, ScenarioEnded, ScenarioStarted, StepStarted
from harness.evidence.printable import one_line, shortened
from harness.evidence.trial_records import RUNNING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.evidence.events import Event
    from harness.evidence.trial_records import TrialRecord

LONGEST = 120
"""Characters of what is told of a trial."""

_MOST_WORDS = 12


@dataclass(slots=True)
class Progress:
    """One trial that goes on."""

    planned: int = 0
    ended: int = 0
    where: str = ""

    def add(self, event: Event) -> None:
        """Take an event of its log in."""
        match event:
            case ClimbStarted():
                self.planned, self.ended, self.where = len(event.scenarios), 0, ""
            case ScenarioStarted():
                self.where = f"at {event.scenario}"
            case StepStarted():
                self.where = f"at {event.scenario} step {event.step}"
            case ScenarioEnded():
                self.ended, self.where = self.ended + 1, ""
            case ClimbEnded():
                self.where = "climbed"
            case _:
                pass

    @property
    def text(self) -> str:
        """In one line."""
        if not self.planned:
            return "begins"
        told = f"{self.ended} of {self.planned} scenarios{f', {self.where}' if self.where else ''}"
        return shortened(one_line(told), LONGEST)


def tally_of(wanted: int, records: Sequence[TrialRecord]) -> str:
    """All trials in one line, such as ``3 of 5 trials ended: 2 PASS, 1 FAIL; 2 running``."""
    counts = Counter(shortened(one_line(each.status), LONGEST) for each in records)
    running = counts.pop(RUNNING, 0)
    words = ", ".join(f"{count} {word}" for word, count in counts.most_common(_MOST_WORDS))
    told = f"{sum(counts.values())} of {max(wanted, len(records))} trials ended{f': {words}' if words else ''}"
    return f"{told}; {running} running" if running else told
