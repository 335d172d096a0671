"""Queries as plain functions of a session; the transaction belongs to the caller."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, exists, func, select
from sqlalchemy.orm import aliased

from backend.lifecycle import UNFINISHED
from backend.models import Attempt, IdempotencyKey, Job, Project
from worker.contract import JobStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy.orm import Session


def project(session: Session, project_id: str) -> Project | None:
    """One project; a project that is being deleted is gone already."""
    return session.scalar(select(Project).where(Project.id == project_id, Project.deleting_at.is_(None)))


def workspace_path(session: Session, project_id: str) -> str:
    """The stored directory of a project, also of one that is being deleted."""
    return session.scalars(select(Project.workspace_path).where(Project.id == project_id)).one()


def projects_before(session: Session, seq: int | None, *, limit: int) -> Sequence[Project]:
    """Projects in order from the newest, starting below ``seq``."""
    query = select(Project).where(Project.deleting_at.is_(None)).order_by(Project.seq.desc()).limit(limit)
    return session.scalars(query if seq is None else query.where(Project.seq < seq)).all()


def projects_to_delete(session: Session) -> Sequence[str]:
    """Ids of the projects whose deletion has begun."""
    return session.scalars(select(Project.id).where(Project.deleting_at.is_not(None))).all()


def latest_jobs(session: Session, project_ids: Iterable[str]) -> dict[str, Job]:
    """The job that arrived last, for each of the projects."""
    newest = select(func.max(Job.seq)).where(Job.project_id.in_(list(project_ids))).group_by(Job.project_id)
    return {job.project_id: job for job in session.scalars(select(Job).where(Job.seq.in_(newest)))}


def job(session: Session, project_id: str, job_id: str) -> Job | None:
    """One job of one project."""
    return session.scalar(select(Job).where(Job.id == job_id, Job.project_id == project_id))


def job_by_id(session: Session, job_id: str) -> Job:
    """A job that is known to exist."""
    return session.scalars(select(Job).where(Job.id == job_id)).one()


def jobs_after(session: Session, project_id: str, *, seq: int, limit: int | None) -> Sequence[Job]:
    """Jobs of a project in order of arrival, starting above ``seq``."""
    query = select(Job).where(Job.project_id == project_id, Job.seq > seq).order_by(Job.seq).limit(limit)
    return session.scalars(query).all()


def jobs_in(session: Session, status: JobStatus) -> Sequence[Job]:
    """All jobs in a state, in order of arrival."""
    return session.scalars(select(Job).where(Job.status == status).order_by(Job.seq)).all()


def jobs_by_ids(session: Session, job_ids: Iterable[str]) -> Sequence[Job]:
    """Those of the jobs that exist."""
    return session.scalars(select(Job).where(Job.id.in_(list(job_ids)))).all()


def unfinished_jobs(session: Session, project_id: str) -> Sequence[Job]:
    """Jobs of a project that have not ended, in order of arrival."""
    query = select(Job).where(Job.project_id == project_id, Job.status.in_(UNFINISHED)).order_by(Job.seq)
    return session.scalars(query).all()


def count_jobs(session: Session, status: JobStatus) -> int:
    """How many jobs are in a state."""
    return session.scalar(select(func.count()).select_from(Job).where(Job.status == status)) or 0


def runnable_jobs(session: Session, *, limit: int) -> Sequence[Job]:
    """Queued jobs that no earlier unfinished job of their project precedes, in order of arrival."""
    earlier = aliased(Job)
    blocked = exists().where(
        earlier.project_id == Job.project_id, earlier.seq < Job.seq, earlier.status.in_(UNFINISHED)
    )
    query = select(Job).where(Job.status == JobStatus.QUEUED, ~blocked).order_by(Job.seq).limit(limit)
    return session.scalars(query).all()


def latest_attempt(session: Session, job_id: str) -> Attempt | None:
    """The newest attempt of a job."""
    return session.scalar(select(Attempt).where(Attempt.job_id == job_id).order_by(Attempt.number.desc()).limit(1))


def unfinished_attempts(session: Session) -> set[tuple[str, int]]:
    """Job id and attempt number of every attempt whose job runs."""
    query = select(Attempt.job_id, Attempt.number).join(Job, Job.id == Attempt.job_id)
    return {(row.job_id, row.number) for row in session.execute(query.where(Job.status == JobStatus.IN_PROGRESS))}


def idempotency_key(session: Session, scope: str, key: str) -> IdempotencyKey | None:
    """What a key was used for before."""
    return session.get(IdempotencyKey, (scope, key))


def remove_project(session: Session, project_id: str) -> None:
    """Remove a project's rows; jobs, attempts and keys go with it."""
    session.execute(delete(Project).where(Project.id == project_id))
