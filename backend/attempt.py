"""Drives one attempt from its recorded phase to the end of its worker, and reports facts; it judges nothing.

The phase is recorded before each engine call, so the same function carries a fresh attempt, one whose backend died
between two calls, and one whose worker still runs: it resumes wherever the record says it may be. An engine that does
not answer is asked again until the attempt's deadline and a patience have passed; then its worker counts as lost.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from backend.classification import EngineLost
from backend.launchers.base import (
    EngineUnavailableError,
    LauncherError,
    LaunchRefusedError,
    Phase,
    WorkerLog,
    WorkerState,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from backend.classification import Ending
    from backend.job_control import JobControl, Pace
    from backend.launchers.base import Handle, Launcher, LaunchSpec

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class AttemptReport:
    """What is known about an attempt when its worker has ended, or never began.

    Attributes:
        ending: The last look at the worker, the refusal to start it, or the engine's silence. A worker that was never
            created, because a stop came first, looks like one that was created and not started.
        interruptions: How often the engine did not answer while the worker ran.
        log: The worker's output, not redacted.
        timings_ms: Durations by phase: ``prepare``, ``launch``, ``run``, ``collect``.
    """

    handle: Handle | None = None
    ending: Ending = field(default_factory=lambda: WorkerState(Phase.CREATED))
    interruptions: int = 0
    log: WorkerLog = field(default_factory=lambda: WorkerLog(b"", truncated=False))
    timings_ms: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, phase: str) -> Iterator[None]:
        """Add the duration of the block to ``timings_ms``, also when it fails."""
        begun = time.monotonic()
        try:
            yield
        finally:
            self.timings_ms[phase] = round((time.monotonic() - begun) * 1000, 3)


@dataclass(frozen=True, slots=True)
class AttemptDriver:
    """One attempt of one job.

    Attributes:
        launcher: Starts and watches the worker.
        control: Deadline and stop orders.
        before_start: Records the worker's handle; called after it was created and before it is started.
        call: Gives a context around each call to the launcher, by the name of what it does.
        pace: How long to wait for what.
    """

    launcher: Launcher
    control: JobControl
    before_start: Callable[[Handle], None]
    pace: Pace
    call: Callable[[str], AbstractContextManager[object]]

    def run(self, spec: LaunchSpec, known: Handle | None, *, max_log_bytes: int) -> AttemptReport:
        """Carry the attempt to its end.

        Args:
            spec: What to launch.
            known: The worker that an earlier process had created; ``None`` for a fresh attempt.
            max_log_bytes: How much of the output is kept.
        """
        report = AttemptReport(handle=known)
        try:
            self._start(spec, report)
            if report.handle is not None:
                self._watch(report.handle, report)
        except LaunchRefusedError as error:
            report.ending = error
        except EngineUnavailableError as error:
            report.ending = LaunchRefusedError(error.reference, str(error), error.hint)
        if report.handle is not None:
            self._collect(report.handle, report, max_log_bytes)
        return report

    def _start(self, spec: LaunchSpec, report: AttemptReport) -> None:
        fresh = report.handle is None
        if report.handle is None:
            if self.control.must_stop():
                return
            with report.timed("prepare"), self.call("create"):
                report.handle = self.launcher.prepare(spec)
        self.before_start(report.handle)
        state = WorkerState(Phase.CREATED) if fresh else self._look(report.handle, report, timeout_s=0)
        if self._may_launch(state):
            with report.timed("launch"), self.call("start"):
                self._launch(report.handle, report)
        self.control.attach(self.launcher, report.handle)

    def _may_launch(self, state: WorkerState | None) -> bool:
        return state is not None and state.phase is Phase.CREATED and not self.control.must_stop()

    def _launch(self, handle: Handle, report: AttemptReport) -> None:
        try:
            self.launcher.launch(handle)
        except EngineUnavailableError:
            # The start may have been carried out although its answer was lost: the next look tells.
            report.interruptions += 1

    def _watch(self, handle: Handle, report: AttemptReport) -> None:
        with report.timed("run"), self.call("wait"):
            report.ending = self._last_look(handle, report)

    def _last_look(self, handle: Handle, report: AttemptReport) -> Ending:
        while (state := self._look(handle, report, timeout_s=self.pace.observe_s)) is not None:
            if self._may_launch(state):
                self._launch(handle, report)
                time.sleep(self.pace.retry_s)
            elif state.phase is not Phase.RUNNING:
                return state
            elif self._out_of_patience():
                return EngineLost("it still runs after every attempt to stop it")
        return EngineLost("the engine did not answer until after the deadline")

    def _look(self, handle: Handle, report: AttemptReport, *, timeout_s: float) -> WorkerState | None:
        while True:
            try:
                return self.launcher.observe(handle, timeout_s=timeout_s)
            except EngineUnavailableError:
                report.interruptions += 1
            if self._out_of_patience():
                return None
            time.sleep(self.pace.retry_s)

    def _out_of_patience(self) -> bool:
        return self.control.overdue_s() > self.pace.patience_s

    def _collect(self, handle: Handle, report: AttemptReport, max_log_bytes: int) -> None:
        with report.timed("collect"), self.call("collect"):
            try:
                report.log = self.launcher.collect(handle, max_bytes=max_log_bytes)
            except LauncherError as error:
                log.warning("worker.output_not_collected", job_id=handle.job_id, error=error.reference)
