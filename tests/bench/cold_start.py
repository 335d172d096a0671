"""Measures what a person waits for before the first character: processes that are started and do next to nothing.

Files are in the page cache, since a benchmark cannot empty it on a machine that others use. Whole processes are taken,
from ``fork`` to ``wait``, and their processor time, which other load changes less; the same for ``python -c pass`` is
what no program of ours can avoid.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

from tests.bench.figures import AtMost, Measure, Unit
from tests.bench.processes import Ran, run
from tests.bench.subject import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

COLD_GOAL: Final = AtMost(150)
COMMANDS: Final[Mapping[str, tuple[str, ...]]] = {
    "python -c pass": ("-c", "pass"),
    "ladder --help": ("-m", "harness", "--help"),
    "ladder list": ("-m", "harness", "list"),
}
BARE: Final = "python -c pass"


def measure_cold_starts(*, rounds: int) -> tuple[Measure, ...]:
    """Measure each command once a round, in turns; the first round is thrown away."""
    taken: dict[str, list[Ran]] = {name: [] for name in COMMANDS}
    environ = {"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": str(ROOT)}
    for number in range(rounds + 1):
        for name, arguments in COMMANDS.items():
            ran = run((sys.executable, *arguments), environ)
            if number:
                taken[name].append(ran)
    bare = taken.pop(BARE)
    return tuple(measure for name, ours in taken.items() for measure in _told(name, ours, bare))


def _told(name: str, ours: Sequence[Ran], bare: Sequence[Ran]) -> tuple[Measure, Measure]:
    wall, beside = tuple(ran.wall_ms for ran in ours), tuple(ran.wall_ms for ran in bare)
    cpu, cpu_beside = tuple(ran.cpu_ms for ran in ours), tuple(ran.cpu_ms for ran in bare)
    return (
        Measure(f"{name}, cold", Unit.MILLISECONDS, wall, COLD_GOAL, beside=beside, beside_name=BARE),
        Measure("… processor time", Unit.MILLISECONDS, cpu, beside=cpu_beside, beside_name=BARE),
    )
