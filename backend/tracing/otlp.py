"""Records in OTLP/JSON (OpenTelemetry protocol 1.x): ids in hex, camelCase, enums as integers, 64-bit integers as text.

Database writes are CLIENT spans below the span that wrote, with ids derived from span, transaction and number as the
judge derives them, so that two exports of one trace agree. Point events are log records, because the span-event API is
being retired.
"""

from __future__ import annotations

import hashlib
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from backend.tracing.records import DbWrite, Outcome
from backend.tracing.spans import EventRecord, Kind, Layer, Place, Span, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from backend.tracing.spans import Link, Scalar

    Json = dict[str, Any]

SCOPE: Final = "ladder"
_KINDS: Final = {Kind.INTERNAL: 1, Kind.SERVER: 2, Kind.CLIENT: 3}
_STATUSES: Final = {Status.UNSET: 0, Status.OK: 1, Status.ERROR: 2}
_INFO: Final = 9
"""Severity number of a log record that says that something happened."""
_PLACE: Final = ("layer", "component", "operation", "trigger")


def span_document(spans: Sequence[Span], *, version: str) -> Json:
    """Spell ended spans as the body of an export request (``/v1/traces``); ``version`` is that of the backend."""
    return {"resourceSpans": _grouped(spans, _Form("scopeSpans", "spans", _span), version)}


def log_document(events: Sequence[EventRecord], *, version: str) -> Json:
    """Spell point events as the body of an export request (``/v1/logs``)."""
    return {"resourceLogs": _grouped(events, _Form("scopeLogs", "logRecords", _log_record), version)}


def write_span(write: DbWrite, instance: str) -> Span | None:
    """A database write as a span; ``None`` for one outside of every trace."""
    if write.trace_id is None or write.span_id is None:
        return None
    op, table = write.op.value if write.op else "", write.tables[0] if write.tables else ""
    name = f"{op} {table}".strip() or "write"
    digest = hashlib.sha256(f"{write.span_id}:{write.txn_id}:{write.stmt_seq}".encode()).hexdigest()
    settled = Status.OK if write.outcome is Outcome.COMMITTED else Status.UNSET
    return Span(
        trace_id=write.trace_id,
        span_id=digest[:16],
        parent_span_id=write.span_id,
        place=Place(name, Layer.DB, write.system, name, kind=Kind.CLIENT),
        start_ns=write.started_ns,
        end_ns=write.started_ns + write.duration_ns,
        duration_ns=write.duration_ns,
        status=Status.ERROR if write.error_type else settled,
        error_type=write.error_type,
        attributes=_write_attributes(write),
        instance=instance,
    )


def _write_attributes(write: DbWrite) -> dict[str, Scalar]:
    given: dict[str, Scalar] = {
        "db.system.name": write.system,
        "db.operation.name": write.op.value if write.op else None,
        "db.collection.name": write.tables[0] if write.tables else None,
        "db.operation.batch.size": write.batch_size if write.batch_size > 1 else None,
        "db.response.status_code": write.sqlstate,
        "evidence.db.rows": write.rows,
        "evidence.db.outcome": write.outcome.value,
        "evidence.db.fingerprint": str(write.fingerprint) if write.fingerprint else None,
    }
    return {name: value for name, value in given.items() if value is not None}


class _Form(NamedTuple):
    """Where records of a kind stand in a document, and how one is spelt."""

    scopes: str
    records: str
    spell: Callable[[Any], Json]


def _grouped(records: Iterable[Any], form: _Form, version: str) -> list[Json]:
    def resource(record: Span | EventRecord) -> tuple[str, str]:
        return (record.service if isinstance(record, Span) else "backend"), record.instance

    scope = {"name": SCOPE, "version": version}
    return [
        {
            "resource": {"attributes": _attributes(_resource(service, instance, version))},
            form.scopes: [{"scope": scope, form.records: [form.spell(record) for record in group]}],
        }
        for (service, instance), group in groupby(sorted(records, key=resource), key=resource)
    ]


def _resource(service: str, instance: str, version: str) -> dict[str, Scalar]:
    return {"service.name": service, "service.version": version, "service.instance.id": instance}


def _span(span: Span) -> Json:
    place = span.place
    words = {f"evidence.{word}": str(getattr(place, word)) for word in _PLACE if getattr(place, word)}
    more: dict[str, Scalar] = dict(words)
    if span.ordinal is not None:
        more["evidence.ordinal"] = span.ordinal
    if span.error_type is not None:
        more["error.type"] = span.error_type
    if span.incomplete:
        more["evidence.incomplete"] = True
    document: Json = {"traceId": span.trace_id, "spanId": span.span_id}
    if span.parent_span_id is not None:
        document["parentSpanId"] = span.parent_span_id
    document |= {
        "name": place.name,
        "kind": _KINDS[place.kind],
        "startTimeUnixNano": str(span.start_ns),
        "attributes": _attributes({**span.attributes, **more}),
        "droppedAttributesCount": span.dropped_counts.get("attributes", 0),
        "links": [_link(link) for link in span.links],
        "status": {"code": _STATUSES[span.status]},
    }
    return document if span.end_ns is None else document | {"endTimeUnixNano": str(span.end_ns)}


def _link(link: Link) -> Json:
    return {
        "traceId": link.trace_id,
        "spanId": link.span_id,
        "attributes": _attributes({"evidence.reason": link.reason}),
    }


def _log_record(event: EventRecord) -> Json:
    return {
        "timeUnixNano": str(event.time_ns),
        "observedTimeUnixNano": str(event.time_ns),
        "severityNumber": _INFO,
        "eventName": event.name,
        "traceId": event.trace_id,
        "spanId": event.span_id,
        "attributes": _attributes({**event.attributes, "evidence.seq": event.seq}),
    }


def _attributes(attributes: Mapping[str, Scalar]) -> list[Json]:
    return [{"key": name, "value": _any_value(value)} for name, value in attributes.items() if value is not None]


def _any_value(value: Scalar) -> Json:
    # bool first, because it is a subclass of int.
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    return {"doubleValue": value} if isinstance(value, float) else {"stringValue": str(value)}
