"""Records as rows of the database, and back."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from backend.tracing.records import CaptureState, DbWrite, Fingerprint, Op, Outcome, RowsSource
from backend.tracing.spans import EventRecord, Kind, Layer, Link, Place, Span, Status, id_format
from backend.tracing.stores import TraceHead

if TYPE_CHECKING:
    from collections.abc import Sequence

    from backend.models import DbWriteRow, SpanRow, TraceEventRow, TraceRow
    from backend.tracing.pipeline import Pipeline

_PLAIN: Final = (
    *("trace_id", "span_id", "parent_span_id", "start_ns", "end_ns", "duration_ns", "error_type", "ordinal"),
    *("concurrent", "service", "instance", "incomplete"),
)
_PLACE: Final = ("name", "component", "operation", "trigger")
SPAN_MOVES: Final = (
    *("name", "operation", "trigger", "end_ns", "duration_ns", "status", "error_type", "attributes", "concurrent"),
    *("instance", "dropped_counts", "incomplete"),
)
"""Columns that change when an open span is stored again."""


def trace_row(trace_id: str, start_ns: int, capture: CaptureState) -> dict[str, Any]:
    """The row of a trace that begins."""
    return {
        "id": trace_id,
        "id_format": id_format(trace_id),
        "started_ns": start_ns,
        "capture": asdict(capture) | {"hooks": list(capture.hooks)},
        "dropped": {},
    }


def read_head(row: TraceRow, pipelines: Sequence[Pipeline], *, incomplete: bool) -> TraceHead:
    """A stored trace as lists show it."""
    capture = CaptureState(tuple(row.capture["hooks"]), row.capture["active"], row.capture["version"])
    return TraceHead(
        trace_id=row.id,
        id_format=row.id_format,
        started_ns=row.started_ns,
        seq=row.seq,
        pipelines=tuple(pipelines),
        incomplete=incomplete,
        capture=capture,
        dropped=row.dropped,
    )


def span_row(span: Span) -> dict[str, Any]:
    """One span as a row."""
    place = span.place
    return {
        **{name: getattr(span, name) for name in _PLAIN},
        **{name: getattr(place, name) for name in _PLACE},
        "kind": place.kind.value,
        "layer": place.layer.value,
        "status": span.status.value,
        "attributes": dict(span.attributes),
        "links": [asdict(link) for link in span.links],
        "dropped_counts": dict(span.dropped_counts),
    }


def read_span(row: SpanRow) -> Span:
    """One row as a span."""
    words = {name: getattr(row, name) for name in _PLACE}
    return Span(
        **{name: getattr(row, name) for name in _PLAIN},
        place=Place(**words, layer=Layer(row.layer), kind=Kind(row.kind)),
        status=Status(row.status),
        attributes=row.attributes,
        links=tuple(Link(**link) for link in row.links),
        dropped_counts=row.dropped_counts,
    )


def event_row(event: EventRecord) -> dict[str, Any]:
    """One event as a row."""
    return asdict(event) | {"attributes": dict(event.attributes)}


def read_event(row: TraceEventRow) -> EventRecord:
    """One row as an event."""
    names = ("trace_id", "span_id", "name", "time_ns", "seq", "instance", "attributes")
    return EventRecord(**{name: getattr(row, name) for name in names})


_WRITE: Final = (
    *("trace_id", "span_id", "system", "txn_id", "stmt_seq", "batch_size", "rows", "error_type", "sqlstate"),
    *("started_ns", "duration_ns"),
)


def write_row(write: DbWrite, instance: str) -> dict[str, Any]:
    """One write as a row."""
    print_ = write.fingerprint
    return {
        **{name: getattr(write, name) for name in _WRITE},
        "instance": instance,
        "op": None if write.op is None else write.op.value,
        "tables": None if write.tables is None else list(write.tables),
        "rows_source": write.rows_source.value,
        "fingerprint_v": None if print_ is None else print_.v,
        "fingerprint": None if print_ is None else print_.sha256,
        "outcome": write.outcome.value,
    }


def read_write(row: DbWriteRow) -> DbWrite:
    """One row as a write."""
    known = row.fingerprint is not None and row.fingerprint_v is not None
    return DbWrite(
        **{name: getattr(row, name) for name in _WRITE},
        op=None if row.op is None else Op(row.op),
        tables=None if row.tables is None else tuple(row.tables),
        rows_source=RowsSource(row.rows_source),
        fingerprint=Fingerprint(row.fingerprint_v, row.fingerprint) if known else None,  # type: ignore[arg-type]
        outcome=Outcome(row.outcome),
    )


def pipeline_row(pipeline: Pipeline) -> dict[str, Any]:
    """One pipeline as a row."""
    return {
        "id": pipeline.pipeline_id,
        "trace_id": pipeline.trace_id,
        "intent_type": pipeline.trigger.intent_type,
        "source": pipeline.trigger.source.value,
        "status": pipeline.pipeline_status.value,
        "started_ns": pipeline.start_ns,
        "ended_ns": pipeline.end_ns,
        "document": pipeline.to_dict(),
    }
