"""The use case ``run_codex_job``: one accepted job, from the queue to a state that never changes again.

1. Record an attempt and its deadline. 2. Prepare the workspace and the request. 3. Launch one worker and wait for its
end. 4. Judge what it left, keep result and output. 5. Set the job's final state in one transaction. 6. Remove the
worker. No database connection is held during 2 to 4. Whatever goes wrong on the way ends the job with a failure kind
and a readable result; only a database that cannot be written leaves it for later, and then step 5 alone is repeated.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from sqlalchemy.exc import NoResultFound, SQLAlchemyError

from backend import repository
from backend.attempt import AttemptDriver, AttemptReport
from backend.classification import EngineLost, RecordedStop, StopReason
from backend.job_control import JobControl, Pace
from backend.judgement import Judge
from backend.launchers.base import Handle, LauncherError, LaunchRefusedError, LaunchSpec, WorkerState
from backend.lifecycle import check_move, has_ended, later_than, now, rfc3339
from backend.models import Attempt
from backend.tracecontext import new_span_id
from backend.tracing.job_spans import worker_context
from backend.tracing.job_traces import JobEnding
from backend.workspace import writer
from backend.workspace.errors import WorkspaceError
from worker.contract import EngineName, EnvName, JobRequest, JobStatus, JobType

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from backend.config import Settings
    from backend.database import Database
    from backend.job_copies import JobCopies
    from backend.judgement import Verdict
    from backend.launchers.base import Launcher
    from backend.metrics import Metrics
    from backend.models import Job
    from backend.redaction import Redactor
    from backend.tracing.job_traces import JobTraces
    from worker.contract import TraceContext

log = structlog.get_logger(__name__)

_LONG_RUN = re.compile(r"(?<![A-Za-z0-9_])long_run(?![A-Za-z0-9_])", re.IGNORECASE)

CREATING, STARTING, ENDED = "creating", "starting", "ended"


@dataclass(frozen=True, slots=True)
class Order:
    """A job as it is taken up: its row, its attempt, and the project's stored directory."""

    job: Job
    attempt: Attempt
    workspace: Path

    def known_worker(self) -> Handle | None:
        """The worker that an earlier process created; ``None`` when none can have been started."""
        attempt, job = self.attempt, self.job
        if attempt.phase == CREATING or attempt.ref is None:
            return None
        return Handle(attempt.launcher, attempt.ref, job.project_id, job.id, attempt.number, attempt.deadline_at)

    @property
    def trace(self) -> TraceContext:
        """The place in the trace that the worker continues from."""
        return worker_context(self.job, self.attempt).carrier()

    def request(self) -> JobRequest:
        """The document that tells the worker what to do."""
        job = self.job
        return JobRequest(
            project_id=job.project_id,
            job_id=job.id,
            job_type=JobType(job.job_type),
            instruction=job.instruction,
            engine=EngineName(job.engine),
            attempt=self.attempt.number,
            created_at=rfc3339(job.created_at),
            deadline_at=rfc3339(self.attempt.deadline_at),
            trace=self.trace,
        )


@dataclass(frozen=True, slots=True)
class JobEnd:
    """The end of a job that is known and not yet recorded.

    Attributes:
        report: Its ``handle`` names the worker that is still to be removed.
    """

    job: Job
    report: AttemptReport
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class JobRunner:
    """Everything that running a job needs; shared by all job threads.

    Attributes:
        launchers: By name; an attempt made by one that is not configured now cannot be watched and counts as lost.
        active: Name of the launcher for new attempts.
        traces: Records what happens.
        pace: How long to wait for what.
    """

    database: Database
    settings: Settings
    launchers: Mapping[str, Launcher]
    active: str
    copies: JobCopies
    redactor: Redactor
    metrics: Metrics
    traces: JobTraces
    pace: Pace = field(default_factory=Pace)

    def begin(self, job_id: str, wake: Callable[[], None]) -> JobControl | None:
        """Record that a queued job runs now, with its first attempt; or take up the attempt that a restart left.

        Returns:
            The handle on the running job; ``None`` when it was ended or removed while it waited.
        """
        with suppress(NoResultFound), self.traces.inside(job_id), self.database.write() as session:
            job = repository.job_by_id(session, job_id)
            if has_ended(job.status):
                return None
            attempt = repository.latest_attempt(session, job_id) or self._first_attempt(job)
            if attempt.phase == CREATING:
                self._bind_to_active_launcher(job, attempt)
            session.add(attempt)
            control = JobControl(job_id, attempt.deadline_at, wake)
            if attempt.stop_reason and attempt.stop_requested_at:
                control.restore_stop(RecordedStop(StopReason(attempt.stop_reason), attempt.stop_requested_at))
            return control
        return None

    def _first_attempt(self, job: Job) -> Attempt:
        check_move(job.status, JobStatus.IN_PROGRESS)
        present = now()
        job.status, job.started_at = JobStatus.IN_PROGRESS, present
        job.updated_at = later_than(job.updated_at, present)
        deadline_at = present + timedelta(seconds=self.settings.job_timeout_seconds)
        ids = {"job_id": job.id, "span_id": new_span_id()}
        return Attempt(number=1, launcher=self.active, phase=CREATING, deadline_at=deadline_at, **ids)

    def _bind_to_active_launcher(self, job: Job, attempt: Attempt) -> None:
        # The mode may have changed since the job was accepted, and `dummy` must mean that no container ran.
        attempt.launcher = self.active
        if (job.engine == EngineName.DUMMY) != (self.active == EngineName.DUMMY):
            job.engine = EngineName.DUMMY if self.active == EngineName.DUMMY else self.settings.worker_engine

    def run_codex_job(self, control: JobControl) -> JobEnd:
        """Run a job that has begun until its end is known; ``record_end`` is to follow."""
        with self.database.read() as session:
            job = repository.job_by_id(session, control.job_id)
            attempt = repository.latest_attempt(session, control.job_id)
            workspace = Path(repository.workspace_path(session, job.project_id))
        assert attempt is not None  # noqa: S101  # `begin` recorded it
        order = Order(job, attempt, workspace)
        judge = Judge(self.copies, self.redactor, self.settings.max_result_bytes)
        self.traces.taken_up(job)
        ids = {"job_id": job.id, "project_id": job.project_id, "trace_id": job.trace_id}
        with structlog.contextvars.bound_contextvars(**ids), self.traces.inside(job.id):
            log.info("job.started", job_type=job.job_type, engine=job.engine, launcher=attempt.launcher)
            self._mention_dummy(attempt.launcher)
            if (earlier := judge.recall(job, workspace)) is not None:
                return JobEnd(job, self._look_back(order), earlier)
            report = self._drive(order, control)
            self.traces.ingest(job, attempt, workspace)
            self.traces.worker_ended(job, report.ending, report.interruptions)
            return JobEnd(job, report, judge.judge(job, workspace, report=report, stop=control.stop))

    @staticmethod
    def _mention_dummy(launcher: str) -> None:
        if launcher == "dummy":
            log.info("dummy worker used instead of the live worker")

    def record_stop(self, control: JobControl) -> None:
        """Keep the reason of a stop before the worker is touched, so that a restart knows it too."""
        if (stop := control.stop) is None:
            return
        with self.traces.inside(control.job_id), self.database.write() as session:
            if (attempt := repository.latest_attempt(session, control.job_id)) is not None:
                attempt.stop_reason, attempt.stop_requested_at = stop.reason, stop.requested_at

    def _look_back(self, order: Order) -> AttemptReport:
        """Report on a worker whose end was judged before a restart; it is not started again, whatever its phase."""
        report = AttemptReport(handle=order.known_worker())
        if report.handle is not None and (launcher := self.launchers.get(report.handle.launcher)) is not None:
            with suppress(LauncherError):
                report.ending = launcher.observe(report.handle, timeout_s=0)
        return report

    def _drive(self, order: Order, control: JobControl) -> AttemptReport:
        job, known = order.job, order.known_worker()
        launcher = self.launchers.get(order.attempt.launcher)
        if launcher is None:
            return AttemptReport(ending=EngineLost(f"launcher {order.attempt.launcher} is not configured any more"))
        try:
            if known is None:
                self._prepare_workspace(order)
            with self.traces.worker(job, order.attempt) as trace:
                note = partial(self._record_start, job.id)
                driver = AttemptDriver(launcher, control, note, self.pace, trace.call)
                return driver.run(self._spec(order), known, max_log_bytes=self.settings.max_log_bytes)
        except WorkspaceError as error:
            return AttemptReport(ending=LaunchRefusedError(error.reference, str(error), error.hint))
        except SQLAlchemyError:
            raise
        except Exception as error:
            # A fault of ours must not keep the job for ever; its worker is removed, or found by the reaper.
            log.exception("job.fault")
            handle = control.worker[1] if control.worker else known
            return AttemptReport(handle=handle, ending=EngineLost(f"the backend failed ({type(error).__name__})"))

    def _prepare_workspace(self, order: Order) -> None:
        workspace = order.workspace
        if order.job.job_type == JobType.INITIAL_PROJECT:
            writer.create_workspace(workspace.parent, workspace.name, owner=writer.owner_for_worker())
        free_bytes, free_inodes = writer.disk_headroom(workspace)
        if free_bytes < self.settings.min_free_bytes or free_inodes == 0:
            msg = f"{free_bytes} bytes are free below the workspaces, {self.settings.min_free_bytes} are needed"
            raise WorkspaceError("disk-full", msg, "free some space, or lower MIN_FREE_BYTES")
        writer.clear_result(workspace)
        writer.write_request(workspace, order.request().to_json())

    def _spec(self, order: Order) -> LaunchSpec:
        job = order.job
        trace = order.trace
        environment = {EnvName.WORKER_ENGINE: job.engine, EnvName.TRACEPARENT: trace.traceparent}
        optional = {EnvName.TRACESTATE: trace.tracestate, EnvName.BAGGAGE: trace.baggage}
        environment |= {name: value for name, value in optional.items() if value}
        if _LONG_RUN.search(job.instruction) and self.settings.sleep_seconds:
            environment[EnvName.SLEEP_SECONDS] = f"{self.settings.sleep_seconds:g}"
        return LaunchSpec(
            project_id=job.project_id,
            job_id=job.id,
            attempt=order.attempt.number,
            workspace=order.workspace,
            environment={str(name): value for name, value in environment.items()},
            secrets=self.settings.worker_secrets,
            deadline_at=order.attempt.deadline_at,
        )

    def _record_start(self, job_id: str, handle: Handle) -> None:
        with self.database.write() as session:
            attempt = repository.latest_attempt(session, job_id)
            if attempt is not None and attempt.phase != STARTING:
                attempt.phase, attempt.ref = STARTING, handle.ref

    def record_end(self, end: JobEnd) -> None:
        """Set a job's final state in one transaction; harmless when it was recorded and the answer was lost."""
        self.traces.ending(end.job.id)
        duration_s = self._settle(end)
        verdict = end.verdict
        self.traces.ended(end.job, JobEnding(verdict.status, verdict.failure_kind, verdict.summary))
        if duration_s is not None:
            self._note_end(end, duration_s)

    def _settle(self, end: JobEnd) -> float | None:
        verdict = end.verdict
        with self.traces.inside(end.job.id), self.database.write() as session:
            stored = repository.job_by_id(session, end.job.id)
            if has_ended(stored.status):
                return None
            attempt = repository.latest_attempt(session, end.job.id)
            check_move(stored.status, verdict.status)
            present = now()
            stored.status, stored.failure_kind = verdict.status, verdict.failure_kind
            stored.summary, stored.result = verdict.summary, verdict.result_text
            stored.finished_at = stored.updated_at = later_than(stored.updated_at, present)
            if attempt is not None:
                _copy_facts(attempt, end.report, verdict)
            return (present - (stored.started_at or present)).total_seconds()

    def _note_end(self, end: JobEnd, duration_s: float) -> None:
        job, verdict = end.job, end.verdict
        self.metrics.job_ended(job.job_type, verdict.status, verdict.failure_kind, duration_s=duration_s)
        ids = {"job_id": job.id, "project_id": job.project_id, "trace_id": job.trace_id}
        facts = {"failure_kind": verdict.failure_kind, "duration_s": round(duration_s, 3)}
        emit = log.info if verdict.status is JobStatus.COMPLETED else log.warning
        emit("job.ended", status=verdict.status, **facts, **ids)


def _copy_facts(attempt: Attempt, report: AttemptReport, verdict: Verdict) -> None:
    attempt.phase = ENDED
    attempt.timings_ms = report.timings_ms
    attempt.warnings = list(verdict.warnings)
    attempt.log_bytes, attempt.log_truncated = len(report.log.data), report.log.truncated
    attempt.redactions = verdict.redactions
    if isinstance(state := report.ending, WorkerState):
        attempt.container_id, attempt.image_digest = state.container_id, state.image_digest
        attempt.exit_code, attempt.oom_killed = state.exit_code, state.oom_killed
        attempt.started_at, attempt.finished_at = state.started_at, state.finished_at
        attempt.granted = dict(state.granted) | {"missing": list(state.missing)}
