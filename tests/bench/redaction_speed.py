"""Measures how fast streams are redacted in writes of 4 KiB, with 3 and with 50 secrets, at each depth of search.

One sample is the best of some rounds over clean source text, by processor time (``tests/harness/redaction``); the bare
automaton over the same text stands beside it, because neighbours that use the same caches slow down both.
"""

from __future__ import annotations

from typing import Final

from harness.redaction.redactor import Layers
from tests.bench.figures import AtLeast, Measure, Unit
from tests.harness.redaction.throughput import ceiling, measure

DEPTHS: Final = {
    Layers.SPELT_OUT: "spelt out",
    Layers.FRAGMENTS: "and fragments",
    Layers.ALL: "and every view",
}
GOALS: Final = {(Layers.SPELT_OUT, 3): AtLeast(300), (Layers.SPELT_OUT, 50): AtLeast(250)}


def measure_redaction(*, rounds: int) -> tuple[Measure, ...]:
    """Measure each depth with few and with many secrets."""
    found: list[Measure] = []
    for layers, name in DEPTHS.items():
        taken = [(measure(layers), ceiling()) for _ in range(rounds)]
        beside = tuple(bare for _, bare in taken)
        for secrets in taken[0][0]:
            samples, goal = tuple(speeds[secrets] for speeds, _ in taken), GOALS.get((layers, secrets))
            title = f"redaction, {secrets} secrets, {name}"
            found.append(
                Measure(title, Unit.MEGABYTES_PER_SECOND, samples, goal, beside=beside, beside_name="bare automaton")
            )
    return tuple(found)
