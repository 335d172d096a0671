"""What a worker left as its trace: taken over where it agrees, refused where it does not, whatever the bytes."""

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.tracing_records import BEGIN, SECOND

from backend.redaction import Redactor, Secret
from backend.tracing.attributes import Cleaner
from backend.tracing.memory_store import MemoryTraceStore
from backend.tracing.spans import Kind, Layer, Status
from backend.tracing.stores import Batch
from backend.tracing.worker_spans import MAX_DEPTH, MAX_LINE_BYTES, MAX_SPANS, OURS, Expected, read_worker_spans
from worker import otlp as worker_otlp
from worker.otlp import Origin, SpanRecord
from worker.otlp import line as worker_line

CANARY = "canary-2Zx8Cv4Bn6"
TRACE, CONTAINER = "0190aaaabbbb7ccc8ddd0123456789ab", "cc00000000000000"
EXPECTED = Expected(TRACE, CONTAINER, BEGIN, BEGIN + 10 * SECOND)
CLEANER = Cleaner(Redactor({"S": Secret(CANARY)}))


def read(data, **changes):
    values = {"trace_id": TRACE, "parent_span_id": CONTAINER, "begun_ns": BEGIN, "ended_ns": BEGIN + 10 * SECOND}
    return read_worker_spans(data, Expected(**values | changes), CLEANER)


def span_id(number):
    return f"{number:016x}"


def document(number=1, **changes):
    """One span as a worker might spell it."""
    values = {
        "traceId": TRACE,
        "spanId": span_id(number),
        "name": "step",
        "kind": 1,
        "startTimeUnixNano": str(BEGIN + SECOND),
        "endTimeUnixNano": str(BEGIN + 2 * SECOND),
        "status": {"code": 1},
        "attributes": [],
    } | changes
    return {name: value for name, value in values.items() if value is not ...}


def lines(*spans):
    found = [{"resourceSpans": [{"resource": {}, "scopeSpans": [{"scope": {}, "spans": [span]}]}]} for span in spans]
    return b"".join(json.dumps(document).encode() + b"\n" for document in found)


def attribute(key, **value):
    return {"key": key, "value": value}


# what the worker really writes


def test_the_workers_own_lines_become_spans_below_the_container():
    origin = Origin.of_header(f"00-{TRACE}-{CONTAINER}-03")
    root = SpanRecord(span_id(1), None, "worker run", BEGIN + 1, attributes={"evidence.layer": "WORKER"})
    step = SpanRecord(span_id(2), span_id(1), "plan", BEGIN + 2, BEGIN + 5)
    words = {"layer": "WORKER", "component": "rules", "operation": "plan", "trigger": "run", "ordinal": 3}
    step.attributes = {f"evidence.{name}": word for name, word in words.items()} | {"evidence.rule": "count"}
    ended = SpanRecord(span_id(1), None, "worker run", BEGIN + 1, BEGIN + 9, "unsupported_layout:app.py")
    ended.attributes = {"evidence.dropped.lines": 2}
    found = read(b"".join(worker_line(record, origin, instance="i7") for record in (root, step, ended)))
    run, plan = found.spans
    assert (found.dropped, found.incomplete) == ({}, False)
    assert (run.parent_span_id, run.place.layer, run.status, run.error_type) == (
        *(CONTAINER, Layer.WORKER, Status.ERROR),
        "unsupported_layout",
    )
    assert (run.start_ns, run.end_ns, run.dropped_counts) == (BEGIN + 1, BEGIN + 9, {"lines": 2})
    assert (plan.parent_span_id, plan.place.component, plan.place.trigger) == (run.span_id, "rules", "run")
    assert (plan.ordinal, plan.attributes) == (3, {"evidence.rule": "count"})
    assert {span.service for span in found.spans} == {"worker"}
    assert {span.instance for span in found.spans} == {"i7"}


def test_a_span_without_an_end_is_incomplete():
    found = read(lines(document(1, endTimeUnixNano=...), document(2, endTimeUnixNano="0")))
    assert [(span.end_ns, span.incomplete) for span in found.spans] == [(None, True)] * 2
    assert found.incomplete


def test_a_line_that_was_cut_off_is_counted():
    whole = lines(document(1), document(2))
    found = read(whole[:-20])
    assert [span.span_id for span in found.spans] == [span_id(1)]
    assert found.dropped == {"cut": 1}
    assert read(whole, complete=False).dropped == {"cut": 1}


def test_a_line_may_hold_a_resource_alone():
    line = json.dumps({"resource": {}, "scopeSpans": [{"spans": [document()]}]}).encode() + b"\n"
    assert len(read(line).spans) == 1


def test_an_agents_span_is_in_the_layer_of_agents_and_no_other_layer_is_believed():
    given = [document(n, attributes=[attribute("evidence.layer", stringValue=w)]) for n, w in ((1, "AGENT"), (2, "DB"))]
    assert [span.place.layer for span in read(lines(*given)).spans] == [Layer.AGENT, Layer.WORKER]


# what it may not do


def test_a_foreign_trace_is_refused():
    found = read(lines(document(1, traceId="f" * 32), document(2)))
    assert [span.span_id for span in found.spans] == [span_id(2)]
    assert found.dropped == {"foreign": 1}


def test_the_containers_own_span_cannot_be_forged():
    found = read(lines(document(spanId=CONTAINER), document(1, parentSpanId=CONTAINER)))
    assert [span.parent_span_id for span in found.spans] == [CONTAINER]
    assert found.dropped == {"taken": 1}


def test_an_end_is_final_here_too():
    found = read(lines(document(1), document(1, name="again")))
    assert [span.place.name for span in found.spans] == ["step"]
    assert found.dropped == {"taken": 1}


def test_a_parent_that_is_not_there_becomes_the_container():
    assert read(lines(document(1, parentSpanId="f" * 16))).spans[0].parent_span_id == CONTAINER


def test_circles_and_great_depths_are_refused():
    circle = [document(1, parentSpanId=span_id(2)), document(2, parentSpanId=span_id(1)), document(3)]
    found = read(lines(*circle, document(4, parentSpanId=span_id(4))))
    assert [span.span_id for span in found.spans] == [span_id(3)]
    assert found.dropped == {"too_deep": 3}
    chain = [document(n, parentSpanId=span_id(n - 1) if n > 1 else ...) for n in range(1, MAX_DEPTH + 4)]
    found = read(lines(*chain))
    assert (len(found.spans), found.dropped) == (MAX_DEPTH, {"too_deep": 3})


def test_there_are_limits_to_number_and_length():
    found = read(lines(*[document(n) for n in range(1, MAX_SPANS + 6)]))
    assert (len(found.spans), found.dropped) == (MAX_SPANS, {"too_many": 5})
    long = lines(document(1, name="x" * MAX_LINE_BYTES))
    assert read(long + lines(document(2))).dropped == {"oversized": 1}


def test_times_stay_within_the_containers_life():
    found = read(lines(document(1, startTimeUnixNano="0", endTimeUnixNano="9" * 19), document(2, endTimeUnixNano="1")))
    first, second = found.spans
    assert (first.start_ns, first.end_ns) == (BEGIN, BEGIN + 10 * SECOND)
    assert (second.start_ns, second.end_ns) == (BEGIN + SECOND, BEGIN + SECOND)


def test_attributes_are_those_of_the_list_without_secrets():
    given = [
        attribute("url.path", stringValue=f"/{CANARY}"),
        attribute("evidence.rule", intValue="7"),
        attribute("evidence.errors", intValue="-3"),
        attribute("evidence.sleep_seconds", doubleValue=1.5),
        attribute("evidence.reference", boolValue=True),
        attribute("gen_ai.prompt", stringValue="never"),
        attribute("evidence.attempt", arrayValue={"values": []}),
    ]
    (span,) = read(lines(document(1, name=CANARY, attributes=given, droppedAttributesCount=4))).spans
    assert span.attributes == {
        "url.path": "/[REDACTED]",
        "evidence.rule": 7,
        "evidence.errors": -3,
        "evidence.sleep_seconds": 1.5,
        "evidence.reference": True,
    }
    assert span.dropped_counts == {"attributes": 6}
    assert CANARY not in repr(span)


@pytest.mark.parametrize("name", ["evidence.db.rows", "evidence.db.outcome", "evidence.step.status", "evidence.job.id"])
def test_what_only_the_backend_has_seen_no_worker_can_claim(name):
    (span,) = read(lines(document(name="INSERT projects", kind=3, attributes=[attribute(name, stringValue="1")]))).spans
    assert (span.attributes, span.dropped_counts, span.place.layer) == ({}, {"attributes": 1}, Layer.WORKER)


def test_whatever_our_own_worker_tells_is_no_claim():
    assert not worker_otlp.ALLOWED & OURS


@pytest.mark.parametrize(
    "changes",
    [
        {"spanId": "0" * 16},
        {"spanId": "A" * 16},
        {"spanId": 7},
        {"spanId": ...},
        {"parentSpanId": "x"},
        {"name": ...},
        {"startTimeUnixNano": "-1"},
        {"startTimeUnixNano": "1e9"},
        {"startTimeUnixNano": None},
        {"startTimeUnixNano": "9" * 400},
        {"endTimeUnixNano": "soon"},
        {"status": []},
        {"attributes": [7]},
        {"attributes": [{"key": "x"}]},
        {"attributes": [{"key": "x", "value": {}}]},
        {"attributes": [{"key": "x", "value": {"stringValue": "a", "intValue": "1"}}]},
        {"attributes": {"deep": [[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}},
        {"traceId": ["x"]},
    ],
)
def test_a_malformed_span_is_counted_and_the_others_are_taken(changes):
    found = read(lines(document(1, **changes), document(2)))
    assert [span.span_id for span in found.spans] == [span_id(2)]
    assert sum(found.dropped.values()) == 1


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"null",
        b"[]",
        b"7",
        b'"x"',
        b"{}",
        b"\xff\xfe",
        b"[" * 8000,
        b'{"a":' * 2000,
        b'{"resourceSpans": 7}',
        b'{"resourceSpans": [7]}',
        b'{"resourceSpans": [{"scopeSpans": [{"spans": [null]}]}]}',
        b"NaN",
        b"1" * 5000,
    ],
)
def test_a_line_that_is_no_document_is_counted(line):
    found = read(line + b"\n" + lines(document(2)))
    assert [span.span_id for span in found.spans] == [span_id(2)]
    assert sum(found.dropped.values()) == 1


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(
    data=st.binary(max_size=300)
    | st.lists(
        st.dictionaries(st.sampled_from([*document(), "parentSpanId", "droppedAttributesCount"]), values), max_size=4
    ).map(lambda all_: lines(*[document(n + 1) | changes for n, changes in enumerate(all_)]))
)
def test_no_bytes_make_it_raise_and_all_that_it_takes_can_be_stored(data):
    found = read(data)
    MemoryTraceStore().store(Batch(found.spans))
    for span in found.spans:
        assert span.place.kind in {Kind.INTERNAL, Kind.CLIENT}
        assert span.trace_id == TRACE
        assert all(-(1 << 63) <= n < 1 << 63 for n in (span.start_ns, span.end_ns or 0, span.ordinal or 0))
        json.dumps([span.attributes, span.place.name], allow_nan=False).encode()


def test_random_bytes_are_no_trace():
    assert read(os.urandom(100_000)).spans == ()
