"""A launcher whose workers run until a test ends them: how to look at running jobs without sleeping."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from backend.launchers.base import Handle, LauncherStatus, Phase, WorkerLog, WorkerState
from worker.contract import RESULT_PATH

if TYPE_CHECKING:
    from backend.launchers.base import LaunchSpec

PATIENCE_S = 60


@dataclass
class _Worker:
    handle: Handle
    spec: LaunchSpec
    running: bool = False
    exit_code: int | None = None
    output: bytes = b""


@dataclass
class HeldLauncher:
    """Starts nothing; a job runs from its launch until ``finish`` or a stop.

    Attributes:
        name: ``dummy`` or ``docker``, whichever place it takes.
        found: What ``status`` answers.
        obeys_stops: When false, a stop is taken note of and the worker runs on.
    """

    name: str = "docker"
    found: LauncherStatus = field(default_factory=lambda: LauncherStatus("docker", engine_reachable=True))
    obeys_stops: bool = True
    stopped: list[str] = field(default_factory=list)
    launched: list[str] = field(default_factory=list)
    _workers: dict[str, _Worker] = field(default_factory=dict)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def wait_until_running(self, job_id: str) -> LaunchSpec:
        """Wait until the backend has started the job's worker."""
        with self._changed:
            assert self._changed.wait_for(lambda: job_id in self.launched, PATIENCE_S), f"{job_id} was not launched"
            return self._workers[job_id].spec

    def wait_until_stopped(self, job_id: str) -> None:
        """Wait until the backend has told the job's worker to stop."""
        with self._changed:
            assert self._changed.wait_for(lambda: job_id in self.stopped, PATIENCE_S), f"{job_id} was not stopped"

    def leave_result(self, job_id: str, **changes: Any) -> None:
        """Write the job's result as a worker would, and let the worker run on."""
        spec = self.wait_until_running(job_id)
        path = spec.workspace / RESULT_PATH
        path.unlink(missing_ok=True)
        path.write_text(json.dumps(result_of(spec, **changes), indent=2) + "\n")

    def print(self, job_id: str, output: bytes) -> None:
        """Let a running worker print something."""
        self.wait_until_running(job_id)
        with self._changed:
            self._workers[job_id].output += output

    def finish(self, job_id: str, **changes: Any) -> None:
        """End a running job with a result; ``changes`` replace fields of a success without files."""
        self.leave_result(job_id, **changes)
        self.crash(job_id, exit_code=0)

    def crash(self, job_id: str, *, exit_code: int) -> None:
        """End a running job's process with nothing else than its exit code."""
        self.wait_until_running(job_id)
        with self._changed:
            self._end(self._workers[job_id], exit_code)

    def finish_all(self) -> None:
        """End every worker that still runs, so that a backend can stop."""
        with self._changed:
            for worker in self._workers.values():
                self._end(worker, 1)

    def _end(self, worker: _Worker, exit_code: int) -> None:
        if worker.exit_code is None:
            worker.exit_code = exit_code
        self._changed.notify_all()

    def status(self) -> LauncherStatus:
        return self.found

    def prepare(self, spec: LaunchSpec) -> Handle:
        handle = Handle(self.name, f"held-{spec.job_id}", spec.project_id, spec.job_id, spec.attempt, spec.deadline_at)
        with self._changed:
            self._workers.setdefault(spec.job_id, _Worker(handle, spec))
        return handle

    def launch(self, handle: Handle) -> None:
        with self._changed:
            self._workers[handle.job_id].running = True
            self.launched.append(handle.job_id)
            self._changed.notify_all()

    def observe(self, handle: Handle, *, timeout_s: float) -> WorkerState:
        with self._changed:
            worker = self._workers.get(handle.job_id)
            if worker is None:
                return WorkerState(Phase.GONE)
            self._changed.wait_for(lambda: worker.exit_code is not None, timeout_s)
            if worker.exit_code is not None:
                return WorkerState(Phase.EXITED, worker.exit_code)
            return WorkerState(Phase.RUNNING if worker.running else Phase.CREATED)

    def stop(self, handle: Handle, *, grace_s: float) -> None:
        with self._changed:
            self.stopped.append(handle.job_id)
            if self.obeys_stops:
                self._end(self._workers[handle.job_id], 143)
            self._changed.notify_all()

    def collect(self, handle: Handle, *, max_bytes: int) -> WorkerLog:
        with self._changed:
            worker = self._workers.get(handle.job_id)
            data = worker.output if worker else b""
        return WorkerLog(data[-max_bytes:], truncated=len(data) > max_bytes)

    def remove(self, handle: Handle) -> None:
        with self._changed:
            self._workers.pop(handle.job_id, None)

    def list(self) -> tuple[Handle, ...]:
        with self._changed:
            return tuple(worker.handle for worker in self._workers.values())

    def close(self) -> None:
        self.finish_all()


def result_of(spec: LaunchSpec, **changes: Any) -> dict[str, Any]:
    """A valid result document of a job, with some fields replaced."""
    return {
        "contract_version": 1,
        "project_id": spec.project_id,
        "job_id": spec.job_id,
        "engine": "template",
        "written_by": "worker",
        "status": "success",
        "summary": "Done by hand.",
        "created_files": [],
        "modified_files": [],
        "errors": [],
        "logs": [],
        "timestamp": "2025-11-14T17:14:05.000000Z",
    } | changes
