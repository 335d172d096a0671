"""Measures the climb of L01 to L07 against what its containers took, and how soon a result is noticed.

It is the real ``ladder run`` with all its evidence and with the engine as its witness, against the backend of the other
benchmarks. A container's time is what the backend tells of its job, from the call that makes it until its end; all of
them together are the bare side, since no judge can be done before them. A result is noticed when the accepted attempt
of its poll is recorded, and it exists when the backend says that the job ended.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from harness.evidence.events import ExchangeMade, PollAttempted
from harness.evidence.exchanges import Purpose
from harness.evidence.journal import iter_events
from harness.evidence.layout import EVENTS
from tests.bench.figures import AtMost, Comparison, Measure, Unit
from tests.bench.processes import recorded_in, run
from tests.bench.subject import ROOT, BenchError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.evidence.event_lines import Entry
    from tests.bench.subject import Backend

CLIMBED: Final = tuple(f"L{number:02}" for number in range(1, 8))
JOBS: Final = ("L01", "L05", "L06", "L07")
"""Those of them that wait for a job of their own."""
CLIMB_GOAL: Final = AtMost(1.3)
NOTICE_GOAL: Final = AtMost(25)


@dataclass(frozen=True, slots=True)
class _Climb:
    """One climb, in seconds; what was noticed in milliseconds.

    Attributes:
        wall: From the first scenario's beginning to the last one's end.
        process: The whole process.
    """

    wall: float
    process: float
    containers: float
    noticed: tuple[float, ...]


def measure_live_climbs(backend: Backend, place: Path, *, rounds: int) -> tuple[Comparison, tuple[Measure, ...]]:
    """Climb L01 to L07 some times; the first climb is thrown away."""
    climbs = [_climb(backend, place / "live") for _ in range(rounds + 1)][1:]
    wall, containers = tuple(each.wall for each in climbs), tuple(each.containers for each in climbs)
    noticed = tuple(delay for each in climbs for delay in each.noticed)
    return Comparison("L01 to L07, and their containers", Unit.SECONDS, wall, containers, goal=CLIMB_GOAL), (
        Measure("L01 to L07, the whole process", Unit.SECONDS, tuple(each.process for each in climbs)),
        Measure("result there → noticed, server waits", Unit.MILLISECONDS, noticed, NOTICE_GOAL),
    )


def _climb(backend: Backend, out: Path) -> _Climb:
    only = [word for each in CLIMBED for word in ("--only", each)]
    command = (sys.executable, "-m", "harness", "run", "live", *only, "--witness", "required", "--out", out)
    ran = run(command, _environ(backend, out))
    entries = list(iter_events(recorded_in(ran) / EVENTS))
    jobs = {scenario: job for scenario, job in _jobs(entries) if scenario in JOBS}
    if tuple(jobs) != JOBS:
        msg = f"a live climb shows the jobs of {', '.join(jobs)} instead of those of {', '.join(JOBS)}"
        raise BenchError(msg)
    scenarios = [entry.t for entry in entries if getattr(entry.event, "scenario", "") in CLIMBED]
    return _Climb(
        wall=scenarios[-1] - scenarios[0],
        process=ran.wall_ms / 1000,
        containers=sum(job["container"]["timings_ms"][phase] / 1000 for job in jobs.values() for phase in _CONTAINER),
        noticed=tuple(_noticed(entries, scenario, job["finished_at"]) for scenario, job in jobs.items()),
    )


_CONTAINER: Final = ("launch", "run")


def _environ(backend: Backend, place: Path) -> dict[str, str]:
    passed = {name: value for name, value in os.environ.items() if name.startswith("DOCKER_") or name == "PATH"}
    origin = str(backend.http.base_url.join("/")).rstrip("/")
    return passed | {"PYTHONPATH": str(ROOT), "BASE_URL": origin, "LADDER_ENV_FILE": str(place / "none.env")}


def _jobs(entries: list[Entry]) -> Iterator[tuple[str, dict]]:
    """Each scenario's job, as the step that looks at it when it is over has seen it."""
    for entry in entries:
        event = entry.event
        if isinstance(event, ExchangeMade) and event.step == "settled" and event.purpose is Purpose.STEP:
            yield event.scenario, json.loads(event.answer.text)


def _noticed(entries: list[Entry], scenario: str, ended_at: str) -> float:
    """Milliseconds from the end of a job to the attempt that brought its result; both by the clock of this machine."""
    accepted = next(
        entry.at
        for entry in entries
        if isinstance(entry.event, PollAttempted) and entry.event.scenario == scenario and not entry.event.why_not_ready
    )
    return (datetime.fromisoformat(accepted) - datetime.fromisoformat(ended_at)).total_seconds() * 1000
