"""Several trials of one run as a section of its reports: what they add up to, and how each of them ended.

Whoever adds trials up hands in the aggregation; nothing is counted here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from harness.evidence.records import to_document

if TYPE_CHECKING:
    from harness.judging.trials import Aggregation

_PERCENT: Final = 100


@dataclass(frozen=True, slots=True)
class ToldTrial:
    """One climb of the ladder.

    Attributes:
        index: From 0.
        status: A verdict word, or another word for one that did not end.
        note: Why it ended so; empty when there is nothing to say.
    """

    index: int
    trace_id: str
    status: str
    duration_s: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class ToldTrials:
    """All trials of a run.

    Attributes:
        first_difference: Where a failing trial leaves the way of a passing one; empty when no trial does.
    """

    aggregation: Aggregation
    trials: tuple[ToldTrial, ...]
    first_difference: str = ""

    @property
    def rate(self) -> str:
        """The pass rate with its interval, and how many trials that is."""
        found = self.aggregation
        if found.rate is None or found.low is None or found.high is None:
            return f"no trial of {found.trials} has an answer"
        interval = f"95 % interval {_percent(found.low)} to {_percent(found.high)}"
        return f"{found.passed}/{found.answered} green ({_percent(found.rate)}; {interval})"

    @property
    def facts(self) -> tuple[tuple[str, str], ...]:
        """Name and text of everything that stands above the table of trials."""
        counts = ", ".join(f"{count} {word}" for word, count in self.aggregation.counts.items())
        rows = (
            ("Pass rate", self.rate),
            ("Trials", counts or "none"),
            ("Verdict", self.aggregation.arithmetic),
            ("First difference", self.first_difference),
        )
        return tuple(row for row in rows if row[1])

    def document(self) -> dict[str, Any]:
        """The same as JSON."""
        found: dict[str, Any] = to_document(self)
        return found


def _percent(share: float) -> str:
    return f"{share * _PERCENT:.1f} %"
