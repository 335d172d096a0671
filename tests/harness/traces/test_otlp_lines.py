"""Traces as OTLP/JSON: what a collector or viewer reads, and that nothing odd makes a line that none can read."""

import json
import re
from dataclasses import replace

import pytest
from support.judge_traces import BEGAN, JOB, MS, REQUEST, ROOT, TRACE_ID, WORKER, span, whole_trace, write

from harness.traces.otlp import otlp_line, otlp_log_line
from harness.traces.records import Op, Outcome, PointEvent, SpanStatus

ABOUT = {"version": "0.1.0", "run_id": "run-1"}


def resources(trace):
    return json.loads(otlp_line(trace, **ABOUT))["resourceSpans"]


def spans(trace):
    found = [each for part in resources(trace) for scope in part["scopeSpans"] for each in scope["spans"]]
    return {each["name"]: each for each in found}


def plain(attributes):
    return {pair["key"]: next(iter(pair["value"].values())) for pair in attributes}


def test_a_trace_is_one_line_of_plain_ascii():
    line = otlp_line(whole_trace(), **ABOUT)
    assert line.isascii()
    assert "\n" not in line


def test_a_span_is_spelt_as_otlp_wants_it():
    found = spans(whole_trace())["POST /api/v1/projects/"]
    assert found["traceId"] == TRACE_ID.replace("-", "")
    assert (found["spanId"], found["parentSpanId"], found["kind"]) == (REQUEST, "0" * 15 + "3", 2)
    assert (found["startTimeUnixNano"], found["endTimeUnixNano"]) == (str(BEGAN + 3 * MS), str(BEGAN + 13 * MS))
    assert found["status"] == {"code": 1}
    assert plain(found["attributes"]) == {
        "http.response.status_code": "200",
        "evidence.oom_killed": False,
        "evidence.layer": "HTTP",
        "evidence.component": "api",
        "evidence.operation": "POST",
        "evidence.trigger": "http",
    }


def test_a_root_has_no_parent_and_names_the_climb_by_a_link():
    found = spans(whole_trace())["scenario"]
    assert "parentSpanId" not in found
    [link] = found["links"]
    assert re.fullmatch("[0-9a-f]{32}", link["traceId"])
    assert plain(link["attributes"]) == {"evidence.reason": "climb"}


def test_each_process_is_a_resource_of_its_own_and_names_the_run():
    told = [plain(part["resource"]["attributes"]) for part in resources(whole_trace())]
    assert [(each["service.name"], each["service.instance.id"]) for each in told] == [
        ("backend", "ladder:1"),
        ("harness", "run-1"),
        ("worker", "w" * 32),
    ]
    assert {(each["service.version"], each["cicd.pipeline.run.id"]) for each in told} == {("0.1.0", "run-1")}
    assert {part["scopeSpans"][0]["scope"]["name"] for part in resources(whole_trace())} == {"ladder"}


def test_a_span_whose_end_was_never_seen_is_marked_and_gets_no_invented_duration():
    found = spans(whole_trace())["worker run"]
    assert found["endTimeUnixNano"] == found["startTimeUnixNano"]
    assert plain(found["attributes"])["evidence.incomplete"] is True
    assert "evidence.incomplete" not in plain(spans(whole_trace())["job"]["attributes"])


def test_a_database_write_is_a_client_span_below_the_span_that_wrote():
    found = spans(whole_trace())["INSERT projects"]
    assert (found["kind"], found["parentSpanId"], found["status"]) == (3, REQUEST, {"code": 1})
    assert found["endTimeUnixNano"] == str(BEGAN + 5 * MS + MS // 4)
    attributes = plain(found["attributes"])
    assert attributes["db.system.name"] == "sqlite"
    assert (attributes["db.operation.name"], attributes["db.collection.name"]) == ("INSERT", "projects")
    assert (attributes["evidence.db.rows"], attributes["evidence.db.outcome"]) == ("1", "committed")
    assert attributes["evidence.db.fingerprint"] == "v1:" + "c" * 64
    assert "db.operation.batch.size" not in attributes


def test_a_write_stands_in_the_process_of_the_span_that_wrote():
    owner = {each["name"]: part for part in resources(whole_trace()) for each in part["scopeSpans"][0]["spans"]}
    assert owner["INSERT projects"] is owner["job"]


def test_writes_have_ids_of_their_own_that_stay_the_same():
    trace = whole_trace(db_writes=(write(), write(stmt_seq=2), write(JOB), write(txn_id="another")))
    first, second = (
        [each["spanId"] for part in resources(trace) for each in part["scopeSpans"][0]["spans"]] for _ in range(2)
    )
    assert first == second
    assert len(set(first)) == len(trace.spans) + 4


@pytest.mark.parametrize(
    ("outcome", "error_type", "code"),
    [
        (Outcome.COMMITTED, None, 1),
        (Outcome.FAILED, "IntegrityError", 2),
        (Outcome.ROLLED_BACK, None, 0),
        (Outcome.ROLLED_BACK_TO_SAVEPOINT, None, 0),
        (Outcome.OPEN, None, 0),
    ],
)
def test_only_a_committed_write_is_a_success(outcome, error_type, code):
    found = spans(whole_trace(db_writes=(write(outcome=outcome, error_type=error_type, sqlstate="23505"),)))
    assert found["INSERT projects"]["status"] == {"code": code}
    attributes = plain(found["INSERT projects"]["attributes"])
    assert (attributes.get("error.type"), attributes["db.response.status_code"]) == (error_type, "23505")


def test_a_write_of_which_little_is_known_says_little():
    unknown = write(op=None, tables=None, rows=None, fingerprint=None)
    attributes = plain(spans(whole_trace(db_writes=(unknown,)))["write"]["attributes"])
    assert "evidence.db.rows" not in attributes
    assert "db.operation.name" not in attributes


def test_a_batch_tells_its_size_and_zero_rows_are_told():
    batch = write(op=Op.DELETE, batch_size=2, rows=0)
    attributes = plain(spans(whole_trace(db_writes=(batch,)))["DELETE projects"]["attributes"])
    assert (attributes["db.operation.batch.size"], attributes["evidence.db.rows"]) == ("2", "0")


def test_no_writes_and_nobody_who_watched_are_told_apart():
    watched = plain(spans(whole_trace())["scenario"]["attributes"])
    blind = plain(spans(whole_trace(capture=None, why_untold="404"))["scenario"]["attributes"])
    assert watched["evidence.capture.active"] is True
    assert (blind["evidence.capture.active"], blind["evidence.why_untold"]) == (False, "404")


def test_point_events_are_log_records_and_no_part_of_the_spans():
    document = json.loads(otlp_log_line(whole_trace(), **ABOUT))
    [part] = document["resourceLogs"]
    assert plain(part["resource"]["attributes"])["service.name"] == "backend"
    [record] = part["scopeLogs"][0]["logRecords"]
    assert (record["eventName"], record["spanId"], record["traceId"]) == (
        "pipeline.started",
        JOB,
        TRACE_ID.replace("-", ""),
    )
    assert (record["timeUnixNano"], record["severityNumber"]) == (str(BEGAN + 6 * MS), 9)
    assert plain(record["attributes"]) == {"evidence.intent_type": "x", "evidence.seq": "1"}
    assert "events" not in spans(whole_trace())["job"]


def test_what_the_judge_noted_stays_its_own_whatever_instance_a_backend_claims_for_its_spans():
    found = whole_trace(events=(PointEvent(ROOT, "check", BEGAN, 1, "run-1"),))
    liar = replace(found.spans[-1], instance="run-1")
    log = json.loads(otlp_log_line(replace(found, spans=(*found.spans[:-1], liar)), **ABOUT))
    [part] = log["resourceLogs"]
    assert plain(part["resource"]["attributes"])["service.name"] == "harness"


def test_a_trace_without_spans_events_or_writes_is_still_a_line():
    bare = whole_trace(spans=(), events=(), db_writes=())
    assert otlp_line(bare, **ABOUT) == '{"resourceSpans":[]}'
    assert otlp_log_line(bare, **ABOUT) == '{"resourceLogs":[]}'


@pytest.mark.parametrize(
    ("value", "spelt"),
    [
        (True, {"boolValue": True}),
        (2**63 - 1, {"intValue": "9223372036854775807"}),
        (2**63, {"stringValue": "9223372036854775808"}),
        (0.5, {"doubleValue": 0.5}),
        (float("nan"), {"stringValue": "nan"}),
        (["a", 1], {"stringValue": '["a", 1]'}),
        ({"a": None}, {"stringValue": '{"a": null}'}),
        ("half \ud800", {"stringValue": "half ?"}),
        ("\x1b[31m\u202e", {"stringValue": "\x1b[31m\u202e"}),
    ],
)
def test_any_value_that_json_can_hold_becomes_one_that_otlp_can(value, spelt):
    found = spans(whole_trace(spans=(span(ROOT, None, "odd", attributes={"odd": value}),)))["odd"]
    assert {"key": "odd", "value": spelt} in found["attributes"]


@pytest.mark.parametrize("time", [-1, 10**30])
def test_a_time_out_of_range_is_kept_within_what_the_protocol_holds(time):
    odd = span(ROOT, None, "odd", start_ns=time, end_ns=time, dropped_counts={"attributes": time})
    found = spans(whole_trace(spans=(odd,)))["odd"]
    assert 0 <= int(found["startTimeUnixNano"]) < 2**64
    assert 0 <= found["droppedAttributesCount"] < 2**32
    log = json.loads(otlp_log_line(whole_trace(events=(PointEvent(WORKER, "odd", time, 1, "?"),)), **ABOUT))
    assert 0 <= int(log["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]["timeUnixNano"]) < 2**64


def test_a_span_that_failed_says_with_what():
    failed = replace(span(ROOT, None, "failed"), status=SpanStatus.ERROR, error_type="503", concurrent=True)
    found = spans(whole_trace(spans=(failed,)))["failed"]
    assert found["status"] == {"code": 2}
    assert (plain(found["attributes"])["error.type"], plain(found["attributes"])["evidence.concurrent"]) == (
        "503",
        True,
    )
