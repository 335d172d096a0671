"""Starts queued jobs in order, keeps their number bounded, and ends the ones that must stop.

One supervisor thread decides; each running job has a thread of its own, which waits for its worker, and each stop has
one, which waits for the worker to obey. So a worker that ignores its stop delays nobody, and the timer of a deadline is
never the thread that waits.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, TypeVar

import structlog

from backend import repository
from backend.classification import StopReason
from backend.launchers.base import LauncherError
from backend.lifecycle import has_ended
from worker.contract import JobStatus

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor

    from backend.job_control import JobControl, Pace
    from backend.launchers.base import Handle
    from backend.run_job import JobRunner
    from backend.signals import JobSignals

log = structlog.get_logger(__name__)

Result = TypeVar("Result")


class Dispatcher:
    """The running jobs of one backend.

    Args:
        runner: Runs one job.
        signals: Woken when a job has ended.
        cleanup: Removes workers in the background, after their jobs' ends are visible.
        max_concurrent: How many jobs run at a time. Jobs taken up after a restart may exceed it for a while.
    """

    def __init__(self, runner: JobRunner, signals: JobSignals, cleanup: Executor, *, max_concurrent: int) -> None:
        self._runner = runner
        self._signals = signals
        self._cleanup = cleanup
        self._max_concurrent = max_concurrent
        self._changed = threading.Condition()
        self._beginning = threading.Lock()
        """Held while a job goes from the queue to ``_running``, so that a stop order finds it in one or the other."""
        # The queue may hold what an earlier process left, so the first look is due at once.
        self._dirty = True
        self._closing = False
        self._gave_up = threading.Event()
        """Set when the stop has waited long enough: what is not recorded by then is left to the next start."""
        self._running: dict[str, JobControl] = {}
        self._stopping: set[threading.Thread] = set()
        self._supervisor = threading.Thread(target=self._supervise, name="supervisor", daemon=True)

    @property
    def _pace(self) -> Pace:
        return self._runner.pace

    def start(self) -> None:
        """Take up the jobs that an earlier process left running, then begin to work."""
        traces = self._runner.traces
        left = traces.left_running()
        with self._runner.database.read() as session:
            running = repository.jobs_in(session, JobStatus.IN_PROGRESS)
            waiting = repository.jobs_in(session, JobStatus.QUEUED)
            known = repository.jobs_by_ids(session, left)
        traces.resume([*running, *waiting])
        traces.settle([job for job in known if has_ended(job.status)], left - {job.id for job in known})
        for job in running:
            self._start_job(job.id)
        self._supervisor.start()

    def wake(self) -> None:
        """Look at the queue and the stop orders now."""
        with self._changed:
            self._dirty = True
            self._changed.notify()

    def request_stop(self, job_id: str, reason: StopReason) -> bool:
        """Ask a running job to stop; ``False`` when it does not run here."""
        with self._beginning, self._changed:
            control = self._running.get(job_id)
        if control is None:
            return False
        control.request_stop(reason)
        return True

    def runs(self, job_id: str) -> bool:
        """Whether a thread of this process still looks after the job."""
        with self._changed:
            return job_id in self._running

    def close(self, *, patience_s: float) -> None:
        """Start nothing more, stop what runs, and wait until its end is recorded.

        Args:
            patience_s: How long to wait for all jobs together, beyond which the next start settles them.
        """
        # A job that is just being taken up is waited for: it is either stopped with the others or stays queued.
        with self._beginning, self._changed:
            self._closing = True
            controls = tuple(self._running.values())
        for control in controls:
            control.request_stop(StopReason.SHUTDOWN)
        self.wake()
        deadline = time.monotonic() + patience_s
        for control in controls:
            control.ended.wait(max(0.0, deadline - time.monotonic()))
        self._gave_up.set()
        with self._changed:
            self._running.clear()
        self.wake()
        self._await_threads(deadline)

    def _await_threads(self, deadline: float) -> None:
        """Wait for whoever may still use the database: a connection that it opens after its end stays open for ever."""
        # The supervisor starts the others, so it is waited for first.
        if self._supervisor.is_alive():
            self._supervisor.join(max(self._pace.idle_s, deadline - time.monotonic()))
        with self._changed:
            stopping = tuple(self._stopping)
        for thread in stopping:
            thread.join(max(self._pace.idle_s, deadline - time.monotonic()))

    def _supervise(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._dirty, timeout=self._until_next_deadline())
                self._dirty = False
                finished = self._closing and not self._running
            if finished:
                return
            self._guarded("supervisor.fill", self._fill)
            self._guarded("supervisor.enforce", self._enforce)

    def _guarded(self, name: str, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception:
            # The supervisor must outlive a database that is locked or full; the next round tries again.
            log.exception(f"{name}.failed")
            self._gave_up.wait(self._pace.fault_pause_s)

    def _until_next_deadline(self) -> float:
        return min([self._pace.idle_s, *(max(0.0, c.seconds_left()) for c in self._running.values() if c.stop is None)])

    def _fill(self) -> None:
        with self._changed:
            free = 0 if self._closing else self._max_concurrent - len(self._running)
        if free <= 0:
            return
        with self._runner.database.read() as session:
            ready = [job.id for job in repository.runnable_jobs(session, limit=free)]
        for job_id in ready:
            self._start_job(job_id)

    def _start_job(self, job_id: str) -> None:
        with self._beginning:
            control = None if self._closing else self._runner.begin(job_id, self.wake)
            if control is None:
                return
            with self._changed:
                self._running[job_id] = control
        threading.Thread(target=self._run, args=(control,), name=f"job-{job_id[:8]}", daemon=True).start()

    def _run(self, control: JobControl) -> None:
        end = self._until_done(control, lambda: self._runner.run_codex_job(control))
        if end is not None:
            self._until_done(control, lambda: self._runner.record_end(end))
        if end is not None and end.report.handle is not None:
            self._cleanup.submit(self._remove, control, end.report.handle)
        else:
            self._runner.traces.forget(control.job_id)
        # Not before, because who waits for the last job to end then closes the executor and the database.
        with self._changed:
            self._running.pop(control.job_id, None)
            control.ended.set()
        self._signals.ended(control.job_id)
        self.wake()

    def _until_done(self, control: JobControl, action: Callable[[], Result]) -> Result | None:
        """Try until it works; ``None`` when the process stopped first."""
        while not self._gave_up.is_set():
            try:
                return action()
            except Exception:
                # Its worker is left alone: the attempt's record tells where to go on.
                log.exception("job.not_settled", job_id=control.job_id)
                self._gave_up.wait(self._pace.fault_pause_s)
        return None

    def _remove(self, control: JobControl, handle: Handle) -> None:
        begun = time.monotonic()
        try:
            with self._runner.traces.removing(control.job_id, handle.launcher):
                self._runner.launchers[handle.launcher].remove(handle)
            log.info("worker.removed", job_id=control.job_id, duration_ms=round((time.monotonic() - begun) * 1000, 3))
        except Exception as error:  # noqa: BLE001  # whatever is left, the reaper finds it by its label
            log.warning("worker.not_removed", job_id=control.job_id, error=type(error).__name__)

    def _enforce(self) -> None:
        with self._changed:
            controls = tuple(self._running.values())
        for control in controls:
            if control.take_stop_order():
                name = f"stop-{control.job_id[:8]}"
                thread = threading.Thread(target=self._carry_out_stop, args=(control,), name=name, daemon=True)
                with self._changed:
                    self._stopping.add(thread)
                thread.start()

    def _carry_out_stop(self, control: JobControl) -> None:
        try:
            self._stop(control)
        finally:
            with self._changed:
                self._stopping.discard(threading.current_thread())

    def _stop(self, control: JobControl) -> None:
        worker = control.worker
        if worker is None or control.stop is None:
            return
        launcher, handle = worker
        log.info("job.stopping", job_id=control.job_id, reason=control.stop.reason)
        self._guarded("stop.record", lambda: self._runner.record_stop(control))
        while not (control.ended.is_set() or self._gave_up.is_set()):
            try:
                launcher.stop(handle, grace_s=self._runner.settings.job_stop_grace_seconds)
            except LauncherError as error:
                log.warning("job.stop_unanswered", job_id=control.job_id, error=error.reference)
                control.ended.wait(self._pace.retry_s)
            else:
                return
