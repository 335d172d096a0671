"""How a batch of records gets into the database: few statements, made once, each with all its rows.

Everything that can be done before the transaction is done before it, because while it is open every job that wants to
write has to wait. What has ended is protected by the statements themselves, not by the good will of callers.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import bindparam, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from backend.models import DbWriteRow, PipelineRow, SpanRow, TraceEventRow, TraceRow
from backend.tracing import rows
from backend.tracing.pipeline import Pipeline, PipelineStatus
from backend.tracing.records import DbWrite
from backend.tracing.spans import EventRecord, Span
from backend.tracing.stores import started_ns, trace_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Connection, Executable

    from backend.tracing.stores import Batch

Row = dict[str, Any]


class Work(NamedTuple):
    """One statement and its rows."""

    statement: Executable
    rows: Sequence[Row]


# Tables and not classes: the work of the ORM would be done for nothing.
_TRACE: Final[Any] = TraceRow.__table__
_SPAN: Final[Any] = SpanRow.__table__
_DB_WRITE: Final[Any] = DbWriteRow.__table__


class Appender:
    """The statements of one dialect."""

    def __init__(self, dialect: str) -> None:
        make: Any = postgresql.insert if dialect == "postgresql" else sqlite.insert
        self._traces = _earliest(make(_TRACE))
        self._unwatched = update(_TRACE).where(TraceRow.id == bindparam("of")).values(capture=bindparam("state"))
        self._spans = _until_ended(make(_SPAN))
        self._foreign_spans = make(_SPAN).on_conflict_do_nothing()
        self._events = make(TraceEventRow.__table__).on_conflict_do_nothing()
        self._writes = insert(_DB_WRITE)
        self._pipelines = _while_running(make(PipelineRow.__table__))

    def prepare(self, batch: Batch) -> list[Work]:
        """Make a batch ready; needs no connection."""
        records = batch.records
        spans = list(_last_versions(record for record in records if isinstance(record, Span)))
        pipelines = {record.pipeline_id: record for record in records if isinstance(record, Pipeline)}
        traces = [rows.trace_row(trace_id, start, batch.capture) for trace_id, start in _beginnings(batch).items()]
        # Of a trace that was not watched all the time, nobody can say that nothing else was written.
        unwatched = [] if batch.capture.active else [{"of": row["id"], "state": row["capture"]} for row in traces]
        found = [
            Work(self._traces, traces),
            Work(self._unwatched, unwatched),
            Work(self._spans, [rows.span_row(span) for span in spans if span.service == "backend"]),
            Work(self._foreign_spans, [rows.span_row(span) for span in spans if span.service != "backend"]),
            Work(self._events, [rows.event_row(record) for record in records if isinstance(record, EventRecord)]),
            Work(self._writes, [rows.write_row(r, batch.instance) for r in records if isinstance(r, DbWrite)]),
            Work(self._pipelines, [rows.pipeline_row(pipeline) for pipeline in pipelines.values()]),
        ]
        return [work for work in found if work.rows]

    @staticmethod
    def carry_out(connection: Connection, prepared: Iterable[Work], lost: Mapping[str, Mapping[str, int]]) -> None:
        """Do what was made ready, and add up what was lost."""
        for work in prepared:
            connection.execute(work.statement, list(work.rows))
        for trace_id, stages in lost.items():
            known = connection.scalar(select(_TRACE.c.dropped).where(_TRACE.c.id == trace_id)) or {}
            total = known | {name: known.get(name, 0) + number for name, number in stages.items()}
            connection.execute(update(_TRACE).where(_TRACE.c.id == trace_id).values(dropped=total))


def _earliest(adding: Any) -> Executable:  # noqa: ANN401  # either dialect's insert
    earlier = adding.excluded.started_ns < TraceRow.started_ns
    return adding.on_conflict_do_update(  # type: ignore[no-any-return]
        index_elements=["id"], set_={"started_ns": adding.excluded.started_ns}, where=earlier
    )


def _until_ended(adding: Any) -> Executable:  # noqa: ANN401  # as above
    given = adding.excluded
    moved = {name: given[name] for name in rows.SPAN_MOVES}
    # Who goes on with a span after a restart does not know what it hangs under.
    kept = {name: func.coalesce(given[name], getattr(SpanRow, name)) for name in ("parent_span_id", "ordinal")}
    open_ones = SpanRow.end_ns.is_(None)
    return adding.on_conflict_do_update(index_elements=["trace_id", "span_id"], set_=moved | kept, where=open_ones)  # type: ignore[no-any-return]


def _while_running(adding: Any) -> Executable:  # noqa: ANN401  # as above
    moved = {name: adding.excluded[name] for name in ("status", "ended_ns", "document")}
    running = PipelineRow.status == PipelineStatus.RUNNING
    return adding.on_conflict_do_update(index_elements=["id"], set_=moved, where=running)  # type: ignore[no-any-return]


def _beginnings(batch: Batch) -> dict[str, int]:
    # A trace of which everything was lost so far is there as well, to say so.
    first = dict.fromkeys(batch.lost, time.time_ns())
    for record in batch.records:
        trace_id, start_ns = trace_of(record), started_ns(record)
        first[trace_id] = min(first.get(trace_id, start_ns), start_ns)
    return first


def _last_versions(spans: Iterable[Span]) -> Iterable[Span]:
    """Of a span that began and ended in one batch, only the end; ours and a foreign one are never the same."""
    last: dict[tuple[str, str, bool], Span] = {}
    for span in spans:
        known = last.get((span.trace_id, span.span_id, span.service == "backend"))
        if known is None or known.end_ns is None:
            last[span.trace_id, span.span_id, span.service == "backend"] = span
    return last.values()
