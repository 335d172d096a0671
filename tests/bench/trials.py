"""Measures several trials at once against the bare engine at the same concurrency: how many jobs a second get done.

A trial is the whole of L01 with all its evidence and the engine as its witness: it makes a project, so that its job is
the same as that of a bare container. Both sides count from the first beginning to the last end, removal included; the
start of the process and the closing of the bundle are in neither, since a run of any length has them once.
"""

from __future__ import annotations

import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING, Final

from harness.evidence.layout import TRACE_MANIFEST
from harness.evidence.trial_records import decode_traces
from tests.bench.figures import AtLeast, Comparison, Measure, Unit
from tests.bench.jobs import in_turns
from tests.bench.processes import recorded_in, run
from tests.bench.subject import ROOT, BenchError

if TYPE_CHECKING:
    from concurrent.futures import Executor
    from pathlib import Path

    from tests.bench.jobs import Sides

TRIALS: Final = 16
AT_ONCE: Final = 4
TRIALS_GOAL: Final = AtLeast(0.4)
"""Judge, backend and engine share the processors, which on the bare side belong to the engine alone."""


class _Sample:
    def __init__(self, sides: Sides, place: Path, callers: Executor) -> None:
        self._sides, self._place, self._callers = sides, place, callers
        self.closing: list[float] = []

    def ours(self) -> float:
        only = ("--only", "L01", "--trials", str(TRIALS), "--concurrency", str(AT_ONCE))
        command = (sys.executable, "-m", "harness", "run", "live", *only, "--witness", "required", "--out", self._place)
        ran = run(command, self._environ())
        folder = recorded_in(ran)
        trials = decode_traces((folder / TRACE_MANIFEST).read_text(encoding="utf-8")).trials
        if [trial.status for trial in trials] != ["PASS"] * TRIALS:
            msg = f"of {TRIALS} trials not all passed: {folder}"
            raise BenchError(msg)
        begun = [datetime.fromisoformat(trial.started_at).timestamp() for trial in trials]
        took = max(at + trial.duration_s for at, trial in zip(begun, trials, strict=True)) - min(begun)
        whole = json.loads((folder / "run.json").read_text(encoding="utf-8"))["duration_s"]
        self.closing.append((whole - took) * 1000 / TRIALS)
        return TRIALS / took

    def bare(self) -> float:
        begun = time.perf_counter()
        jobs = list(self._callers.map(lambda _: self._one(), range(TRIALS)))
        self._sides.removals.await_all(jobs)
        return TRIALS / (time.perf_counter() - begun)

    def _one(self) -> str:
        engine = self._sides.engine
        return engine.run_and_remove(engine.prepare_project())

    def _environ(self) -> dict[str, str]:
        passed = {name: value for name, value in os.environ.items() if name.startswith("DOCKER_") or name == "PATH"}
        origin = str(self._sides.backend.http.base_url.join("/")).rstrip("/")
        return passed | {"PYTHONPATH": str(ROOT), "BASE_URL": origin, "LADDER_ENV_FILE": str(self._place / "none.env")}


def measure_trials(sides: Sides, place: Path, *, rounds: int) -> tuple[Comparison, Measure]:
    """Climb L01 many times at once, and let as many bare containers do the same work."""
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="caller") as callers:
        sample = _Sample(sides, place, callers)
        in_turns(1, sample.ours, sample.bare)
        sample.closing.clear()
        ours, bare = in_turns(rounds, sample.ours, sample.bare)
    name = f"trials of L01, {AT_ONCE} at once, and bare containers"
    return (
        Comparison(name, Unit.JOBS_PER_SECOND, tuple(ours), tuple(bare), goal=TRIALS_GOAL),
        Measure("closing the bundle, for each trial", Unit.MILLISECONDS, tuple(sample.closing)),
    )
