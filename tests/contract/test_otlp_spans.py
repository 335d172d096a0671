"""The judge and the backend export the same records alike, though neither knows the other's code."""

import json
import uuid

import pytest
from support import judge_traces
from support.tracing_records import BEGIN, ended, event, span, write

from backend.api.trace_schemas import TraceOut
from backend.tracecontext import new_trace_id
from backend.tracing.memory_store import MemoryTraceStore
from backend.tracing.otlp import log_document, span_document, write_span
from backend.tracing.records import Outcome
from backend.tracing.spans import Kind, Layer, Link, Place
from backend.tracing.stores import Batch
from harness.traces.otlp import otlp_line, otlp_log_line
from harness.traces.records import Trace
from harness.traces.told import read_told

VERSION = "0.1.0"
HTTP = Place("POST /x", Layer.HTTP, "api", "POST", "http", Kind.SERVER)
JUDGES = "The judge's scenario"


@pytest.fixture
def stored():
    """Every kind of record that the backend makes."""
    trace_id = new_trace_id()
    given = {"http.response.status_code": 200, "evidence.ratio": 0.5, "evidence.oom_killed": False, "x": "ü"}
    link = Link("f" * 32, "e" * 16, "unauthenticated")
    request = ended(
        span(trace_id, place=HTTP, parent_span_id=judge_traces.ROOT, attributes=given, links=(link,)), ordinal=2
    )
    failed = ended(span(trace_id, parent_span_id=request.span_id, error_type="Timeout", concurrent=True))
    lost = span(trace_id, parent_span_id=request.span_id, service="worker", instance="w", incomplete=True)
    writes = (
        write(trace_id, span_id=request.span_id),
        write(trace_id, span_id=request.span_id, batch_size=1, outcome=Outcome.ROLLED_BACK, sqlstate=None),
        write(trace_id, span_id=failed.span_id, outcome=Outcome.FAILED, error_type="IntegrityError", rows=None),
        write(trace_id, span_id=failed.span_id, op=None, tables=None, fingerprint=None),
    )
    store = MemoryTraceStore()
    store.store(Batch([request, failed, lost, event(trace_id, span_id=request.span_id), *writes]))
    return store.get(trace_id)


@pytest.fixture
def joined(stored):
    """The same as the judge reads it, below a span of its own."""
    told = TraceOut.describe(stored, None).model_dump(mode="json")
    found = read_told(told, str(uuid.UUID(stored.head.trace_id)))
    own = judge_traces.span(judge_traces.ROOT, None, JUDGES, start_ns=BEGIN)
    return Trace(found.trace_id, "live-L01", (own, *found.spans), found.events, found.db_writes, found.capture)


def records(groups, scopes, kind):
    return [
        (plain(group["resource"]["attributes"]), readable(record))
        for group in groups
        for scope in group[scopes]
        for record in scope[kind]
    ]


def plain(attributes):
    return {pair["key"]: pair["value"] for pair in attributes}


def readable(record):
    return record | {"attributes": plain(record["attributes"])}


def of_both(stored, joined):
    instances = {span.span_id: span.instance for span in stored.spans}
    writes = [write_span(write, instances[write.span_id]) for write in stored.db_writes]
    theirs = span_document([*stored.spans, *writes], version=VERSION) | log_document(stored.events, version=VERSION)
    spans = json.loads(otlp_line(joined, version=VERSION, run_id="r"))
    logs = json.loads(otlp_log_line(joined, version=VERSION, run_id="r"))
    for kind, scopes, name in (("resourceSpans", "scopeSpans", "spans"), ("resourceLogs", "scopeLogs", "logRecords")):
        found = records((spans | logs)[kind], scopes, name)
        yield (
            [(resource, record) for resource, record in found if record.get("name") != JUDGES],
            records(theirs[kind], scopes, name),
        )


def comparable(found):
    """Without what each says in its own way: ends that were never seen, and what ran side by side."""
    told = []
    for resource, record in found:
        kept = record | {"attributes": {k: v for k, v in record["attributes"].items() if k != "evidence.concurrent"}}
        if "evidence.incomplete" in record["attributes"]:
            kept.pop("endTimeUnixNano", None)
        service = (resource["service.name"], resource["service.instance.id"], resource["service.version"])
        told.append(json.dumps((service, kept), sort_keys=True))
    return sorted(told)


def test_both_sides_spell_the_same_spans_writes_and_events(stored, joined):
    (our_spans, their_spans), (our_logs, their_logs) = of_both(stored, joined)
    assert len(our_spans) == 7
    assert comparable(our_spans) == comparable(their_spans)
    assert len(our_logs) == 1
    assert comparable(our_logs) == comparable(their_logs)
