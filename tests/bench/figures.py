"""What samples say: medians, the 95th percentile, ratios with their spread, and whether a goal is met.

The verdict follows the median of the ratios of neighbours, samples that were taken one right after the other: where the
machine's other load drifts during a run, it changes both neighbours and hardly their ratio, while the ratio of two
medians would compare different times. The quartiles of these ratios tell how far to trust it; they never turn a miss
into a hit. What has no bare counterpart is measured in its own unit, and its median decides.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from statistics import median, quantiles
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class Unit(StrEnum):
    """What a sample counts."""

    MILLISECONDS = "ms"
    JOBS_PER_SECOND = "jobs/s"
    MEGABYTES = "MB"
    MEGABYTES_PER_SECOND = "MB/s"
    SECONDS = "s"
    TIMES = "times"


@dataclass(frozen=True, slots=True)
class AtMost:
    """A goal for what should be small."""

    limit: float

    def met_by(self, value: float) -> bool:
        """Whether a value is not above the limit."""
        return value <= self.limit

    def __str__(self) -> str:
        return f"≤ {self.limit:g}"


@dataclass(frozen=True, slots=True)
class AtLeast:
    """A goal for what should be large."""

    limit: float

    def met_by(self, value: float) -> bool:
        """Whether a value is not below the limit."""
        return value >= self.limit

    def __str__(self) -> str:
        return f"≥ {self.limit:g}"


Goal = AtMost | AtLeast


@dataclass(frozen=True, slots=True)
class Comparison:
    """One budget: our samples and the bare ones, taken in turns, so that those of one index belong together."""

    name: str
    unit: Unit
    ours: tuple[float, ...]
    bare: tuple[float, ...]
    goal: Goal | None = None

    @property
    def ratios(self) -> tuple[float, ...]:
        """Ours over bare, by pair."""
        return tuple(ours / bare for ours, bare in zip(self.ours, self.bare, strict=True))

    @property
    def ratio(self) -> float:
        """The median of the pairs."""
        return median(self.ratios)

    @property
    def spread(self) -> tuple[float, float]:
        """First and third quartile of the pairs."""
        first, _, third = quantiles(self.ratios, n=4, method="inclusive")
        return first, third

    @property
    def met(self) -> bool:
        """Whether the goal is met; without a goal there is nothing to miss."""
        return self.goal is None or self.goal.met_by(self.ratio)


@dataclass(frozen=True, slots=True)
class Measure:
    """One budget in units of its own, where no bare work stands against it.

    Attributes:
        beside: What the same moment of this machine gave for something that cannot be improved, to judge the median by.
        beside_name: What that is.
    """

    name: str
    unit: Unit
    samples: tuple[float, ...]
    goal: Goal | None = None
    beside: tuple[float, ...] = ()
    beside_name: str = ""

    @property
    def median(self) -> float:
        """Of all samples."""
        return median(self.samples)

    @property
    def spread(self) -> tuple[float, float]:
        """First and third quartile; of a single sample, itself."""
        if len(self.samples) == 1:
            return self.samples[0], self.samples[0]
        first, _, third = quantiles(self.samples, n=4, method="inclusive")
        return first, third

    @property
    def met(self) -> bool:
        """Whether the goal is met; without a goal there is nothing to miss."""
        return self.goal is None or self.goal.met_by(self.median)


def percentile(samples: Sequence[float], percent: float) -> float:
    """Return the nearest-rank percentile: the smallest sample that ``percent`` of all samples do not exceed."""
    rank = math.ceil(len(samples) * percent / 100)
    return sorted(samples)[max(rank, 1) - 1]
