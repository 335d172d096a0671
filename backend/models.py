"""Tables: projects, jobs, attempts, idempotency keys, and those of traces. Migrations make them all.

``seq`` columns give the order of arrival, which neither random ids nor clocks can promise. A project's status is that
of its latest job, so it is derived when read and never stored twice.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, BigInteger, DateTime, ForeignKey, Index, Integer, MetaData, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

# SQLite only counts up by itself on a column of exactly type INTEGER.
BigSerial = BigInteger().with_variant(Integer, "sqlite")


class UtcDateTime(TypeDecorator[datetime]):
    """An aware instant in UTC; SQLite stores no offset, so it is put back when read."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive values: they would silently mean local time."""
        del dialect
        if value is None:
            return None
        if value.tzinfo is None:
            msg = "a stored instant needs a time zone"
            raise ValueError(msg)
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give every instant back in UTC."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Common metadata."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)
    type_annotation_map = {datetime: UtcDateTime(), dict[str, Any]: JSON(), list[str]: JSON()}  # noqa: RUF012  # read by SQLAlchemy


class Project(Base):
    """A workspace and the jobs that worked in it."""

    __tablename__ = "projects"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012  # read by SQLAlchemy

    seq: Mapped[int] = mapped_column(BigSerial, primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(36), unique=True)
    instruction: Mapped[str] = mapped_column(Text)
    workspace_path: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleting_at: Mapped[datetime | None]


class Job(Base):
    """Accepted work, from its arrival to its end."""

    __tablename__ = "jobs"
    __table_args__ = (
        Index(None, "project_id", "seq"),
        Index(None, "status", "seq"),
        {"sqlite_autoincrement": True},
    )

    seq: Mapped[int] = mapped_column(BigSerial, primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(36), unique=True)
    project_id: Mapped[str] = mapped_column(String(36), ForeignKey("projects.id", ondelete="CASCADE"))
    job_type: Mapped[str] = mapped_column(String(32))
    instruction: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(16))
    failure_kind: Mapped[str | None] = mapped_column(String(32))
    engine: Mapped[str] = mapped_column(String(16))
    summary: Mapped[str] = mapped_column(Text, default="")
    trace_id: Mapped[str] = mapped_column(String(36))
    traceparent: Mapped[str] = mapped_column(String(64))
    tracestate: Mapped[str | None] = mapped_column(Text)
    baggage: Mapped[str | None] = mapped_column(Text)
    result: Mapped[str | None] = mapped_column(Text)
    """The result document as text, exactly the bytes that the files API serves; ``None`` until the job has ended."""
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class Attempt(Base):
    """One worker launched for a job, with the facts that its launcher reported."""

    __tablename__ = "attempts"
    __table_args__ = (UniqueConstraint("job_id", "number"), {"sqlite_autoincrement": True})

    seq: Mapped[int] = mapped_column(BigSerial, primary_key=True, autoincrement=True)
    job_id: Mapped[str] = mapped_column(String(36), ForeignKey("jobs.id", ondelete="CASCADE"))
    number: Mapped[int]
    launcher: Mapped[str] = mapped_column(String(16))
    phase: Mapped[str] = mapped_column(String(16))
    """``creating``, ``starting`` or ``ended``; written before the engine call, so a restart knows how far it came."""
    ref: Mapped[str | None] = mapped_column(String(128))
    deadline_at: Mapped[datetime]
    span_id: Mapped[str | None] = mapped_column(String(16))
    """The span of its worker, which a later process goes on with."""
    stop_reason: Mapped[str | None] = mapped_column(String(16))
    stop_requested_at: Mapped[datetime | None]
    container_id: Mapped[str | None] = mapped_column(String(64))
    image_digest: Mapped[str | None] = mapped_column(String(128))
    exit_code: Mapped[int | None]
    oom_killed: Mapped[bool | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    timings_ms: Mapped[dict[str, Any]] = mapped_column(default=dict)
    granted: Mapped[dict[str, Any]] = mapped_column(default=dict)
    warnings: Mapped[list[str]] = mapped_column(default=list)
    log_bytes: Mapped[int | None]
    log_truncated: Mapped[bool | None]
    redactions: Mapped[int | None]


class IdempotencyKey(Base):
    """Remembers which job a caller's key made, for as long as the job exists."""

    __tablename__ = "idempotency_keys"

    scope: Mapped[str] = mapped_column(String(64), primary_key=True)
    """``projects`` or the id of the project that the job was posted to."""
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    body_sha256: Mapped[str] = mapped_column(String(64))
    job_id: Mapped[str] = mapped_column(String(36), ForeignKey("jobs.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime]


class TraceRow(Base):
    """One trace; times of traces are nanoseconds since 1970, as spans count them."""

    __tablename__ = "trace"
    __table_args__ = (Index(None, "started_ns", "seq"), {"sqlite_autoincrement": True})

    seq: Mapped[int] = mapped_column(BigSerial, primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(32), unique=True)
    id_format: Mapped[str] = mapped_column(String(8))
    started_ns: Mapped[int] = mapped_column(BigInteger)
    capture: Mapped[dict[str, Any]]
    """The hooks that watched database writes when the trace began: no writes and no hooks are different facts."""
    dropped: Mapped[dict[str, Any]]
    """Records that were lost, by the stage at which they were."""


class PipelineRow(Base):
    """The pipeline view of one job; ``document`` is the whole of it."""

    __tablename__ = "pipeline"
    __table_args__ = (Index(None, "intent_type", "status"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    trace_id: Mapped[str] = mapped_column(String(32), ForeignKey("trace.id", ondelete="CASCADE"), index=True)
    intent_type: Mapped[str] = mapped_column(String(64))
    source: Mapped[str] = mapped_column(String(16))
    status: Mapped[str] = mapped_column(String(16))
    started_ns: Mapped[int] = mapped_column(BigInteger)
    ended_ns: Mapped[int | None] = mapped_column(BigInteger)
    document: Mapped[dict[str, Any]]


class SpanRow(Base):
    """One span, open or ended; an ended one never changes again."""

    __tablename__ = "span"

    trace_id: Mapped[str] = mapped_column(String(32), ForeignKey("trace.id", ondelete="CASCADE"), primary_key=True)
    span_id: Mapped[str] = mapped_column(String(16), primary_key=True)
    parent_span_id: Mapped[str | None] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(String(128))
    kind: Mapped[str] = mapped_column(String(8))
    layer: Mapped[str] = mapped_column(String(8))
    component: Mapped[str] = mapped_column(String(128))
    operation: Mapped[str] = mapped_column(String(128))
    trigger: Mapped[str] = mapped_column(String(128))
    start_ns: Mapped[int] = mapped_column(BigInteger)
    end_ns: Mapped[int | None] = mapped_column(BigInteger)
    duration_ns: Mapped[int | None] = mapped_column(BigInteger)
    status: Mapped[str] = mapped_column(String(8))
    error_type: Mapped[str | None] = mapped_column(String(128))
    attributes: Mapped[dict[str, Any]]
    links: Mapped[list[Any]] = mapped_column(JSON)
    ordinal: Mapped[int | None]
    concurrent: Mapped[bool]
    service: Mapped[str] = mapped_column(String(16))
    instance: Mapped[str] = mapped_column(String(128))
    dropped_counts: Mapped[dict[str, Any]]
    incomplete: Mapped[bool]


class TraceEventRow(Base):
    """A point event; numbered by the process that saw it."""

    __tablename__ = "trace_event"

    instance: Mapped[str] = mapped_column(String(128), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    trace_id: Mapped[str] = mapped_column(String(32), ForeignKey("trace.id", ondelete="CASCADE"), index=True)
    span_id: Mapped[str] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(String(128))
    time_ns: Mapped[int] = mapped_column(BigInteger)
    attributes: Mapped[dict[str, Any]]


class DbWriteRow(Base):
    """One logical statement that wrote: what it did to which tables, without any value."""

    __tablename__ = "db_write"

    seq: Mapped[int] = mapped_column(BigSerial, primary_key=True, autoincrement=True)
    trace_id: Mapped[str] = mapped_column(String(32), ForeignKey("trace.id", ondelete="CASCADE"), index=True)
    span_id: Mapped[str] = mapped_column(String(16))
    instance: Mapped[str] = mapped_column(String(128))
    system: Mapped[str] = mapped_column(String(32))
    txn_id: Mapped[str] = mapped_column(String(16))
    stmt_seq: Mapped[int]
    op: Mapped[str | None] = mapped_column(String(16))
    tables: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    batch_size: Mapped[int]
    rows: Mapped[int | None] = mapped_column(BigInteger)
    rows_source: Mapped[str] = mapped_column(String(16))
    fingerprint_v: Mapped[int | None]
    fingerprint: Mapped[str | None] = mapped_column(String(64))
    outcome: Mapped[str] = mapped_column(String(32))
    error_type: Mapped[str | None] = mapped_column(String(128))
    sqlstate: Mapped[str | None] = mapped_column(String(5))
    started_ns: Mapped[int] = mapped_column(BigInteger)
    duration_ns: Mapped[int] = mapped_column(BigInteger)
