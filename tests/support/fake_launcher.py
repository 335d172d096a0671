"""An engine in memory with workers that do what a test tells them, and the launcher through which a backend sees it.

The engine outlives the backends that use it, as a Docker engine does; two launchers with different instances share it.
A worker that acts reads its request and leaves its result through the workspace, with the worker's own file code. All
waiting is for events, so a test holds the backend at a point for as long as it likes and never sleeps.

Three kinds of trouble can be ordered: what a worker does (``Behaviour``), how the engine answers (``refuse``, ``away``,
``hold``), and where the backend dies (``die``): there its thread ends without a trace, as kill -9 would have it.
"""

from __future__ import annotations

import secrets
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from backend.launchers.base import (
    EngineUnavailableError,
    Handle,
    LauncherStatus,
    LaunchRefusedError,
    Phase,
    WorkerLog,
    WorkerState,
)
from support.fake_worker import Behaviour, FakeWorker
from worker.contract import (
    MAX_REQUEST_BYTES,
    REQUEST_PATH,
    JobRequest,
    parse_request,
)
from worker.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from backend.launchers.base import LaunchSpec

PATIENCE_S = 60.0
"""How long a test waits for an event before it fails; no outcome depends on it."""


class KilledError(BaseException):
    """The end of a thread of a killed backend; like the kill itself, no ``except Exception`` sees it."""


class FakeEngine:
    """All workers, and what the test has ordered. Everything is guarded by one condition, ``changed``."""

    def __init__(self) -> None:
        self.changed = threading.Condition(threading.RLock())
        self.workers: dict[str, FakeWorker] = {}
        self.behaviours: dict[str, Behaviour] = {}
        self.default = Behaviour()
        self.launched: list[tuple[str, int]] = []
        """Job and attempt of every start that was carried out, in order."""
        self.removed: list[tuple[str, int]] = []
        self.calls: list[str] = []
        self.reachable = True
        self.most_running = 0
        self._refusals: dict[str, Exception] = {}
        self._held: set[str] = set()
        self._deaths: dict[tuple[str, str], bool] = {}
        self._lives = 0

    # what a test orders

    def tell(self, instruction: str, **behaviour: Any) -> None:
        """Say what workers whose request has this instruction do."""
        self.behaviours[instruction] = Behaviour(**behaviour)

    def refuse(self, method: str, error: Exception) -> None:
        """Let the next call of a method fail."""
        with self.changed:
            self._refusals[method] = error

    @contextmanager
    def away(self) -> Iterator[None]:
        """The engine answers nothing within this block; its workers go on."""
        self._set_reachable(reachable=False)
        try:
            yield
        finally:
            self._set_reachable(reachable=True)

    def _set_reachable(self, *, reachable: bool) -> None:
        with self.changed:
            self.reachable = reachable
            self.changed.notify_all()

    @contextmanager
    def hold(self, method: str) -> Iterator[None]:
        """Calls of a method do not return within this block."""
        with self.changed:
            self._held.add(method)
        try:
            yield
        finally:
            with self.changed:
                self._held.discard(method)
                self.changed.notify_all()

    def die(self, method: str, *, after: bool = False) -> None:
        """Let the backend die at its next call of a method: before it is carried out, or after."""
        with self.changed:
            self._deaths[method, "after" if after else "before"] = True

    def release(self, job_id: str) -> None:
        """Let a held worker act."""
        with self.changed:
            self._act(self._of(job_id))
            self.changed.notify_all()

    def kill_worker(self, job_id: str, exit_code: int, *, oom_killed: bool = False) -> None:
        """End a running worker from outside."""
        with self.changed:
            worker = self._of(job_id)
            worker.oom_killed = oom_killed
            worker.end(exit_code)
            self.changed.notify_all()

    def lose(self, job_id: str) -> None:
        """Remove a worker behind the backend's back."""
        with self.changed:
            del self.workers[self._of(job_id).handle.ref]
            self.changed.notify_all()

    def plant(self, job_id: str, *, instance: str = "ours", attempt: int = 1) -> Handle:
        """Put a worker there that no present backend has made."""
        handle = Handle("docker", secrets.token_hex(8), "a-project", job_id, attempt, None)
        with self.changed:
            self.workers[handle.ref] = FakeWorker(handle, None, instance, Phase.RUNNING)
        return handle

    def note(self, call: str) -> None:
        """Add something that the test itself saw to the calls."""
        with self.changed:
            self.calls.append(call)
            self.changed.notify_all()

    def abandon(self) -> None:
        """Let the threads of the present backends die at their next call, or in the one that they wait in."""
        with self.changed:
            self._lives += 1
            self.changed.notify_all()

    # what a test sees

    def wait_until(self, what: Callable[[], object]) -> None:
        """Wait for something about the engine to become true."""
        with self.changed:
            if not self.changed.wait_for(what, PATIENCE_S):
                seen = {worker.key: worker.phase.value for worker in self.workers.values()}
                msg = f"it did not come; workers: {seen}, calls: {self.calls[-20:]}"
                raise AssertionError(msg)

    def wait_launched(self, *job_ids: str) -> None:
        """Wait until the workers of these jobs were started."""
        self.wait_until(lambda: set(job_ids) <= {job_id for job_id, _ in self.launched})

    def worker(self, job_id: str) -> FakeWorker:
        """The worker of a job, running or ended."""
        with self.changed:
            return self._of(job_id)

    def running(self) -> set[str]:
        """Ids of the jobs whose workers run now."""
        with self.changed:
            return {w.handle.job_id for w in self.workers.values() if w.phase is Phase.RUNNING}

    def _of(self, job_id: str) -> FakeWorker:
        return next(worker for worker in self.workers.values() if worker.handle.job_id == job_id)

    # what launchers do

    @contextmanager
    def call(self, method: str, life: int) -> Iterator[None]:
        """Carry out one call, unless it is held, refused, unanswered, or the last one of its caller."""
        with self.changed:
            self.note(method)
            self.changed.wait_for(lambda: method not in self._held or self._lives != life)
            self._check(method, life, "before")
            yield
            self._check(method, life, "after")
            self.changed.notify_all()

    def _check(self, method: str, life: int, when: str) -> None:
        if self._lives != life or self._deaths.pop((method, when), False):
            raise KilledError
        if not self.reachable:
            raise EngineUnavailableError("engine-away", "the engine does not answer", "start it")
        if when == "before" and (error := self._refusals.pop(method, None)) is not None:
            raise error

    def await_end(self, handle: Handle, timeout_s: float, life: int) -> None:
        """Wait until a worker does not run, the engine goes away, or the caller dies."""

        def stirs() -> bool:
            worker = self.workers.get(handle.ref)
            return self._lives != life or not self.reachable or worker is None or worker.phase is not Phase.RUNNING

        self.changed.wait_for(stirs, timeout_s)

    def start(self, worker: FakeWorker) -> None:
        """Start a created worker; it acts at once unless it holds."""
        worker.phase, worker.started_at = Phase.RUNNING, datetime.now(UTC)
        self.launched.append(worker.key)
        self.most_running = max(self.most_running, len(self.running()))
        worker.request = _read_request(worker)
        worker.behaviour = self.behaviours.get(worker.request.instruction, self.default)
        worker.output = worker.behaviour.output
        if not worker.behaviour.holds:
            self._act(worker)

    def _act(self, worker: FakeWorker) -> None:
        behaviour, request, spec = worker.behaviour, worker.request, worker.spec
        assert request is not None
        assert spec is not None
        if behaviour.vanishes:
            del self.workers[worker.handle.ref]
            return
        with Workspace.open(str(spec.workspace)) as workspace:
            if behaviour.writes is not None:
                path = spec.workspace / behaviour.writes
                before = path.read_bytes() if path.exists() else b""
                workspace.write(behaviour.writes, before + request.instruction.encode() + b"\n")
            if behaviour.leaves is not None:
                workspace.write_result(behaviour.leaves(request))
        worker.oom_killed = behaviour.oom_killed
        worker.end(behaviour.exit_code)

    @property
    def life(self) -> int:
        """Counts the backends that were killed."""
        return self._lives


def _read_request(worker: FakeWorker) -> JobRequest:
    assert worker.spec is not None
    with Workspace.open(str(worker.spec.workspace)) as workspace:
        data = workspace.read(REQUEST_PATH, max_bytes=MAX_REQUEST_BYTES)
    return parse_request(data, job_id=worker.handle.job_id)


def _stop(worker: FakeWorker) -> None:
    worker.signals.append("SIGTERM")
    if not (worker.behaviour.ignores_stop or worker.behaviour.survives_kill):
        worker.end(143)
        return
    worker.signals.append("SIGKILL")
    if worker.behaviour.survives_kill:
        raise EngineUnavailableError("worker-survived-kill", "the worker still runs after SIGKILL")
    worker.end(137)


class FakeLauncher:
    """One backend's view of the engine.

    Args:
        engine: Where the workers are.
        name: The launcher's name in attempts.
        instance: The label by which this backend's workers are told from others'.
    """

    def __init__(self, engine: FakeEngine, *, name: str = "docker", instance: str = "ours") -> None:
        self.engine = engine
        self._name = name
        self._instance = instance
        self._life = engine.life

    @property
    def name(self) -> str:
        return self._name

    def status(self) -> LauncherStatus:
        return LauncherStatus(self._name, engine_reachable=self.engine.reachable)

    def prepare(self, spec: LaunchSpec) -> Handle:
        with self.engine.call("prepare", self._life):
            known = (w for w in self.engine.workers.values() if w.key == (spec.job_id, spec.attempt))
            if (worker := next(known, None)) is None:
                handle = Handle(
                    self._name, secrets.token_hex(32), spec.project_id, spec.job_id, spec.attempt, spec.deadline_at
                )
                worker = self.engine.workers[handle.ref] = FakeWorker(handle, spec, self._instance)
            return worker.handle

    def launch(self, handle: Handle) -> None:
        with self.engine.call("launch", self._life):
            worker = self.engine.workers.get(handle.ref)
            if worker is None:
                raise LaunchRefusedError("worker-removed", "the worker is not there any more")
            if worker.phase is Phase.CREATED:
                self.engine.start(worker)

    def observe(self, handle: Handle, *, timeout_s: float) -> WorkerState:
        with self.engine.call("observe", self._life):
            self.engine.await_end(handle, timeout_s, self._life)
            if (worker := self.engine.workers.get(handle.ref)) is None:
                return WorkerState(Phase.GONE)
            return WorkerState(
                worker.phase,
                worker.exit_code,
                worker.oom_killed,
                started_at=worker.started_at,
                finished_at=worker.finished_at,
                container_id=handle.ref,
                image_digest="sha256:" + "a" * 64,
                granted={"network": "none"},
            )

    def stop(self, handle: Handle, *, grace_s: float) -> None:
        del grace_s
        with self.engine.call("stop", self._life):
            worker = self.engine.workers.get(handle.ref)
            if worker is not None and worker.phase is Phase.RUNNING:
                _stop(worker)

    def collect(self, handle: Handle, *, max_bytes: int) -> WorkerLog:
        with self.engine.call("collect", self._life):
            worker = self.engine.workers.get(handle.ref)
            output = worker.output if worker else b""
            return WorkerLog(output[-max_bytes:], truncated=len(output) > max_bytes)

    def remove(self, handle: Handle) -> None:
        with self.engine.call("remove", self._life):
            if (worker := self.engine.workers.pop(handle.ref, None)) is not None:
                self.engine.removed.append(worker.key)

    def list(self) -> tuple[Handle, ...]:
        with self.engine.call("list", self._life):
            return tuple(w.handle for w in self.engine.workers.values() if w.instance == self._instance)

    def close(self) -> None:
        """Nothing is held."""
