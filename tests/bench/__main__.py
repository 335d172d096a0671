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
from pathlib import Path
from typing import TYPE_CHECKING, Final

import docker
from docker.errors import APIError, DockerException, ImageNotFound
from docker.utils import kwargs_from_env
from requests.exceptions import RequestException

from tests.bench.big_workspace import measure_files
from tests.bench.jobs import JOBS_PER_CALLER, Sides, measure_latency, measure_throughput
from tests.bench.raw_container import RawEngine
from tests.bench.removals import watched_removals
from tests.bench.report import Machine, Report, processors
from tests.bench.subject import CALLERS, BenchError, running_backend
from worker.contract import Label

if TYPE_CHECKING:
    from collections.abc import Iterator

MET, MISSED, PREREQUISITE, INTERRUPTED = 0, 1, 3, 130
LATENCY_PAIRS: Final = 40
THROUGHPUT_ROUNDS: Final = 14
LISTINGS: Final = 20
READS: Final = 200
CALL_TIMEOUT_S: Final = 60


def main() -> int:
    """Run the benchmark; returns the exit code."""
    options = _options()
    # Whoever stops us by a signal finds no backend and no container left, either.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        report = _measure(options.image)
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
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measure the budgets of the backend.")
    parser.add_argument("--json", action="store_true", help="every figure and sample as JSON")
    parser.add_argument(
        "--image",
        default=os.environ.get("CODEX_WORKER_IMAGE") or "codex-worker:latest",
        help="the worker image of both sides; default $CODEX_WORKER_IMAGE, else %(default)s",
    )
    return parser.parse_args()


def _refuse(reference: str, message: str, hint: str) -> int:
    sys.stderr.write(f"error[{reference}]: {message}\n  hint: {hint}\n")
    return PREREQUISITE


def _say(text: str) -> None:
    sys.stderr.write(f"bench: {text}\n")


def _measure(image: str) -> Report:
    begun, load = time.monotonic(), os.getloadavg()[0]
    client = docker.APIClient(timeout=CALL_TIMEOUT_S, max_pool_size=4 * CALLERS, **kwargs_from_env())
    image_id = str(client.inspect_image(image)["Id"])
    machine = Machine(processors(), load, str(client.version()["Version"]), f"{image} ({image_id[:19]})")
    name = f"bench-{secrets.token_hex(4)}"
    with (
        tempfile.TemporaryDirectory(prefix="ladder-bench-") as made,
        _no_containers_left(client, (name, f"{name}-raw")),
        running_backend(Path(made), image=image, instance=name) as backend,
        watched_removals(client) as removals,
    ):
        engine = RawEngine(client, image_id=image_id, instance=f"{name}-raw", root=Path(made) / "raw")
        sides = Sides(backend, engine, removals)
        _say(f"{LATENCY_PAIRS} pairs of single jobs")
        latency, phases = measure_latency(sides, pairs=LATENCY_PAIRS)
        _say(f"{THROUGHPUT_ROUNDS} pairs of {CALLERS} callers with {JOBS_PER_CALLER} jobs each")
        throughput = measure_throughput(sides, rounds=THROUGHPUT_ROUNDS)
        _say(f"{LISTINGS} listings and {READS} reads in a big workspace")
        files = measure_files(backend, listings=LISTINGS, reads=READS)
    return Report(machine, (latency, throughput, *files), phases, seconds=time.monotonic() - begun)


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
