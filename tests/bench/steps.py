"""Measures what one HTTP step costs with all evidence on, and what thousands of them leave in memory.

One sample is the difference of two whole processes, (T500 - T1) / 499: what reading the ladder, the climb, the second
search and the seal take for each step is in it, and what a process needs to start is not. The bare side is a loop over
``httpx`` without any evidence; the peer runs the same steps. Memory is read from the kernel while one process climbs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Final

from tests.bench.figures import AtMost, Comparison, Measure, Unit
from tests.bench.peer import peer_environ
from tests.bench.processes import Ran, peak_mb, recorded_in, resident_mb, run
from tests.bench.step_files import write_ladder, write_peer_test, write_secrets
from tests.bench.subject import ROOT, BenchError, stop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

FEW, MANY, VERY_MANY = 1, 500, 5000
RATIO_GOAL: Final = AtMost(2)
STEP_GOAL: Final = AtMost(0.5)
MEMORY_GOAL: Final = AtMost(40)


class Steps:
    """Runs the same steps in three ways.

    Args:
        place: Where files are written.
        address: Of the local server.
        peer: The interpreter that has the peer; ``None`` when there is none.
    """

    def __init__(self, place: Path, address: str, peer: Path | None) -> None:
        self._place, self._address, self._peer = place, address, peer
        self._environ = {
            "PATH": os.environ.get("PATH", os.defpath),
            "PYTHONPATH": str(ROOT),
            "BASE_URL": address,
            "LADDER_ENV_FILE": str(write_secrets(place)),
        }

    @property
    def sides(self) -> tuple[Callable[[int], Ran], ...]:
        """Ours, bare, and the peer's where there is one."""
        return (self.ours, self.bare, self.peer) if self._peer else (self.ours, self.bare)

    def ours(self, count: int) -> Ran:
        """Climb a ladder of so many steps."""
        return run(self._command(count), self._environ)

    def bare(self, count: int) -> Ran:
        """Send so many requests."""
        return run((sys.executable, "-m", "tests.bench.bare_client", self._address, str(count)), self._environ)

    def peer(self, count: int) -> Ran:
        """Run a test of so many stages."""
        test = write_peer_test(self._place, count, address=self._address)
        return run(
            (self._peer, "-m", "pytest", "-q", "-p", "no:cacheprovider", test.name), peer_environ(), place=self._place
        )

    def memory(self, count: int, trials: int, *, at: Iterable[int]) -> list[float]:
        """Memory in MB of one process that climbs ``count`` steps some times: after some steps, and at most."""
        wanted, found = list(at), []
        command = (*self._command(count, trials=trials), "--json")
        quiet = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
        with subprocess.Popen(command, cwd=ROOT, env=self._environ, **quiet) as process:
            try:
                found += [resident_mb(process.pid) for ended in _steps_ended(process.stdout) if ended in wanted]
                peak = peak_mb(process)
            finally:
                stop(process)
        if len(found) != len(wanted):
            msg = f"a climb of {trials} times {count} steps told of {len(found)} of the {len(wanted)} awaited"
            raise BenchError(msg)
        return [*found, peak]

    def _command(self, count: int, *, trials: int = 1) -> tuple[str | Path, ...]:
        ladder, out = write_ladder(self._place, count, trials=trials), self._place / "evidence"
        return (sys.executable, "-m", "harness", "run", ladder, "--witness", "off", "--out", out)


def _steps_ended(lines: Iterable[str]) -> Iterator[int]:
    """The number of each step that has ended, read from a climb's stream to its end."""
    count = 0
    for line in lines:
        if '"step_ended"' in line:
            count += 1
            yield count


def measure_steps(steps: Steps, *, rounds: int) -> tuple[Comparison, tuple[Measure, ...]]:
    """Measure the cost of a step on every side, in turns; the first round is thrown away."""
    taken: list[list[tuple[Ran, Ran]]] = [[] for _ in steps.sides]
    for number in range(rounds + 1):
        order = list(zip(taken, steps.sides, strict=True))
        for pairs, measure in order if number % 2 else reversed(order):
            pair = measure(FEW), measure(MANY)
            if number:
                pairs.append(pair)
    ours, bare, *others = taken
    wall, bare_wall = _each(ours, _wall_ms), _each(bare, _wall_ms)
    ratio = Comparison("HTTP step over bare httpx", Unit.MILLISECONDS, wall, bare_wall, goal=RATIO_GOAL)
    measures = (
        _step("HTTP step, evidence on", wall, bare_wall, goal=STEP_GOAL),
        _step("… of it while climbing", _each(ours, _climb_ms), bare_wall),
        _step("… processor time", _each(ours, _cpu_ms), _each(bare, _cpu_ms)),
        *(_step("HTTP step of Tavern", _each(peer, _wall_ms), bare_wall) for peer in others),
    )
    return ratio, measures


def _each(pairs: Iterable[tuple[Ran, Ran]], took: Callable[[Ran], float]) -> tuple[float, ...]:
    """What each further step took, by pair."""
    return tuple((took(many) - took(few)) / (MANY - FEW) for few, many in pairs)


def _wall_ms(ran: Ran) -> float:
    return ran.wall_ms


def _cpu_ms(ran: Ran) -> float:
    return ran.cpu_ms


def _climb_ms(ran: Ran) -> float:
    """What the scenario itself took, by the record of its run."""
    folder = recorded_in(ran)
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    return sum(float(each["duration_s"]) * 1000 for each in record["scenarios"])


def _step(name: str, samples: tuple[float, ...], bare: tuple[float, ...], *, goal: AtMost | None = None) -> Measure:
    return Measure(name, Unit.MILLISECONDS, samples, goal, beside=bare, beside_name="bare httpx")


def measure_memory(steps: Steps, *, rounds: int) -> tuple[Measure, ...]:
    """Measure memory after the first step, after 500, and after ten times these 500.

    With 5,000 steps in one ladder, reading it would leave so much free memory behind that no growth could be seen.
    """
    looks = [steps.memory(MANY, VERY_MANY // MANY, at=(FEW, MANY, VERY_MANY)) for _ in range(rounds)]
    first, middle, last, peak = zip(*looks, strict=True)
    growth = tuple(after - before for before, after in zip(middle, last, strict=True))
    return (
        Measure("memory after 1 step", Unit.MEGABYTES, first),
        Measure("memory after 500 steps", Unit.MEGABYTES, middle),
        Measure("memory after 5,000 steps", Unit.MEGABYTES, last, MEMORY_GOAL),
        Measure("growth from 500 to 5,000 steps", Unit.MEGABYTES, growth),
        Measure("memory at most, the seal included", Unit.MEGABYTES, peak),
    )
