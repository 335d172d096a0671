"""Use cases of projects and jobs, as callers see them; each owns its transaction and none waits for a worker.

A job is accepted by one write: its project (when new), the job and the caller's idempotency key appear together or not
at all. Everything that takes time happens behind the queue.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar

import structlog

from backend import repository, results
from backend.classification import StopReason
from backend.errors import ConflictError, InvalidRequestError, NotFoundError, QueueFullError
from backend.job_copies import JobCopies
from backend.lifecycle import check_move, has_ended, later_than, now, rfc3339
from backend.models import Attempt, IdempotencyKey, Job, Project
from backend.results import JobIdentity
from backend.tracing.job_traces import JobEnding
from worker.contract import EngineName, FailureKind, JobStatus, JobType

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from backend.config import Settings
    from backend.database import Database
    from backend.tracecontext import SpanContext
    from backend.tracing.job_traces import JobTraces

log = structlog.get_logger(__name__)

Item = TypeVar("Item")
Row = TypeVar("Row")

NO_PROJECT: Final = "Project not found"
NO_JOB: Final = "Job not found"

CURSOR_PATTERN: Final = "^[1-9a-f][0-9a-f]{0,14}$"
"""What a cursor looks like; to callers it means nothing."""


class Stopper(Protocol):
    """What the service needs of the dispatcher."""

    def wake(self) -> None:
        """Look at the queue now."""

    def request_stop(self, job_id: str, reason: StopReason) -> bool:
        """Stop a running job; ``False`` when it does not run."""


@dataclass(frozen=True, slots=True)
class ProjectView:
    """A project with its latest job, from which its status and summary follow."""

    project: Project
    latest: Job

    @property
    def updated_at(self) -> datetime:
        """The newer of the project's and its latest job's change."""
        return max(self.project.updated_at, self.latest.updated_at)


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Part of a list; ``next_cursor`` is ``None`` on the last part."""

    items: Sequence[Item]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Deletion:
    """A deletion that has begun.

    Attributes:
        view: The project as it was.
        ended: Jobs that waited and have ended now.
        running: Jobs that were told to stop.
    """

    view: ProjectView
    ended: Sequence[str]
    running: Sequence[str]


@dataclass(frozen=True, slots=True)
class Submission:
    """What a caller asks for.

    Attributes:
        idempotency_key: The header's value, or ``None``.
    """

    job_type: JobType
    instruction: str
    span: SpanContext
    idempotency_key: str | None

    def fingerprint(self) -> str:
        """SHA-256 of what the caller sent, to tell a retry from another request under the same key."""
        body = json.dumps([self.job_type, self.instruction])
        return hashlib.sha256(body.encode("utf-8", "surrogatepass")).hexdigest()


class Service:
    """The use cases; safe from any thread."""

    def __init__(self, database: Database, settings: Settings, dispatcher: Stopper, *, traces: JobTraces) -> None:
        self._database = database
        self._traces = traces
        self._settings = settings
        self._dispatcher = dispatcher
        self._copies = JobCopies(settings.state_dir)

    def create_project(self, submission: Submission) -> ProjectView:
        """Accept a new project with its first job.

        Raises:
            ConflictError: The idempotency key was used for another body.
            QueueFullError: MAX_QUEUED_JOBS jobs wait already.
        """
        with self._database.write() as session:
            known = self._known_job(session, "projects", submission)
            if known is not None:
                return _view(session, known.project_id)
            self._require_room(session)
            present = now()
            project_id = str(uuid.uuid4())
            project = Project(
                id=project_id,
                instruction=submission.instruction,
                workspace_path=str(self._settings.workspace_root / project_id),
                created_at=present,
                updated_at=present,
            )
            session.add(project)
            session.flush()
            job = self._add_job(session, project_id, submission)
            self._remember_key(session, "projects", submission, job=job)
        self._traces.accepted(job, submission.span)
        self._dispatcher.wake()
        return ProjectView(project, job)

    def submit_job(self, project_id: str, submission: Submission) -> Job:
        """Accept a further job for a project.

        Raises:
            NotFoundError: There is no such project.
            ConflictError: The idempotency key was used for another body.
            QueueFullError: MAX_QUEUED_JOBS jobs wait already.
        """
        with self._database.write() as session:
            _require(repository.project(session, _uuid(project_id, NO_PROJECT)), NO_PROJECT)
            known = self._known_job(session, project_id, submission)
            if known is not None:
                return known
            self._require_room(session)
            job = self._add_job(session, project_id, submission)
            self._remember_key(session, project_id, submission, job=job)
        self._traces.accepted(job, submission.span)
        self._dispatcher.wake()
        return job

    @staticmethod
    def _known_job(session: Session, scope: str, submission: Submission) -> Job | None:
        if submission.idempotency_key is None:
            return None
        known = repository.idempotency_key(session, scope, submission.idempotency_key)
        if known is None:
            return None
        job = repository.job_by_id(session, known.job_id)
        if repository.project(session, job.project_id) is None:
            # Its project is being deleted, and what is deleted binds nobody.
            session.delete(known)
            session.flush()
            return None
        if known.body_sha256 != submission.fingerprint():
            raise ConflictError("idempotency-key-reused", "Idempotency-Key was used with another body")
        return job

    @staticmethod
    def _remember_key(session: Session, scope: str, submission: Submission, *, job: Job) -> None:
        if submission.idempotency_key is not None:
            session.add(
                IdempotencyKey(
                    scope=scope,
                    key=submission.idempotency_key,
                    body_sha256=submission.fingerprint(),
                    job_id=job.id,
                    created_at=job.created_at,
                )
            )

    def _require_room(self, session: Session) -> None:
        if repository.count_jobs(session, JobStatus.QUEUED) >= self._settings.max_queued_jobs:
            raise QueueFullError("queue-full", "Job queue is full", "send the request again later")

    def _add_job(self, session: Session, project_id: str, submission: Submission) -> Job:
        present = now()
        span = submission.span.child()
        job = Job(
            id=str(uuid.uuid4()),
            project_id=project_id,
            job_type=submission.job_type,
            instruction=submission.instruction,
            status=JobStatus.QUEUED,
            engine=EngineName.DUMMY if self._settings.use_dummy_worker else self._settings.worker_engine,
            summary="",
            trace_id=span.correlation_id,
            traceparent=span.traceparent,
            tracestate=span.tracestate,
            baggage=self._traces.baggage_of(span),
            created_at=present,
            updated_at=present,
        )
        session.add(job)
        session.flush()
        return job

    def project(self, project_id: str) -> ProjectView:
        """One project.

        Raises:
            NotFoundError: There is no such project.
        """
        with self._database.read() as session:
            return _view(session, project_id)

    def project_with_jobs(self, project_id: str) -> tuple[ProjectView, Sequence[Job]]:
        """One project and all its jobs in order of arrival, from one state of the database.

        Raises:
            NotFoundError: There is no such project.
        """
        with self._database.read() as session:
            view = _view(session, project_id)
            return view, repository.jobs_after(session, project_id, seq=0, limit=None)

    def projects(self, *, cursor: str | None, limit: int) -> Page[ProjectView]:
        """Projects, newest first.

        Raises:
            InvalidRequestError: The cursor is none of ours.
        """
        with self._database.read() as session:
            found = repository.projects_before(session, _decode_cursor(cursor), limit=limit + 1)
            latest = repository.latest_jobs(session, [project.id for project in found])
        # A project without a job was deleted between the two queries.
        views = [ProjectView(project, latest[project.id]) for project in found[:limit] if project.id in latest]
        return Page(views, _encode_cursor(found[limit - 1].seq) if len(found) > limit else None)

    def jobs(self, project_id: str, *, cursor: str | None, limit: int) -> Page[Job]:
        """Jobs of a project in order of arrival.

        Raises:
            NotFoundError: There is no such project.
            InvalidRequestError: The cursor is none of ours.
        """
        with self._database.read() as session:
            _require(repository.project(session, _uuid(project_id, NO_PROJECT)), NO_PROJECT)
            found = repository.jobs_after(session, project_id, seq=_decode_cursor(cursor) or 0, limit=limit + 1)
        return Page(found[:limit], _encode_cursor(found[limit - 1].seq) if len(found) > limit else None)

    def job(self, project_id: str, job_id: str) -> tuple[Job, Attempt | None]:
        """One job of one project, with its newest attempt.

        Raises:
            NotFoundError: There is no such job in this project.
        """
        with self._database.read() as session:
            return _job(session, project_id, job_id), repository.latest_attempt(session, job_id)

    def queue_depth(self) -> tuple[int, int]:
        """How many jobs wait, and how many run."""
        with self._database.read() as session:
            queued = repository.count_jobs(session, JobStatus.QUEUED)
            return queued, repository.count_jobs(session, JobStatus.IN_PROGRESS)

    def cancel_job(self, project_id: str, job_id: str) -> Job:
        """End a waiting job at once, or ask a running one to stop.

        Raises:
            NotFoundError: There is no such job in this project.
            ConflictError: The job has ended already.
        """
        with self._database.write() as session:
            job = _job(session, project_id, job_id)
            if has_ended(job.status):
                raise ConflictError("job-ended", "Job has already ended")
            waits = job.status == JobStatus.QUEUED
            if waits:
                self._end_waiting(job)
        if waits:
            self._traces.ended(job, JobEnding(JobStatus.ERROR, FailureKind.CANCELLED, job.summary))
            self._traces.forget(job_id)
        else:
            self._dispatcher.request_stop(job_id, StopReason.CANCELLED)
        return job

    def _end_waiting(self, job: Job) -> None:
        check_move(job.status, JobStatus.ERROR)
        present = now()
        identity = JobIdentity(job.project_id, job.id, job.trace_id, EngineName(job.engine))
        job.status, job.failure_kind = JobStatus.ERROR, FailureKind.CANCELLED
        job.summary = "The job was cancelled while it waited; no worker was started."
        job.finished_at = job.updated_at = later_than(job.updated_at, present)
        times = (rfc3339(job.finished_at), rfc3339(job.finished_at))
        job.result = results.write_for_failure(identity, FailureKind.CANCELLED, summary=job.summary, times=times)
        try:
            self._copies.save(self._copies.result_path(job.project_id, job.id), job.result)
            self._copies.save(self._copies.log_path(job.project_id, job.id), "")
        except OSError as error:
            log.warning("job.copies_not_kept", job_id=job.id, error=type(error).__name__)

    def begin_deletion(self, project_id: str) -> Deletion:
        """Hide a project from now on and ask its jobs to end.

        Raises:
            NotFoundError: There is no such project.
        """
        with self._database.write() as session:
            view = _view(session, project_id)
            view.project.deleting_at = now()
            unfinished = repository.unfinished_jobs(session, project_id)
            waiting = [job for job in unfinished if job.status == JobStatus.QUEUED]
            for job in waiting:
                self._end_waiting(job)
        for job in waiting:
            self._traces.ended(job, JobEnding(JobStatus.ERROR, FailureKind.CANCELLED, job.summary))
            self._traces.forget(job.id)
        ended = [job.id for job in waiting]
        running = [job.id for job in unfinished if job.id not in ended]
        for job_id in running:
            self._dispatcher.request_stop(job_id, StopReason.CANCELLED)
        return Deletion(view, ended, running)


def _view(session: Session, project_id: str) -> ProjectView:
    project = _require(repository.project(session, _uuid(project_id, NO_PROJECT)), NO_PROJECT)
    return ProjectView(project, _require(repository.latest_jobs(session, [project_id]).get(project_id), NO_PROJECT))


def _job(session: Session, project_id: str, job_id: str) -> Job:
    _require(repository.project(session, _uuid(project_id, NO_JOB)), NO_JOB)
    return _require(repository.job(session, project_id, _uuid(job_id, NO_JOB)), NO_JOB)


def _uuid(text: str, message: str) -> str:
    """Let only canonical ids through, so that nothing else ever reaches a query or a path."""
    try:
        canonical = str(uuid.UUID(text)) == text
    except ValueError:
        canonical = False
    if not canonical:
        raise NotFoundError("unknown-id", message)
    return text


def _require(row: Row | None, message: str) -> Row:
    if row is None:
        raise NotFoundError("unknown-id", message)
    return row


def _encode_cursor(seq: int) -> str:
    return f"{seq:x}"


def _decode_cursor(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    if not re.fullmatch(CURSOR_PATTERN.strip("^$"), cursor):
        raise InvalidRequestError("bad-cursor", "Invalid cursor")
    return int(cursor, 16)
