"""The work of a believed request, and what it changed.

However the work ends (done, failed, an exception nobody expected, a stop signal), it becomes an outcome and true file
lists: the workspace is looked at before the engine begins and after it has ended. The sleep, the first look and the
engine can be interrupted; the last look cannot, but it is bounded.
"""

from __future__ import annotations

import errno
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from worker import snapshot
from worker.contract import CANCELLED_ERROR, EngineName, JobRequest
from worker.engines.choice import engine_for
from worker.engines.outcome import Outcome
from worker.pace import pause
from worker.settings import sleep_duration
from worker.snapshot import Changes, Snapshot
from worker.stop import Stopped
from worker.trace import Step, span

if TYPE_CHECKING:
    from datetime import datetime

    from worker.engines.outcome import Engine
    from worker.journal import Journal
    from worker.settings import Settings
    from worker.stop import StopSignal
    from worker.workspace import Workspace

ENGINE_UNAVAILABLE: Final = "engine_unavailable"
INTERNAL_ERROR: Final = "internal_error"
SLEEP_SECONDS_INVALID: Final = "sleep_seconds_invalid"
WORKSPACE_IO: Final = "workspace_io"
WORKSPACE_TOO_LARGE: Final = "workspace_too_large"

TOO_LARGE: Final = Outcome("The workspace has more files or bytes than a job may have.", (WORKSPACE_TOO_LARGE,))
CANCELLED: Final = Outcome("The job was asked to stop before it had ended.", (CANCELLED_ERROR,))


@dataclass(frozen=True, slots=True)
class Worker:
    """What one run of the program works with."""

    settings: Settings
    workspace: Workspace
    stop: StopSignal
    journal: Journal


def work(request: JobRequest, worker: Worker, *, deadline: datetime) -> tuple[Outcome, Changes]:
    """Let the engine do the job, and find out what changed, however it ended."""
    with span(Step.LOAD_ENGINE):
        engine = engine_for(request.engine)
    if engine is None:
        return Outcome(f"This worker has no engine {request.engine}.", (ENGINE_UNAVAILABLE,)), Changes()
    seconds = _sleep_seconds(request, worker.settings)
    if seconds is None:
        explanation = "SLEEP_SECONDS is not a number from 0 to 3600; correct it and submit the job again."
        return Outcome(explanation, (SLEEP_SECONDS_INVALID,)), Changes()
    attempt = _Attempt(engine, request, worker, deadline)
    outcome = attempt.run(seconds)
    if worker.stop.requested:
        # Also when it came too late to interrupt, or when some clean-up raised in the place of ``Stopped``.
        outcome = CANCELLED
    return attempt.looked_after(outcome)


def reason(error: Exception) -> str:
    """Name an error without its text, which may quote anything: ``ENOSPC``, or the class."""
    number = error.errno if isinstance(error, OSError) else None
    return errno.errorcode.get(number or 0, type(error).__name__)


@dataclass(slots=True)
class _Attempt:
    engine: Engine
    request: JobRequest
    worker: Worker
    deadline: datetime
    before: Snapshot | None = None

    def run(self, seconds: float) -> Outcome:
        try:
            with self.worker.stop:
                self._wait(seconds)
                before = self._look(Step.LOOK_BEFORE)
                if not before.complete:
                    return TOO_LARGE
                self.before = before
                return self._have_done()
        except Stopped:
            return CANCELLED
        except Exception as error:  # noqa: BLE001  # an engine may raise anything; the job must still get its result
            return _failed(error, self.worker.journal)

    def _wait(self, seconds: float) -> None:
        if seconds:
            waiting = span(Step.WAIT)
            waiting.note("evidence.sleep_seconds", seconds)
            with waiting:
                pause(seconds, self.worker.journal.emit, sleep=time.sleep)

    def _have_done(self) -> Outcome:
        working = span(Step.ENGINE)
        working.note("evidence.job.engine", self.request.engine)
        with working:
            outcome = self.engine(
                self.request, self.worker.workspace, deadline=self.deadline, emit=self.worker.journal.emit
            )
            working.fail(*outcome.errors)
        return outcome

    def _look(self, step: Step) -> Snapshot:
        with span(step) as looking:
            seen = snapshot.take(self.worker.workspace)
            looking.note("evidence.files.seen", len(seen.entries))
            if not seen.complete:
                looking.fail(WORKSPACE_TOO_LARGE)
        return seen

    def looked_after(self, outcome: Outcome) -> tuple[Outcome, Changes]:
        if self.before is None:
            # The engine has not begun, so nothing can have changed.
            return outcome, Changes()
        try:
            after = self._look(Step.LOOK_AFTER)
        except Exception as error:  # noqa: BLE001  # as above
            failed = _failed(error, self.worker.journal)
            return Outcome(failed.summary, (*outcome.errors, *failed.errors)), Changes()
        for name, count in (("unlisted_names", after.unlisted_names), ("unreadable_files", after.unreadable)):
            if count:
                self.worker.journal.emit(f"{name}={count}")
        if not after.complete:
            outcome = Outcome(TOO_LARGE.summary, (*outcome.errors, *TOO_LARGE.errors))
            self.worker.journal.emit("file lists are incomplete: the workspace has outgrown the limits")
        return outcome, snapshot.compare(self.before, after)


def _sleep_seconds(request: JobRequest, settings: Settings) -> float | None:
    if request.engine is EngineName.DUMMY or settings.sleep_seconds is None:
        return 0.0
    return sleep_duration(settings.sleep_seconds)


def _failed(error: Exception, journal: Journal) -> Outcome:
    journal.emit(f"exception={type(error).__name__}")
    if isinstance(error, OSError):
        journal.emit(f"io_error={reason(error)}")
        return Outcome(f"The workspace could not be read or written ({reason(error)}).", (WORKSPACE_IO,))
    return Outcome(f"The worker failed with {type(error).__name__}; this is a fault of the worker.", (INTERNAL_ERROR,))
