"""Measures jobs: the time from POST to the visible result, and how many jobs a second eight callers get done.

Throughput counts all that a job costs on both sides: its request is written and its container removed. Latency is
stricter: on the bare side the request is written before the clock starts. Removal counts on neither side there, and the
next sample begins when the engine says that the container is gone; but the backend begins to remove a moment before
its caller has the result in hands, the bare side only after that.
"""

from __future__ import annotations

import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Final

from tests.bench.figures import AtLeast, AtMost, Comparison, Unit
from tests.bench.subject import CALLERS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Executor

    from tests.bench.raw_container import RawEngine
    from tests.bench.removals import Removals
    from tests.bench.subject import Backend

WARM_UP: Final = 3
JOBS_PER_CALLER: Final = 2
"""In one sample of the throughput, so that it shows the steady state and not the first and the last moments only."""
RESULT_GOAL: Final = AtMost(1.25)
THROUGHPUT_GOAL: Final = AtLeast(0.9)


@dataclass(frozen=True, slots=True)
class Sides:
    """The two ways to get a job done, and the witness that its container is gone."""

    backend: Backend
    engine: RawEngine
    removals: Removals


@dataclass(frozen=True, slots=True)
class Phases:
    """Where the time goes: medians in milliseconds by phase, in the words of each side."""

    ours: Mapping[str, float]
    bare: Mapping[str, float]


def in_turns(count: int, ours: Callable[[], float], bare: Callable[[], float]) -> tuple[list[float], list[float]]:
    """Take ``count`` samples of each; who goes first changes every time, so that neither profits from the other."""
    samples: tuple[list[float], list[float]] = ([], [])
    for number in range(count):
        order = ((samples[0], ours), (samples[1], bare))
        for taken, measure in order if number % 2 else reversed(order):
            taken.append(measure())
    return samples


class _Latency:
    def __init__(self, sides: Sides) -> None:
        self._sides = sides
        self._ours = sides.backend.create_project()
        self._bare = sides.engine.create_project()
        self.phases: tuple[dict[str, list[float]], ...] = (defaultdict(list), defaultdict(list))

    def ours(self) -> float:
        begun = time.perf_counter()
        job_id = self._sides.backend.run_job(self._ours)
        took = time.perf_counter() - begun
        self._sides.removals.await_all([job_id])
        self._note(self.phases[0], self._sides.backend.timings(self._ours, job_id) | {"in all": took * 1000})
        return took * 1000

    def bare(self) -> float:
        job = self._sides.engine.prepare(self._bare)
        begun = time.perf_counter()
        ran = self._sides.engine.run(job)
        took = time.perf_counter() - begun
        self._sides.engine.remove(ran.container)
        self._sides.removals.await_all([ran.job_id])
        self._note(self.phases[1], {**ran.timings_ms, "in all": took * 1000})
        return took * 1000

    @staticmethod
    def _note(phases: dict[str, list[float]], timings: Mapping[str, float]) -> None:
        for phase, took in timings.items():
            # A removal is recorded after the end, so a quick look may come before it.
            if phase != "remove":
                phases[phase].append(took)


def measure_latency(sides: Sides, *, pairs: int) -> tuple[Comparison, Phases]:
    """Measure POST → result visible against the bare container."""
    latency = _Latency(sides)
    in_turns(WARM_UP, latency.ours, latency.bare)
    for phases in latency.phases:
        phases.clear()
    ours, bare = in_turns(pairs, latency.ours, latency.bare)
    comparison = Comparison("job: POST → result visible", Unit.MILLISECONDS, tuple(ours), tuple(bare), goal=RESULT_GOAL)
    first, second = ({name: median(taken) for name, taken in phases.items()} for phases in latency.phases)
    return comparison, Phases(first, second)


class _Throughput:
    def __init__(self, sides: Sides, callers: Executor) -> None:
        self._sides = sides
        self._callers = callers
        self._ours = list(callers.map(lambda _: sides.backend.create_project(), range(CALLERS)))
        self._bare = list(callers.map(lambda _: sides.engine.create_project(), range(CALLERS)))

    def ours(self) -> float:
        begun = time.perf_counter()
        job_ids = [job_id for done in self._callers.map(self._one_of_ours, self._ours) for job_id in done]
        self._sides.removals.await_all(job_ids)
        return len(job_ids) / (time.perf_counter() - begun)

    def bare(self) -> float:
        begun = time.perf_counter()
        job_ids = [job_id for done in self._callers.map(self._one_bare, self._bare) for job_id in done]
        self._sides.removals.await_all(job_ids)
        return len(job_ids) / (time.perf_counter() - begun)

    def _one_of_ours(self, project_id: str) -> list[str]:
        return [self._sides.backend.run_job(project_id) for _ in range(JOBS_PER_CALLER)]

    def _one_bare(self, project_id: str) -> list[str]:
        engine = self._sides.engine
        return [engine.run_and_remove(engine.prepare(project_id)) for _ in range(JOBS_PER_CALLER)]


def measure_throughput(sides: Sides, *, rounds: int) -> Comparison:
    """Measure jobs per second with eight callers on a project each, until every container is removed."""
    with ThreadPoolExecutor(max_workers=CALLERS, thread_name_prefix="caller") as callers:
        throughput = _Throughput(sides, callers)
        in_turns(1, throughput.ours, throughput.bare)
        ours, bare = in_turns(rounds, throughput.ours, throughput.bare)
    name = f"throughput, {CALLERS} jobs at once"
    return Comparison(name, Unit.JOBS_PER_SECOND, tuple(ours), tuple(bare), goal=THROUGHPUT_GOAL)
