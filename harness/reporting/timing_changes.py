"""How long the scenarios of two runs took, with a band of noise around what nobody should read anything into.

A single climb against a single climb says little, so its band is wide: a scenario is slower or faster only when its
duration is more than doubled or halved *and* differs by more than a second. With five samples and more on both sides,
medians (nearest rank, so always a measured one) are compared, and the band follows from the samples: three times the
larger median absolute deviation, scaled to a standard deviation, and never less than a tenth and 50 ms. The doubt:
runs on machines of different speed differ by that, which no band can know.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from harness.judging.trials import nearest_rank
from harness.reporting.changes import Change, Section
from harness.reporting.compared_run import climbed_pairs
from harness.reporting.words import took

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.reporting.compared_run import ComparedRun, Sample

SINGLE_RATIO: Final = 2.0
SINGLE_S: Final = 1.0
"""Both must be exceeded where a side has fewer samples than ``ENOUGH``."""

ENOUGH: Final = 5
DEVIATIONS: Final = 3.0
LEAST_SHARE: Final = 0.1
LEAST_S: Final = 0.05

_TO_SIGMA: Final = 1.4826
"""Median absolute deviation → standard deviation, of normally distributed values."""
_MEDIAN: Final = 50

RULE: Final = (
    f"A duration changed when it is more than {SINGLE_RATIO:g} times as long or short and differs by more than "
    f"{SINGLE_S:g} s; with {ENOUGH} samples or more on both sides, when the medians differ by more than "
    f"{DEVIATIONS:g} scaled median absolute deviations, {LEAST_SHARE:.0%} and {LEAST_S * 1000:g} ms."
)


@dataclass(frozen=True, slots=True)
class Measured:
    """Samples of one duration in seconds: how many, their median, and their median absolute deviation."""

    n: int
    median_s: float
    deviation_s: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Measured:
        """Take samples together; there must be one."""
        median = nearest_rank(values, _MEDIAN)
        return cls(len(values), median, nearest_rank([abs(value - median) for value in values], _MEDIAN))


def timing_changes(before: ComparedRun, after: ComparedRun) -> Section:
    """Every scenario that both sides climbed to its end."""
    measured = [
        (pair.name, Measured.of(one), Measured.of(other))
        for pair in climbed_pairs(before, after)
        if (one := _durations(pair.before)) and (other := _durations(pair.after))
    ]
    changes = (
        Change(name, _word(one, other), _told(one), _told(other))
        for name, one, other in measured
        if is_outside(one, other)
    )
    return Section("timings", len(measured), tuple(changes), RULE)


def is_outside(before: Measured, after: Measured) -> bool:
    """Whether two durations differ by more than noise."""
    apart = abs(after.median_s - before.median_s)
    if min(before.n, after.n) >= ENOUGH:
        spread = DEVIATIONS * _TO_SIGMA * max(before.deviation_s, after.deviation_s)
        return apart > max(spread, LEAST_SHARE * before.median_s, LEAST_S)
    short, long = sorted((before.median_s, after.median_s))
    return apart > SINGLE_S and long > SINGLE_RATIO * short


def _durations(samples: Iterable[Sample]) -> list[float]:
    found = (each.record.duration_s for each in samples)
    return [seconds for seconds in found if math.isfinite(seconds)]


def _word(before: Measured, after: Measured) -> str:
    word = "slower" if after.median_s > before.median_s else "faster"
    short, long = sorted((before.median_s, after.median_s))
    return f"{word}, {long / short:.1f} times" if short > 0 else word


def _told(measured: Measured) -> str:
    return took(measured.median_s) if measured.n == 1 else f"{took(measured.median_s)} (median of {measured.n})"
