"""``python -m tests.bench``: measure, print, and exit with 0 (goals met), 1 (one is missed) or 3 (cannot measure)."""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

import docker
from docker.errors import APIError, DockerException, ImageNotFound
from docker.utils import kwargs_from_env
from requests.exceptions import RequestException

from tests.bench.big_workspace import measure_files
from tests.bench.console_pages import measure_console
from tests.bench.jobs import JOBS_PER_CALLER, Sides, measure_latency, measure_throughput
from tests.bench.judge import Judged, measure_judge
from tests.bench.live_climb import measure_live_climbs
from tests.bench.many_runs import RUNS
from tests.bench.raw_container import RawEngine
from tests.bench.removals import watched_removals
from tests.bench.report import Machine, Report, processors
from tests.bench.subject import CALLERS, BenchError, running_backend
from tests.bench.trace_cost import (
    JOB_PAIRS,
    OPERATIONS,
    REQUEST_ROUNDS,
    REQUESTS,
    measure_job,
    measure_operations,
    measure_requests,
    running_pair,
)
from tests.bench.trials import AT_ONCE, TRIALS, measure_trials
from worker.contract import Label

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.bench.figures import Comparison, Measure
    from tests.bench.jobs import Phases

MET, MISSED, PREREQUISITE, INTERRUPTED = 0, 1, 3, 130
LIVE_CLIMBS: Final = 6
LATENCY_PAIRS: Final = 40
THROUGHPUT_ROUNDS: Final = 14
TRIAL_ROUNDS: Final = 6
LISTINGS: Final = 20
READS: Final = 200
PAGES: Final = 60
CALL_TIMEOUT_S: Final = 60


class Part(StrEnum):
    """What is measured."""

    ALL = "all"
    BACKEND = "backend"
    HARNESS = "harness"
    TRACING = "tracing"
    CONSOLE = "console"

    def has(self, part: Part) -> bool:
        """Whether this part is measured."""
        return self in {part, Part.ALL}


def main() -> int:
    """Run the benchmark; returns the exit code."""
    options = _options()
    # Whoever stops us by a signal finds no backend and no container left, either.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        report = _measure(options.image, options.part)
    except ImageNotFound:
        return _refuse("worker-image-missing", f"the engine has no image {options.image}", "make up")
    except (DockerException, RequestException) as error:
        return _refuse("engine-unreachable", f"the engine does not answer: {type(error).__name__}", "make up")
    except BenchError as error:
        return _refuse("bench-broken", str(error), "python -m tests.bench, on a machine that is less busy")
    except KeyboardInterrupt:
        return INTERRUPTED
    sys.stdout.write((report.as_json() if options.json else report.as_text()) + "\n")
    return MET if report.met else MISSED


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description="Measure the budgets of backend, judge, recording and console."
    )
    parser.add_argument("--json", action="store_true", help="every figure and sample as JSON")
    parser.add_argument(
        "--image",
        default=os.environ.get("CODEX_WORKER_IMAGE") or "codex-worker:latest",
        help="the worker image of both sides; default $CODEX_WORKER_IMAGE, else %(default)s",
    )
    parser.add_argument("--part", choices=Part, type=Part, default=Part.ALL, help="only one of them; default: all")
    return parser.parse_args()


def _refuse(reference: str, message: str, hint: str) -> int:
    sys.stderr.write(f"error[{reference}]: {message}\n  hint: {hint}\n")
    return PREREQUISITE


def _say(text: str) -> None:
    sys.stderr.write(f"bench: {text}\n")


@dataclass(frozen=True, slots=True)
class _Ground:
    """What every part stands on: the engine, the image, a folder, and a name for containers that nobody else uses."""

    client: docker.APIClient
    place: Path
    image: str
    image_id: str
    name: str


def _measure(image: str, part: Part) -> Report:
    begun, load = time.monotonic(), os.getloadavg()[0]
    client = docker.APIClient(timeout=CALL_TIMEOUT_S, max_pool_size=4 * CALLERS, **kwargs_from_env())
    image_id = str(client.inspect_image(image)["Id"])
    machine = Machine(processors(), load, str(client.version()["Version"]), f"{image} ({image_id[:19]})")
    with tempfile.TemporaryDirectory(prefix="ladder-bench-") as made:
        ground = _Ground(client, Path(made), image, image_id, f"bench-{secrets.token_hex(4)}")
        # First what needs a quiet machine: nothing else of ours is running yet.
        judge = measure_judge(_folder(ground.place, "judge"), _say) if part.has(Part.HARNESS) else Judged((), (), ())
        pages = _measure_pages(ground.place) if part.has(Part.CONSOLE) else _Figures()
        stack = _measure_stack(ground, part) if part not in {Part.TRACING, Part.CONSOLE} else _Figures()
        recording = _measure_recording(ground) if part.has(Part.TRACING) else _Figures()
    comparisons = (*stack.comparisons, *judge.comparisons, *recording.comparisons)
    measures = (*stack.measures, *judge.measures, *pages.measures, *recording.measures)
    seconds = time.monotonic() - begun
    return Report(machine, comparisons, stack.phases, seconds=seconds, measures=measures, remarks=judge.remarks)


@dataclass(frozen=True, slots=True)
class _Figures:
    """What a part has measured."""

    comparisons: tuple[Comparison, ...] = ()
    measures: tuple[Measure, ...] = ()
    phases: Phases | None = None


def _measure_pages(place: Path) -> _Figures:
    """How soon the console answers."""
    _say(f"{PAGES} times each page of the console, over {RUNS} runs")
    return _Figures(measures=measure_console(place / "pages", rounds=PAGES))


def _measure_stack(ground: _Ground, part: Part) -> _Figures:
    """What needs one backend: the climbs of the judge, and what the backend itself costs."""
    name = ground.name
    with (
        _no_containers_left(ground.client, (name, f"{name}-raw")),
        running_backend(_folder(ground.place, "backend"), image=ground.image, instance=name) as backend,
        watched_removals(ground.client) as removals,
    ):
        engine = RawEngine(ground.client, image_id=ground.image_id, instance=f"{name}-raw", root=ground.place / "raw")
        sides = Sides(backend, engine, removals)
        climbs, climbing = _measure_climbs(sides, ground.place) if part.has(Part.HARNESS) else ((), ())
        served, phases = _measure_backend(sides) if part.has(Part.BACKEND) else ((), None)
    return _Figures((*served, *climbs), climbing, phases)


def _measure_recording(ground: _Ground) -> _Figures:
    """What recording costs; two backends run meanwhile."""
    place, name = _folder(ground.place, "recording"), f"{ground.name}-on"
    _say(f"{OPERATIONS} operations of recording of each kind")
    operations = measure_operations(place, count=OPERATIONS)
    with (
        _no_containers_left(ground.client, (name, f"{name}-off")),
        watched_removals(ground.client) as removals,
        running_pair(place, image=ground.image, instance=name, removals=removals) as sides,
    ):
        _say(f"{REQUEST_ROUNDS} times {REQUESTS} requests, recorded and not")
        requests = measure_requests(sides, rounds=REQUEST_ROUNDS)
        _say(f"{JOB_PAIRS} pairs of single jobs, recorded and not")
        jobs = measure_job(sides, pairs=JOB_PAIRS)
    return _Figures((jobs,), (requests, *operations))


def _folder(place: Path, name: str) -> Path:
    made = place / name
    made.mkdir()
    return made


def _measure_climbs(sides: Sides, place: Path) -> tuple[tuple[Comparison, ...], tuple[Measure, ...]]:
    _say(f"{LIVE_CLIMBS} climbs of L01 to L07")
    climbs, measures = measure_live_climbs(sides.backend, place, rounds=LIVE_CLIMBS)
    _say(f"{TRIAL_ROUNDS} times {TRIALS} trials of L01, {AT_ONCE} at once")
    trials, closing = measure_trials(sides, _folder(place, "trials"), rounds=TRIAL_ROUNDS)
    return (climbs, trials), (*measures, closing)


def _measure_backend(sides: Sides) -> tuple[tuple[Comparison, ...], Phases]:
    _say(f"{LATENCY_PAIRS} pairs of single jobs")
    latency, phases = measure_latency(sides, pairs=LATENCY_PAIRS)
    _say(f"{THROUGHPUT_ROUNDS} pairs of {CALLERS} callers with {JOBS_PER_CALLER} jobs each")
    throughput = measure_throughput(sides, rounds=THROUGHPUT_ROUNDS)
    _say(f"{LISTINGS} listings and {READS} reads in a big workspace")
    return (latency, throughput, *measure_files(sides.backend, listings=LISTINGS, reads=READS)), phases


@contextmanager
def _no_containers_left(client: docker.APIClient, instances: tuple[str, ...]) -> Iterator[None]:
    try:
        yield
    finally:
        for instance in instances:
            ours = {"label": [f"{Label.INSTANCE}={instance}"]}
            for left in client.containers(all=True, filters=ours):
                with suppress(APIError):
                    client.remove_container(left["Id"], v=True, force=True)


if __name__ == "__main__":
    sys.exit(main())
