"""Measures how fast text is redacted in writes of 4 KiB, with 3 and with 50 secrets, and how the time grows with it.

One sample is the best of some rounds over clean source text, by processor time (``tests/harness/redaction``); the bare
automaton over the same text stands beside it, because neighbours that use the same caches slow down both. Growth is
that of the worst of many shapes of text, most of them made to be slow.
"""

from __future__ import annotations

from typing import Final

from tests.bench.figures import AtLeast, AtMost, Measure, Unit
from tests.harness.redaction.throughput import Depth, ceiling, measure, worst_growth

GOALS: Final = {(Depth.SPELT_OUT, 3): AtLeast(300), (Depth.SPELT_OUT, 50): AtLeast(250)}
GROWTH_GOAL: Final = AtMost(3)
"""2 is linear."""


def measure_redaction(*, rounds: int) -> tuple[Measure, ...]:
    """Measure each depth with few and with many secrets, and the growth."""
    found: list[Measure] = []
    for depth in Depth:
        taken = [(measure(depth), ceiling()) for _ in range(rounds)]
        beside = tuple(bare for _, bare in taken)
        for secrets in taken[0][0]:
            samples, goal = tuple(speeds[secrets] for speeds, _ in taken), GOALS.get((depth, secrets))
            title = f"redaction, {secrets} secrets, {depth}"
            found.append(
                Measure(title, Unit.MEGABYTES_PER_SECOND, samples, goal, beside=beside, beside_name="bare automaton")
            )
    grown = tuple(worst_growth()[1] for _ in range(rounds))
    return (*found, Measure("redaction of twice the text, worst shape", Unit.TIMES, grown, GROWTH_GOAL))
