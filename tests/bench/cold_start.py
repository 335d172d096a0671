"""Measures what a person waits for before the first character: processes that are started and do next to nothing.

Files are in the page cache, since a benchmark cannot empty it on a machine that others use. Whole processes are taken,
from ``fork`` to ``wait``; the same for ``python -c pass`` is what no program of ours can avoid.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

from tests.bench.figures import AtMost, Measure, Unit
from tests.bench.processes import run
from tests.bench.subject import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

COLD_GOAL: Final = AtMost(150)
COMMANDS: Final[Mapping[str, tuple[str, ...]]] = {
    "python -c pass": ("-c", "pass"),
    "ladder --help": ("-m", "harness", "--help"),
    "ladder list": ("-m", "harness", "list"),
}
BARE: Final = "python -c pass"


def measure_cold_starts(*, rounds: int) -> tuple[Measure, ...]:
    """Measure each command once a round, in turns; the first round is thrown away."""
    taken: dict[str, list[float]] = {name: [] for name in COMMANDS}
    environ = {"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": str(ROOT)}
    for number in range(rounds + 1):
        for name, arguments in COMMANDS.items():
            took = run((sys.executable, *arguments), environ).wall_ms
            if number:
                taken[name].append(took)
    bare = tuple(taken.pop(BARE))
    return tuple(
        Measure(f"{name}, cold", Unit.MILLISECONDS, tuple(samples), COLD_GOAL, beside=bare, beside_name=BARE)
        for name, samples in taken.items()
    )
