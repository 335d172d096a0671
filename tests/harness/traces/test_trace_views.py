"""The two lists that a case shows: their keys, their order, their words, and that each write stands in both."""

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.judge_traces import whole_trace
from tracing import (
    BEGAN_NS,
    MS,
    TRACE_ID,
    Log,
    captured,
    joined,
    scenario_log,
    span_id,
    told_event,
    told_of,
    told_span,
    told_write,
)

from harness.judging.results import Outcome
from harness.judging.verdict import Verdict
from harness.traces.climb_trace import told_climbs
from harness.traces.joining import join
from harness.traces.told import read_told
from harness.traces.views import db_writes, execution_trace

EVENT_KEYS = ["seq", "ts_utc", "event_type", "layer", "component", "operation", "trigger", "status", "detail"]
WRITE_KEYS = [
    *("seq", "ts_utc", "layer", "component", "operation", "table", "sql_op", "rowcount", "statement_fingerprint"),
    *("success", "detail"),
]
STATUSES = {"STARTED", "PASS", "FAIL", "ERROR", "BLOCKED", "INCOMPLETE"}
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def real_trace():
    document = captured()
    log = Log().started().step("submit", 1)
    log.exchange("submit", int("0115729210eb533e", 16), method="POST").step_ended("submit").ended()
    return join(log.part(), read_told(document, document["trace_id"]), case_id="live-L01")


def backend_trace(spans=(), events=(), writes=()):
    return joined(document=told_of(spans, events, writes))


def rows_of(trace, number):
    return [row for row in execution_trace(trace) if row["detail"]["span_id"] == span_id(number)]


def the_end_of(trace, number=256):
    return next(row for row in rows_of(trace, number) if row["event_type"].endswith(".end"))


@pytest.mark.parametrize("trace", [real_trace(), joined(), whole_trace()], ids=["real", "joined", "by hand"])
def test_every_row_has_its_keys_and_no_other(trace):
    for row in execution_trace(trace):
        assert list(row) == EVENT_KEYS
        assert row["status"] in STATUSES
        assert INSTANT.fullmatch(row["ts_utc"])
    for row in db_writes(trace):
        assert list(row) == WRITE_KEYS
        assert row["layer"] == "DB"
        assert INSTANT.fullmatch(row["ts_utc"])
        assert list(row["detail"]) == (
            ["outcome", "rows_source", "duration_ms", "txn_id", "span_id", "event_seq", "error_type", "sqlstate"]
        )


@pytest.mark.parametrize("trace", [real_trace(), joined(), whole_trace()], ids=["real", "joined", "by hand"])
def test_one_counter_counts_both_lists_without_gaps(trace):
    events, writes = execution_trace(trace), db_writes(trace)
    numbers = sorted(row["seq"] for row in (*events, *writes))
    assert numbers == list(range(1, len(events) + len(writes) + 1))
    for rows in (events, writes):
        assert [row["seq"] for row in rows] == sorted(row["seq"] for row in rows)


@pytest.mark.parametrize("trace", [real_trace(), joined(), whole_trace()], ids=["real", "joined", "by hand"])
def test_each_write_has_one_event_and_both_name_the_other(trace):
    events = {row["seq"]: row for row in execution_trace(trace) if row["event_type"] == "db.write"}
    writes = {row["seq"]: row for row in db_writes(trace)}
    assert len(events) == len(writes) == len(trace.db_writes)
    for seq, row in events.items():
        write = writes[row["detail"]["write_seq"]]
        assert write["detail"]["event_seq"] == seq
        assert (write["ts_utc"], write["component"], write["detail"]["span_id"]) == (
            row["ts_utc"],
            row["component"],
            row["detail"]["span_id"],
        )


def test_a_real_trace_is_told_from_the_scenario_to_the_last_write():
    rows = execution_trace(real_trace())
    job = [row["event_type"] for row in rows if row["component"] == "dispatcher"]
    assert job == [
        *("job.start", "queue wait.start", "queue wait.end", "pipeline.started", "db.write", "db.write"),
        *("db.write", "db.write", "step.completed", "pipeline.completed", "job.end"),
    ]
    assert {row["layer"] for row in rows} == {"TEST", "HTTP", "APP", "RUNNER", "WORKER", "DB"}
    assert {row["status"] for row in rows} == {"STARTED", "PASS"}


def test_a_parent_begins_before_and_ends_after_everything_below_it():
    opened = []
    for row in execution_trace(real_trace()):
        if row["event_type"].endswith(".start"):
            if opened:
                assert row["detail"]["parent_span_id"] in {None, opened[-1]} or len(opened) == 0
            opened.append(row["detail"]["span_id"])
        elif row["event_type"].endswith(".end"):
            assert opened.pop() == row["detail"]["span_id"]
        else:
            assert opened[-1] == row["detail"]["span_id"]
    assert opened == []


def test_the_rows_of_a_span_say_where_it_is_and_how_long_it_took():
    start, end = (row for row in rows_of(backend_trace([told_span(256)]), 256))
    place = {"layer": "HTTP", "component": "api", "operation": "POST", "trigger": "http"}
    assert start == {
        "seq": start["seq"],
        "ts_utc": "2026-11-21T09:43:56.999342Z",
        "event_type": "POST /api/v1/projects/.start",
        **place,
        "status": "STARTED",
        "detail": {"span_id": span_id(256), "parent_span_id": span_id(2)},
    }
    assert end == {
        "seq": start["seq"] + 1,
        "ts_utc": "2026-11-21T09:43:57.001342Z",
        "event_type": "POST /api/v1/projects/.end",
        **place,
        "status": "PASS",
        "detail": {
            "span_id": span_id(256),
            "parent_span_id": span_id(2),
            "duration_ms": 2.0,
            "error_type": None,
        },
    }


def test_a_write_is_told_in_full():
    trace = backend_trace([told_span(256)], writes=[told_write(rows=3)])
    (write,) = db_writes(trace)
    (event,) = (row for row in execution_trace(trace) if row["event_type"] == "db.write")
    assert write == {
        "seq": event["seq"] + 1,
        "ts_utc": "2026-11-21T09:43:57.000342Z",
        "layer": "DB",
        "component": "api",
        "operation": "POST",
        "table": "projects",
        "sql_op": "INSERT",
        "rowcount": 3,
        "statement_fingerprint": f"v1:{'c' * 64}",
        "success": True,
        "detail": {
            "outcome": "committed",
            "rows_source": "cursor",
            "duration_ms": 0.25,
            "txn_id": "fe6177e3fc620813",
            "span_id": span_id(256),
            "event_seq": event["seq"],
            "error_type": None,
            "sqlstate": None,
        },
    }
    assert (event["layer"], event["operation"], event["trigger"], event["status"]) == ("DB", "INSERT", "POST", "PASS")
    assert event["detail"] == {
        "span_id": span_id(256),
        "parent_span_id": span_id(2),
        "error_type": None,
        "write_seq": write["seq"],
    }


def test_unknown_is_shown_as_unknown_and_zero_as_zero():
    unknown = told_write(op=None, tables=None, rows=None, fingerprint=None)
    trace = backend_trace([told_span(256)], writes=[unknown, told_write(rows=0, stmt_seq=2)])
    first, second = db_writes(trace)
    assert [first[name] for name in ("table", "sql_op", "rowcount", "statement_fingerprint")] == [None] * 4
    assert second["rowcount"] == 0
    assert next(row for row in execution_trace(trace) if row["event_type"] == "db.write")["operation"] == "unknown"


def test_several_tables_are_told_in_one_text():
    (row,) = db_writes(backend_trace([told_span(256)], writes=[told_write(tables=["a.b", "c"])]))
    assert row["table"] == "a.b, c"


@pytest.mark.parametrize(
    ("outcome", "success", "status"),
    [
        ("committed", True, "PASS"),
        ("rolled_back", False, "FAIL"),
        ("rolled_back_to_savepoint", False, "FAIL"),
        ("failed", False, "ERROR"),
        ("open", False, "INCOMPLETE"),
    ],
)
def test_only_what_was_committed_is_a_success(outcome, success, status):
    failed = {"error_type": "IntegrityError", "sqlstate": "23505"} if outcome == "failed" else {}
    trace = backend_trace([told_span(256)], writes=[told_write(outcome=outcome, **failed)])
    (write,) = db_writes(trace)
    event = next(row for row in execution_trace(trace) if row["event_type"] == "db.write")
    assert (write["success"], write["detail"]["outcome"], event["status"]) == (success, outcome, status)
    assert (write["detail"]["error_type"], write["detail"]["sqlstate"]) == (
        failed.get("error_type"),
        failed.get("sqlstate"),
    )
    assert event["detail"]["error_type"] == failed.get("error_type")


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"status": "OK"}, "PASS"),
        ({"status": "ERROR", "error_type": "crashed"}, "ERROR"),
        ({"status": "ERROR", "attributes": {"evidence.verdict": "FAIL"}}, "FAIL"),
        ({"status": "ERROR", "attributes": {"evidence.verdict": "ERROR"}}, "ERROR"),
        ({"status": "ERROR", "attributes": {"evidence.step.status": "BLOCKED"}}, "BLOCKED"),
        ({"status": "OK", "attributes": {"evidence.step.status": "SUCCESS"}}, "PASS"),
        ({"status": "UNSET", "attributes": {"http.response.status_code": 404}}, "FAIL"),
        ({"status": "UNSET", "attributes": {"http.response.status_code": 399}}, "INCOMPLETE"),
        ({"status": "UNSET", "attributes": {"http.response.status_code": "404"}}, "INCOMPLETE"),
        ({"status": "UNSET", "attributes": {}}, "INCOMPLETE"),
        ({"status": "OK", "incomplete": True}, "INCOMPLETE"),
        ({"status": "OK", "end_ns": None}, "INCOMPLETE"),
        ({"status": "UNSET", "end_ns": None, "attributes": {"http.response.status_code": 500}}, "INCOMPLETE"),
        ({"status": "ERROR", "incomplete": True}, "ERROR"),
    ],
)
def test_the_word_at_the_end_of_a_span(fields, status):
    row = the_end_of(backend_trace([told_span(256, **fields)]))
    assert row["status"] == status
    assert row["detail"]["error_type"] == fields.get("error_type")


def test_a_verdict_is_told_at_the_end_of_step_phase_and_scenario():
    rows = execution_trace(joined(scenario_log(verdict=Verdict.FAIL)))
    ends = [(row["event_type"], row["status"]) for row in rows if row["layer"] == "TEST" and "end" in row["event_type"]]
    assert ends == [
        ("step.end", "PASS"),
        ("step.end", "FAIL"),
        ("call.end", "FAIL"),
        ("step.end", "PASS"),
        ("teardown.end", "PASS"),
        ("scenario.end", "FAIL"),
    ]


@pytest.mark.parametrize(
    ("outcome", "status"), [(Outcome.HELD, "PASS"), (Outcome.MISSED, "FAIL"), (Outcome.UNDECIDED, "INCOMPLETE")]
)
def test_a_check_is_told_by_its_outcome(outcome, status):
    rows = execution_trace(joined(scenario_log(checks=outcome)))
    assert [row["status"] for row in rows if row["event_type"] == "check"] == ["PASS", status]


def test_the_end_that_nobody_saw_is_shown_where_the_span_was_last_seen():
    worker = told_span(256, end_ns=None, duration_ns=None, status="UNSET", incomplete=True, start_ns=BEGAN_NS)
    inner = told_span(257, 256, start_ns=BEGAN_NS, end_ns=BEGAN_NS + 7 * MS)
    row = the_end_of(backend_trace([worker, inner], [told_event(256)], [told_write(256)]))
    assert (row["ts_utc"], row["detail"]["duration_ms"]) == ("2026-11-21T09:43:57.004342Z", None)
    row = the_end_of(backend_trace([worker], [told_event(256)]))
    assert row["ts_utc"] == "2026-11-21T09:43:57.000342Z"
    assert the_end_of(backend_trace([worker]))["ts_utc"] == "2026-11-21T09:43:56.997342Z"


def test_what_a_span_recorded_stands_between_its_children_by_time():
    spans = [
        told_span(257, 256, "first", ordinal=0, start_ns=BEGAN_NS + 2 * MS),
        told_span(258, 256, "second", ordinal=1, start_ns=BEGAN_NS + 6 * MS),
        told_span(256),
    ]
    events = [told_event(256, "early", time_ns=BEGAN_NS + MS), told_event(256, "late", time_ns=BEGAN_NS + 9 * MS)]
    rows = rows_of_tree(backend_trace(spans, events, [told_write(256, started_ns=BEGAN_NS + 4 * MS)]))
    assert rows == ["early", "first.start", "first.end", "db.write", "second.start", "second.end", "late"]


def rows_of_tree(trace):
    """What happened within the backend's request."""
    rows = [row["event_type"] for row in execution_trace(trace)]
    return rows[rows.index("POST /api/v1/projects/.start") + 1 : rows.index("POST /api/v1/projects/.end")]


def test_a_write_whose_span_nobody_told_comes_last_and_is_that_of_its_database():
    trace = backend_trace(writes=[told_write(999, stmt_seq=2), told_write(999, stmt_seq=1, op="UPDATE")])
    events = execution_trace(trace)[-2:]
    assert [row["operation"] for row in events] == ["UPDATE", "INSERT"]
    assert {(row["component"], row["trigger"], row["detail"]["parent_span_id"]) for row in events} == {
        ("sqlite", "", None)
    }
    assert [row["operation"] for row in db_writes(trace)] == ["unknown", "unknown"]


def test_a_scenario_without_writes_has_none():
    assert db_writes(backend_trace([told_span(256)])) == []


def test_the_order_in_which_records_are_stored_has_no_influence():
    trace = real_trace()
    turned = replace(trace, spans=trace.spans[::-1], events=trace.events[::-1], db_writes=trace.db_writes[::-1])
    assert execution_trace(turned) == execution_trace(trace)
    assert db_writes(turned) == db_writes(trace)


def test_a_time_beyond_the_calendar_raises_nothing():
    trace = whole_trace()
    odd = replace(trace.spans[0], start_ns=-1, end_ns=10**40)
    rows = execution_trace(replace(trace, spans=(odd, *trace.spans[1:])))
    assert (rows[0]["ts_utc"], rows[-1]["ts_utc"]) == ("1970-01-01T00:00:00.000000Z", "9999-12-31T23:59:59.999999Z")


def test_the_trace_of_a_climb_is_shown_the_same_way():
    log = Log().run_started().climb_started("L01").started().ended().climb_ended()
    (told,) = told_climbs(log.entries)
    trace = told.trace
    assert [row["event_type"] for row in execution_trace(trace)] == [
        *("climb.start", "pipeline.started", "pipeline step.start", "step.completed", "pipeline step.end"),
        *("pipeline.completed", "climb.end"),
    ]
    assert db_writes(trace) == []


times = st.integers(min_value=0, max_value=20).map(lambda ms: BEGAN_NS + ms * MS)


@settings(deadline=None)
@given(
    starts=st.lists(st.tuples(times, st.integers(0, 5)), max_size=6),
    writes=st.lists(st.tuples(times, st.integers(256, 264)), max_size=6),
    events=st.lists(st.tuples(times, st.integers(256, 264)), max_size=6),
)
def test_nothing_is_lost_or_told_twice(starts, writes, events):
    spans = [told_span(256 + at, 256 + parent, start_ns=ns) for at, (ns, parent) in enumerate(starts)]
    trace = backend_trace(
        spans,
        [told_event(number, "noted", time_ns=ns) for ns, number in events],
        [told_write(number, started_ns=ns) for ns, number in writes],
    )
    rows, written = execution_trace(trace), db_writes(trace)
    assert len(rows) == 2 * len(trace.spans) + len(trace.events) + len(writes)
    assert len(written) == len(writes)
    assert sorted(row["seq"] for row in (*rows, *written)) == list(range(1, len(rows) + len(written) + 1))
    assert trace.trace_id == TRACE_ID
