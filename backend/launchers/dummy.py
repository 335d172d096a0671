"""Launches the worker program as a child process, without a container: for the mocked mode.

The child gets a scrubbed environment (no secrets, no SLEEP_SECONDS, engine ``dummy``), a session of its own, nothing to
read, and only the standard library and the worker program to import, whatever lies in its workspace. It isolates
nothing: the dummy engine applies fixed rules and runs no foreign code, and this launcher must never run another engine.
Workers live in this process's table and die with it; a handle of an earlier process is therefore ``gone``.
"""

from __future__ import annotations

import os
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Final

import worker.contract
from backend.launchers import dummy_child
from backend.launchers.base import (
    EngineUnavailableError,
    Handle,
    LauncherStatus,
    LaunchRefusedError,
    Phase,
    WorkerLog,
    WorkerState,
)
from backend.launchers.child_process import ChildProcess, Program
from worker.contract import EngineName, EnvName

if TYPE_CHECKING:
    from backend.launchers.base import LaunchSpec

CONFIRM_TIMEOUT_S: Final = 5.0
"""How long a killed worker may take to be gone."""

_PASSED_ON: Final = (EnvName.TRACEPARENT, EnvName.TRACESTATE, EnvName.BAGGAGE)
_INSTALLED: Final = Path(worker.contract.__file__).parent.parent


@dataclass(slots=True)
class _Entry:
    handle: Handle
    spec: LaunchSpec
    child: ChildProcess | None = None


class DummyLauncher:
    """The launcher named ``dummy``.

    Args:
        program_root: Directory that holds the package ``worker``; the one that this backend imports by default.
    """

    def __init__(self, *, program_root: Path = _INSTALLED) -> None:
        self._program_root = program_root
        self._entries: dict[str, _Entry] = {}
        self._lock = Lock()
        self._lifeline, held_end = os.pipe()
        self._pipe_ends = [held_end, self._lifeline]

    @property
    def name(self) -> str:
        """``dummy``."""
        return "dummy"

    def status(self) -> LauncherStatus:
        """Nothing can be missing: the program is part of this backend."""
        return LauncherStatus(self.name, engine_reachable=None)

    def prepare(self, spec: LaunchSpec) -> Handle:
        """Note the attempt; one that is known already is adopted."""
        if not spec.workspace.is_dir():
            msg = f"the workspace {spec.workspace} of job {spec.job_id} is no directory"
            raise LaunchRefusedError("workspace-missing", msg, "restore the project's directory")
        with self._lock:
            for entry in self._entries.values():
                if (entry.spec.job_id, entry.spec.attempt) == (spec.job_id, spec.attempt):
                    return entry.handle
            # Random, because process ids come again: in a container the backend is number 1 after every restart.
            ref = f"process-{secrets.token_hex(8)}"
            handle = Handle(self.name, ref, spec.project_id, spec.job_id, spec.attempt, spec.deadline_at)
            self._entries[ref] = _Entry(handle, spec)
            return handle

    def launch(self, handle: Handle) -> None:
        """Start the noted attempt; harmless when it was started already."""
        with self._lock:
            if (entry := self._entries.get(handle.ref)) is None:
                msg = f"no worker {handle.ref} was prepared by this process"
                raise LaunchRefusedError("worker-removed", msg, "launch the job anew")
            if entry.child is None:
                entry.child = self._start(entry.spec)

    def _start(self, spec: LaunchSpec) -> ChildProcess:
        script, root = dummy_child.__file__, str(self._program_root)
        argv = (sys.executable, "-I", "-S", "-B", script, str(self._lifeline), root, "worker")
        try:
            return ChildProcess(Program(argv, spec.workspace, _environment(spec), self._lifeline))
        except OSError as error:
            msg = f"the worker process of job {spec.job_id} cannot be started: {error.strerror}"
            raise LaunchRefusedError(
                "process-not-started", msg, "look at the host's process and memory limits"
            ) from error

    def observe(self, handle: Handle, *, timeout_s: float) -> WorkerState:
        """Wait for the end of the process, at most ``timeout_s`` seconds, then look."""
        with self._lock:
            entry = self._entries.get(handle.ref)
        if entry is None:
            return WorkerState(Phase.GONE)
        if entry.child is None:
            return WorkerState(Phase.CREATED)
        child = entry.child
        if not child.wait(timeout_s):
            return WorkerState(Phase.RUNNING, started_at=child.started_at)
        return WorkerState(Phase.EXITED, child.exit_code, started_at=child.started_at, finished_at=child.finished_at)

    def stop(self, handle: Handle, *, grace_s: float) -> None:
        """SIGTERM, the grace, SIGKILL, and a look whether it worked."""
        if (child := self._child(handle)) is None:
            return
        child.terminate()
        if child.wait(grace_s):
            return
        child.kill()
        if not child.wait(CONFIRM_TIMEOUT_S):
            msg = f"the worker process of job {handle.job_id} still runs {CONFIRM_TIMEOUT_S:g} s after SIGKILL"
            raise EngineUnavailableError("worker-survived-kill", msg, "look for a blocked file system")

    def collect(self, handle: Handle, *, max_bytes: int) -> WorkerLog:
        """Read the newest output of the process, stdout and stderr in the order of writing."""
        if (child := self._child(handle)) is None:
            return WorkerLog(b"", truncated=False)
        data, truncated = child.output(max_bytes)
        return WorkerLog(data, truncated=truncated)

    def remove(self, handle: Handle) -> None:
        """Kill the process if it still runs, and forget it."""
        self.stop(handle, grace_s=0)
        with self._lock:
            self._entries.pop(handle.ref, None)

    def list(self) -> tuple[Handle, ...]:
        """All workers that this process has not removed."""
        with self._lock:
            return tuple(entry.handle for entry in self._entries.values())

    def close(self) -> None:
        """Cut the lifeline: whatever still runs dies."""
        with self._lock:
            while self._pipe_ends:
                os.close(self._pipe_ends.pop(0))

    def _child(self, handle: Handle) -> ChildProcess | None:
        with self._lock:
            entry = self._entries.get(handle.ref)
            return entry.child if entry else None


def _environment(spec: LaunchSpec) -> dict[str, str]:
    passed_on: dict[str, str] = {name: spec.environment[name] for name in _PASSED_ON if name in spec.environment}
    return {
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        EnvName.WORKSPACE_DIR: str(spec.workspace),
        EnvName.JOB_ID: spec.job_id,
        EnvName.PROJECT_ID: spec.project_id,
        EnvName.WORKER_ENGINE: EngineName.DUMMY,
        **passed_on,
    }
