"""Several trials of one run as a section of its reports: what they add up to, and how each of them ended.

They were added up when the run ended; nothing is counted here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from harness.evidence import layout
from harness.reporting.stored import LostError, object_of

if TYPE_CHECKING:
    from pathlib import Path

    from harness.evidence.run_record import RunRecord
    from harness.evidence.trial_records import TrialRecord
    from harness.judging.trials import Aggregation

_PERCENT: Final = 100


@dataclass(frozen=True, slots=True)
class ToldTrials:
    """All trials of a run.

    Attributes:
        aggregation: ``None`` while they run, and of a run that was killed.
        first_difference: Where a failing trial leaves the way of a passing one; empty when no trial does.
    """

    aggregation: Aggregation | None
    trials: tuple[TrialRecord, ...]
    first_difference: str = ""

    @property
    def facts(self) -> tuple[tuple[str, str], ...]:
        """Name and text of everything that stands above the table of trials."""
        found = self.aggregation
        if found is None:
            return (("Pass rate", "the trials were not added up, because the run did not end"),)
        counts = ", ".join(f"{count} {word}" for word, count in found.counts.items())
        rows = (
            ("Pass rate", _rate(found)),
            ("Trials", counts or "none"),
            ("Verdict", found.arithmetic),
            ("First difference", self.first_difference),
        )
        return tuple(row for row in rows if row[1])


def trials_of(folder: Path, record: RunRecord) -> ToldTrials | None:
    """The trials of a run; ``None`` when there was one only."""
    if len(record.trial_records) < 2 and record.aggregation is None:  # noqa: PLR2004  # one is no sample
        return None
    return ToldTrials(record.aggregation, record.trial_records, _first_difference(folder))


def _first_difference(folder: Path) -> str:
    try:
        found = object_of(folder, layout.TRIALS).get("first_difference")
    except LostError:
        return ""
    if not isinstance(found, dict):
        return ""
    told = [str(found.get(name, "")) for name in ("scenario", "step", "green", "not_green")]
    return "{}: {} (green: {}, not green: {})".format(*told)


def _rate(found: Aggregation) -> str:
    """The pass rate with its interval, and how many trials that is."""
    if found.rate is None or found.low is None or found.high is None:
        return f"no trial of {found.trials} has an answer"
    interval = f"95 % interval {_percent(found.low)} to {_percent(found.high)}"
    return f"{found.passed}/{found.answered} green ({_percent(found.rate)}; {interval})"


def _percent(share: float) -> str:
    return f"{share * _PERCENT:.1f} %"
