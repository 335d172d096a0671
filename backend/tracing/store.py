"""Traces in the backend's own database, through an engine of its own.

An engine of its own, because the writes of recording must not be recorded, and because its commits need not survive a
power cut: a killed process loses nothing, and no job waits for a disk on account of its trace. Every batch is one short
transaction that takes the write lock first, like every other writer here (decision 0003).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, event, func, select, update

from backend.database import Database, connect
from backend.models import DbWriteRow, PipelineRow, SpanRow, TraceEventRow, TraceRow
from backend.tracing import rows
from backend.tracing.appending import Appender
from backend.tracing.capture import exclude
from backend.tracing.pipeline import Pipeline, PipelineStatus
from backend.tracing.stores import IntentAverage, StoredTrace

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from sqlite3 import Connection as SqliteConnection

    from sqlalchemy import ColumnElement, Engine, Select
    from sqlalchemy.orm import Session

    from backend.tracing.stores import Batch, TraceHead, TraceQuery

_POOL: Final = 2
_CHUNK: Final = 200
"""Traces removed in one transaction, so that no job waits long for the write lock."""


def open_store(url: str) -> DatabaseTraceStore:
    """Open the store of a backend whose database is up to date."""
    engine = connect(url, pool_size=_POOL)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _relax)
    exclude(engine)
    return DatabaseTraceStore(engine)


def _relax(connection: SqliteConnection, record: object) -> None:
    del record
    connection.execute("PRAGMA synchronous=NORMAL")


class DatabaseTraceStore:
    """The store named in ``backend.tracing.stores``, on SQLite or PostgreSQL."""

    def __init__(self, engine: Engine) -> None:
        self._database = Database(engine)
        self._appender = Appender(engine.dialect.name)

    def store(self, batch: Batch) -> None:
        """Keep a batch in one transaction."""
        prepared = self._appender.prepare(batch)
        with self._database.write() as session:
            self._appender.carry_out(session.connection(), prepared, batch.lost)

    def get(self, trace_id: str) -> StoredTrace | None:
        """One trace."""
        with self._database.read() as session:
            heads = _heads(session, select(TraceRow).where(TraceRow.id == trace_id))
            if not heads:
                return None
            spans = select(SpanRow).where(SpanRow.trace_id == trace_id).order_by(SpanRow.start_ns, SpanRow.span_id)
            order = (TraceEventRow.time_ns, TraceEventRow.instance, TraceEventRow.seq)
            events = select(TraceEventRow).where(TraceEventRow.trace_id == trace_id).order_by(*order)
            sequence = (DbWriteRow.started_ns, DbWriteRow.txn_id, DbWriteRow.stmt_seq)
            writes = select(DbWriteRow).where(DbWriteRow.trace_id == trace_id).order_by(*sequence)
            return StoredTrace(
                head=heads[0],
                spans=tuple(rows.read_span(row) for row in session.scalars(spans)),
                events=tuple(rows.read_event(row) for row in session.scalars(events)),
                db_writes=tuple(rows.read_write(row) for row in session.scalars(writes)),
            )

    def get_all(self) -> tuple[TraceHead, ...]:
        """All traces, newest first."""
        with self._database.read() as session:
            return _heads(session, _newest_first())

    def get_recent(self, limit: int = 10) -> tuple[TraceHead, ...]:
        """The newest traces."""
        with self._database.read() as session:
            return _heads(session, _newest_first().limit(limit))

    def search(self, query: TraceQuery) -> tuple[TraceHead, ...]:
        """Traces that pass all filters, newest first."""
        if "\0" in (query.intent_type or ""):
            # PostgreSQL refuses to compare it; nothing that is stored has it.
            return ()
        with self._database.read() as session:
            return _heads(session, _newest_first().where(*_conditions(query)).limit(query.limit))

    def pipeline(self, pipeline_id: str) -> Pipeline | None:
        """One pipeline."""
        with self._database.read() as session:
            row = session.get(PipelineRow, pipeline_id)
            return None if row is None else Pipeline.from_dict(row.document)

    def averages(self) -> tuple[IntentAverage, ...]:
        """Average durations by intent."""
        taken_ns = func.avg(PipelineRow.ended_ns - PipelineRow.started_ns)
        query = select(PipelineRow.intent_type, func.count(), taken_ns).where(PipelineRow.ended_ns.is_not(None))
        grouped = query.group_by(PipelineRow.intent_type).order_by(PipelineRow.intent_type)
        with self._database.read() as session:
            return tuple(IntentAverage(name, n, float(mean) / 1e9) for name, n, mean in session.execute(grouped))

    def abandon(self, service_prefix: str, present: str) -> int:
        """Mark open spans of earlier processes."""
        lost = (
            SpanRow.end_ns.is_(None),
            SpanRow.instance.startswith(service_prefix, autoescape=True),
            SpanRow.instance != present,
            SpanRow.incomplete.is_(False),
        )
        with self._database.write() as session:
            number = session.scalar(select(func.count(SpanRow.trace_id.distinct())).where(*lost)) or 0
            session.execute(update(SpanRow).where(*lost).values(incomplete=True))
        return number

    def prune(self, *, keep: int, before_ns: int) -> int:
        """Remove the oldest traces, some at a time."""
        removed = 0
        while doomed := self._doomed(keep, before_ns):
            self._remove(doomed)
            removed += len(doomed)
        return removed

    def _doomed(self, keep: int, before_ns: int) -> Sequence[int]:
        pipelines = select(PipelineRow.id).where(PipelineRow.trace_id == TraceRow.id)
        running = pipelines.where(PipelineRow.status == PipelineStatus.RUNNING).exists()
        with self._database.read() as session:
            old = select(TraceRow.seq).where(TraceRow.started_ns < before_ns, ~running)
            found = list(session.scalars(old.limit(_CHUNK)))
            for kind in (pipelines.exists(), ~pipelines.exists()):
                kept = select(TraceRow.seq).where(kind).order_by(*_ORDER).limit(keep)
                surplus = select(TraceRow.seq).where(kind, ~running, TraceRow.seq.not_in(kept))
                found += session.scalars(surplus.limit(_CHUNK))
        return sorted(set(found))[:_CHUNK]

    def _remove(self, doomed: Sequence[int]) -> None:
        with self._database.write() as session:
            session.execute(delete(TraceRow).where(TraceRow.seq.in_(doomed)))

    def clear(self) -> None:
        """Remove everything; what hangs under a trace goes with it."""
        with self._database.write() as session:
            session.execute(delete(TraceRow))

    def close(self) -> None:
        """Close all connections."""
        self._database.close()


_ORDER: Final = (TraceRow.started_ns.desc(), TraceRow.seq.desc())


def _newest_first() -> Select[TraceRow]:
    return select(TraceRow).order_by(*_ORDER)


def _conditions(query: TraceQuery) -> Iterable[ColumnElement[bool]]:
    if query.since_ns is not None:
        yield TraceRow.started_ns >= query.since_ns
    if query.until_ns is not None:
        yield TraceRow.started_ns < query.until_ns
    if query.after is not None:
        start, seq = query.after
        yield (TraceRow.started_ns < start) | ((TraceRow.started_ns == start) & (TraceRow.seq < seq))
    wanted = (
        (PipelineRow.status, query.status),
        (PipelineRow.intent_type, query.intent_type),
        (PipelineRow.source, query.source),
    )
    if filters := [column == word for column, word in wanted if word is not None]:
        yield select(PipelineRow.id).where(PipelineRow.trace_id == TraceRow.id, *filters).exists()


def _heads(session: Session, query: Select[TraceRow]) -> tuple[TraceHead, ...]:
    found = session.scalars(query).all()
    ids = [row.id for row in found]
    pipelines: dict[str, list[Pipeline]] = {}
    order = (PipelineRow.started_ns, PipelineRow.id)
    for row in session.scalars(select(PipelineRow).where(PipelineRow.trace_id.in_(ids)).order_by(*order)):
        pipelines.setdefault(row.trace_id, []).append(Pipeline.from_dict(row.document))
    torn = set(
        session.scalars(select(SpanRow.trace_id).where(SpanRow.trace_id.in_(ids), SpanRow.incomplete).distinct())
    )
    return tuple(rows.read_head(row, pipelines.get(row.id, ()), incomplete=row.id in torn) for row in found)
