"""The subject: a real backend in a process of its own, and one open connection to it.

It listens on loopback, keeps everything below one temporary directory, and its containers carry an instance label that
nobody else uses. Its log is kept, because the log knows what a request cost inside the server.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).resolve().parents[2]
CALLERS: Final = 8
START_S: Final = 30.0
STOP_S: Final = 30.0
LOG_S: Final = 5.0
POLL_S: Final = 0.05
WAIT_S: Final = 60

GENERATE: Final = (
    "Generate a minimal Python CLI project that prints the first 10 Fibonacci numbers and includes a basic test."
)
EDIT: Final = "Append a comment line to app.py describing the change."
"""An edit that always changes a file, however often it is asked for."""


class BenchError(Exception):
    """What was to be measured did not happen; no figure of this run is worth anything."""


@dataclass(frozen=True, slots=True)
class Backend:
    """A running backend."""

    http: httpx.Client
    log: Path
    workspaces: Path

    def create_project(self) -> str:
        """Make a project, wait until its first job is done, and return its id."""
        answer = self.http.post("projects/", json={"instruction": GENERATE}, headers={"Prefer": f"wait={WAIT_S}"})
        project = _checked(answer)
        if project["status"] != "completed":
            msg = f"the first job of a project ended as {project['status']}: {project['summary']}"
            raise BenchError(msg)
        return str(project["id"])

    def run_job(self, project_id: str) -> str:
        """Post an edit and fetch its result as soon as it is visible; returns the job's id."""
        body = {"job_type": "edit", "instruction": EDIT}
        job = _checked(self.http.post(f"{project_id}/jobs", json=body, headers={"Prefer": f"wait={WAIT_S}"}))
        fetched = _checked(self.http.get(f"{project_id}/files/.codex/result.json"))
        require_success(json.loads(fetched["contents"]), job["id"])
        return str(job["id"])

    def timings(self, project_id: str, job_id: str) -> dict[str, float]:
        """What the backend says that each phase of an ended job took, in milliseconds."""
        return dict(_checked(self.http.get(f"{project_id}/jobs/{job_id}"))["container"]["timings_ms"])

    def get(self, path: str) -> dict[str, Any]:
        """Fetch a document below the prefix of the API."""
        return _checked(self.http.get(path))

    def server_times(self, path: str, *, count: int) -> tuple[float, ...]:
        """The newest ``count`` durations in milliseconds that the server logged for a path."""
        give_up_at = time.monotonic() + LOG_S
        while len(found := self._logged(path)) < count:
            if time.monotonic() > give_up_at:
                msg = f"the backend logged {len(found)} of {count} requests for {path}"
                raise BenchError(msg)
            time.sleep(POLL_S)
        return tuple(found[-count:])

    def _logged(self, path: str) -> list[float]:
        lines = self.log.read_text(encoding="utf-8").splitlines(keepends=True)
        events = [json.loads(line) for line in lines if path in line and line.endswith("\n")]
        return [e["duration_ms"] for e in events if e["event"] == "http.request" and e["path"].endswith(path)]


def _checked(answer: httpx.Response) -> dict[str, Any]:
    if answer.status_code != httpx.codes.OK:
        msg = f"{answer.request.method} {answer.request.url.path} gave {answer.status_code}: {answer.text[:300]}"
        raise BenchError(msg)
    return dict(answer.json())


def require_success(result: dict[str, Any], job_id: str) -> None:
    """Refuse a result that is another job's or tells of a failure: its time would mean nothing.

    Raises:
        BenchError: It is no success of this job.
    """
    if result.get("job_id") != job_id or result.get("status") != "success":
        msg = f"job {job_id} has the result {result.get('status')} of job {result.get('job_id')}"
        raise BenchError(msg)


@contextmanager
def running_backend(place: Path, *, image: str, instance: str, **settings: str) -> Iterator[Backend]:
    """Start a backend in live mode below ``place`` and stop it at the end of the block.

    Args:
        place: Everything that it keeps is below it.
        image: The worker's.
        instance: The label of its containers.
        settings: Further variables of its environment.

    Raises:
        BenchError: It does not become ready.
    """
    port = _free_port()
    log = place / "backend.log"
    environment = _environment(place, image=image, instance=instance) | {"PORT": str(port)} | settings
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "backend"], cwd=place, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        limits = httpx.Limits(max_connections=CALLERS, max_keepalive_connections=CALLERS)
        base = f"http://127.0.0.1:{port}/api/v1/"
        # Proxy settings of the machine are for other hosts than our own.
        with httpx.Client(base_url=base, timeout=WAIT_S + 30, limits=limits, trust_env=False) as http:
            backend = Backend(http, log, place / "workspaces")
            _await_ready(backend, process)
            yield backend
    finally:
        stop(process)


def _environment(place: Path, *, image: str, instance: str) -> dict[str, str]:
    passed = {name: value for name, value in os.environ.items() if name.startswith("DOCKER_") or name == "PATH"}
    return passed | {
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "USE_DUMMY_WORKER": "False",
        "CODEX_WORKER_IMAGE": image,
        "LADDER_INSTANCE": instance,
        "MAX_CONCURRENT_JOBS": str(CALLERS),
        "DATABASE_URL": f"sqlite:///{place}/bench.db",
        "WORKSPACE_ROOT": str(place / "workspaces"),
        "STATE_DIR": str(place / "state"),
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await_ready(backend: Backend, process: subprocess.Popen[bytes]) -> None:
    give_up_at = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < give_up_at:
        try:
            if backend.http.get("ready").status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        time.sleep(POLL_S)
    tail = "\n".join(backend.log.read_text(encoding="utf-8").splitlines()[-5:])
    msg = f"the backend was not ready after {START_S:g} s; the end of its log:\n{tail}"
    raise BenchError(msg)


def stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
