"""Traces in OTLP/JSON (OpenTelemetry protocol 1.x), one request a line, as a collector's file exporter writes them.

Ids are hex, names camelCase, enums integers, 64-bit integers text. A database write is a CLIENT span below the span
that wrote, with a derived id, so that two exports of one trace agree. Point events are log records in a file of their
own, because the span-event API is being retired. Spans that the backend made may be odd, so numbers are kept in the
range that the protocol has. The doubt: OTLP demands an end of every span, and one whose end was never seen ends here
where it began, marked ``evidence.incomplete``.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from harness.traces.records import Kind, Layer, Outcome, Span, SpanStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from harness.traces.records import DbWrite, Link, PointEvent, Trace

    Json = dict[str, Any]
    Origin = tuple[str, str]

SCOPE: Final = "ladder"
_BACKEND: Final = "backend"
_KINDS: Final = {Kind.INTERNAL: 1, Kind.SERVER: 2, Kind.CLIENT: 3}
_STATUSES: Final = {SpanStatus.UNSET: 0, SpanStatus.OK: 1, SpanStatus.ERROR: 2}
_WRITE_STATUSES: Final = {Outcome.COMMITTED: SpanStatus.OK, Outcome.FAILED: SpanStatus.ERROR}
_PLACE: Final = ("layer", "component", "operation", "trigger")
_INFO: Final = 9
"""Severity number of a log record that says that something happened."""
_MOST_TIME: Final = 2**64 - 1
_MOST_INTEGER: Final = 2**63 - 1
_MOST_COUNT: Final = 2**32 - 1
_BATCH: Final = 2
"""Parameter sets from which a statement is a batch (semantic conventions for ``db.operation.batch.size``)."""


def otlp_line(trace: Trace, *, version: str, run_id: str) -> str:
    """Spell the spans and database writes of a trace as one ``ExportTraceServiceRequest``, without a line feed.

    Args:
        trace: What is exported.
        version: Of the checkout, which the judge shares with a backend and worker of its own stack.
        run_id: The run that the trace belongs to.
    """
    origins = {span.span_id: (span.service, span.instance) for span in trace.spans}
    told = {trace.root.span_id: _about(trace)} if trace.spans else {}
    spans = [(origins[span.span_id], _span(span, trace.trace_id, told.get(span.span_id, {}))) for span in trace.spans]
    writes = [
        (origins.get(write.span_id, (_BACKEND, "")), _span(write_span(write), trace.trace_id, {}))
        for write in trace.db_writes
    ]
    form = _Form("scopeSpans", "spans", version, run_id)
    return _spelt({"resourceSpans": form.grouped([*spans, *writes])})


def otlp_log_line(trace: Trace, *, version: str, run_id: str) -> str:
    """Spell the point events of a trace as one ``ExportLogsServiceRequest``; a trace without any gives an empty one."""
    # By its span and not by its instance, since a backend may give its own spans the judge's.
    services = {span.span_id: span.service for span in trace.spans}
    records = [
        ((services.get(event.span_id, _BACKEND), event.instance), _log_record(event, trace.trace_id))
        for event in trace.events
    ]
    form = _Form("scopeLogs", "logRecords", version, run_id)
    return _spelt({"resourceLogs": form.grouped(records)})


def write_span(write: DbWrite) -> Span:
    """A database write as a span; its id follows from the statement's place in span and transaction."""
    op, table = write.op.value if write.op else "", write.tables[0] if write.tables else ""
    name = f"{op} {table}".strip() or "write"
    place = f"{write.span_id}:{write.txn_id}:{write.stmt_seq}"
    status = SpanStatus.ERROR if write.error_type else _WRITE_STATUSES.get(write.outcome, SpanStatus.UNSET)
    return Span(
        span_id=hashlib.sha256(place.encode(errors="surrogatepass")).hexdigest()[:16],
        parent_span_id=write.span_id,
        name=name,
        kind=Kind.CLIENT,
        layer=Layer.DB,
        component=write.system,
        operation=name,
        trigger="",
        start_ns=write.started_ns,
        end_ns=write.started_ns + write.duration_ns,
        duration_ns=write.duration_ns,
        status=status,
        error_type=write.error_type,
        attributes=_write_attributes(write),
    )


def _write_attributes(write: DbWrite) -> Mapping[str, Any]:
    return {
        "db.system.name": write.system,
        "db.operation.name": write.op.value if write.op else None,
        "db.collection.name": write.tables[0] if write.tables else None,
        "db.operation.batch.size": write.batch_size if write.batch_size >= _BATCH else None,
        "db.response.status_code": write.sqlstate,
        "evidence.db.rows": write.rows,
        "evidence.db.outcome": write.outcome.value,
        "evidence.db.fingerprint": f"v{write.fingerprint.v}:{write.fingerprint.sha256}" if write.fingerprint else None,
    }


@dataclass(frozen=True, slots=True)
class _Form:
    """Where records of a kind stand in a request, and what every resource says."""

    scopes: str
    records: str
    version: str
    run_id: str

    def grouped(self, found: Sequence[tuple[Origin, Json]]) -> list[Json]:
        scope = {"name": SCOPE, "version": self.version}
        key: Callable[[tuple[Origin, Json]], Origin] = lambda pair: pair[0]  # noqa: E731  # sorted and grouped alike
        return [
            {
                "resource": {"attributes": self._resource(*origin)},
                self.scopes: [{"scope": scope, self.records: [record for _, record in group]}],
            }
            for origin, group in groupby(sorted(found, key=key), key=key)
        ]

    def _resource(self, service: str, instance: str) -> list[Json]:
        words = {"service.name": service, "service.version": self.version, "service.instance.id": instance}
        return _attributes(words | {"cicd.pipeline.run.id": self.run_id})


def _about(trace: Trace) -> Mapping[str, Any]:
    """What the root says of the whole trace: no writes and nobody who watched for them are different facts."""
    return {
        "evidence.capture.active": bool(trace.capture and trace.capture.active),
        "evidence.why_untold": trace.why_untold or None,
    }


def _span(span: Span, trace_id: str, more: Mapping[str, Any]) -> Json:
    parent = {"parentSpanId": span.parent_span_id} if span.parent_span_id else {}
    dropped = span.dropped_counts.get("attributes", 0)
    return {
        "traceId": _hex(trace_id),
        "spanId": span.span_id,
        **parent,
        "name": _text(span.name),
        "kind": _KINDS[span.kind],
        "startTimeUnixNano": _time(span.start_ns),
        "endTimeUnixNano": _time(span.start_ns if span.end_ns is None else span.end_ns),
        "attributes": _attributes({**span.attributes, **_words(span), **more}),
        "droppedAttributesCount": min(max(0, dropped), _MOST_COUNT),
        "links": [_link(link) for link in span.links],
        "status": {"code": _STATUSES[span.status]},
    }


def _words(span: Span) -> Mapping[str, Any]:
    """Fields that OTLP has no place for."""
    return {
        **{f"evidence.{word}": str(getattr(span, word)) or None for word in _PLACE},
        "evidence.ordinal": span.ordinal,
        "evidence.concurrent": span.concurrent or None,
        "error.type": span.error_type,
        "evidence.incomplete": span.incomplete or span.end_ns is None or None,
    }


def _link(link: Link) -> Json:
    attributes = _attributes({"evidence.reason": link.reason})
    return {"traceId": _hex(link.trace_id), "spanId": link.span_id, "attributes": attributes}


def _log_record(event: PointEvent, trace_id: str) -> Json:
    return {
        "timeUnixNano": _time(event.time_ns),
        "observedTimeUnixNano": _time(event.time_ns),
        "severityNumber": _INFO,
        "eventName": _text(event.name),
        "traceId": _hex(trace_id),
        "spanId": event.span_id,
        "attributes": _attributes({**event.attributes, "evidence.seq": event.seq}),
    }


def _attributes(attributes: Mapping[str, Any]) -> list[Json]:
    return [{"key": name, "value": _any_value(value)} for name, value in attributes.items() if value is not None]


def _any_value(value: object) -> Json:
    match value:
        case bool():  # first, because it is a subclass of int
            return {"boolValue": value}
        case int() if abs(value) <= _MOST_INTEGER:
            return {"intValue": str(value)}
        case float() if math.isfinite(value):
            return {"doubleValue": value}
        case list() | tuple() | dict():
            return {"stringValue": json.dumps(value)}
        case _:
            return {"stringValue": _text(str(value))}


def _text(text: str) -> str:
    """Half a surrogate pair, which JSON can carry, is no text to a reader of protocol buffers."""
    return text.encode(errors="replace").decode()


def _hex(trace_id: str) -> str:
    return trace_id.replace("-", "")


def _time(nanoseconds: int) -> str:
    return str(min(max(0, nanoseconds), _MOST_TIME))


def _spelt(document: Json) -> str:
    return json.dumps(document, separators=(",", ":"), allow_nan=False)
