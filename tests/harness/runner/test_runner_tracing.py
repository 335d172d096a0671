"""The trace of a scenario: asked for at its end, joined with the judge's own part, and never taken for granted."""

import json

import pytest
from staged import CANARY, INSTANCE, OK_STEP, ORIGIN, Reply, one_scenario, silence, told_trace

from harness.judging.verdict import Verdict

INACTIVE = {"hooks": [], "active": False, "version": 1}
WRITE = {
    "span_id": "b7ad6b7169203331",
    "system": "sqlite",
    "txn_id": "fe6177e3fc620813",
    "stmt_seq": 1,
    "op": "INSERT",
    "tables": ["projects"],
    "batch_size": 1,
    "rows": 1,
    "committed_rows": 1,
    "rows_source": "cursor",
    "fingerprint": {"v": 1, "sha256": "61" * 32},
    "outcome": "committed",
    "error_type": None,
    "sqlstate": None,
    "started_ns": 1763140445_010000000,
    "duration_ns": 247967,
}


def span(parent, **fields):
    return {
        "span_id": WRITE["span_id"],
        "parent_span_id": parent,
        "name": "GET /docs",
        "kind": "SERVER",
        "layer": "HTTP",
        "component": "api",
        "operation": "GET",
        "trigger": "http",
        "start_ns": 1763140445_005000000,
        "end_ns": 1763140445_009000000,
        "duration_ns": 4000000,
        "status": "OK",
        "service": "backend",
        "instance": "b1",
    } | fields


@pytest.fixture
def own(staged):
    """A stage on our own stack, whose service answers."""
    staged.subject["instance"] = INSTANCE
    staged.service.on("GET /docs", {})
    return staged


def stored(staged, record, name):
    return json.loads(staged.read(f"{record.folder}/{name}"))


def climbed(staged, *steps):
    outcome = staged.climb(one_scenario(*(steps or (OK_STEP,))))
    return outcome.records[-1]


def trace_of(staged, record):
    return json.loads(staged.read(f"traces/{record.trace_id}.json"))


def parent_of_the_request(staged):
    return staged.service.calls[0].traceparent.split("-")[2]


def test_one_trace_holds_what_the_judge_and_the_backend_did(own):
    own.service.trace = lambda trace_id: told_trace(
        trace_id, spans=[span(parent_of_the_request(own))], db_writes=[WRITE]
    )
    record = climbed(own)
    trace = trace_of(own, record)
    assert (record.verdict, trace["trace_id"], trace["case_id"]) == (Verdict.PASS, record.trace_id, "mocked-L01")
    assert [(each["name"], each["service"]) for each in trace["spans"]] == [
        ("scenario", "harness"),
        ("call", "harness"),
        ("step", "harness"),
        ("GET", "harness"),
        ("GET /docs", "backend"),
    ]
    by_id = {each["span_id"]: each for each in trace["spans"]}
    (write,) = trace["db_writes"]
    chain, at = [], by_id[write["span_id"]]
    while at:
        chain.append(at["layer"])
        at = by_id.get(at["parent_span_id"])
    assert chain == ["HTTP", "HTTP", "TEST", "TEST", "TEST"], "from the row up to the scenario, by one id"


def test_its_two_views_lie_beside_the_scenario_and_are_listed(own):
    own.service.trace = lambda trace_id: told_trace(
        trace_id, spans=[span(parent_of_the_request(own))], db_writes=[WRITE]
    )
    record = climbed(own)
    events, writes = stored(own, record, "execution_trace.json"), stored(own, record, "db_writes.json")
    assert {"execution_trace.json", "db_writes.json"} <= set(record.files)
    assert [(each["sql_op"], each["table"], each["rowcount"], each["success"]) for each in writes] == [
        ("INSERT", "projects", 1, True)
    ]
    assert sorted(each["seq"] for each in [*events, *writes]) == list(range(1, len(events) + len(writes) + 1))
    assert [each["event_type"] for each in events if each["layer"] == "DB"] == ["db.write"]


def test_the_trace_is_asked_for_as_part_of_the_climb_so_that_a_look_adds_nothing_to_it(own):
    record = climbed(own)
    (asked,) = own.service.asked_for_traces
    assert asked.request.path == f"/api/v1/traces/{record.trace_id}"
    assert asked.traceparent.split("-")[1] == ORIGIN.trace_id.replace("-", "")
    assert record.trace_id != ORIGIN.trace_id


def test_a_told_trace_is_kept_once(own):
    climbed(own)
    (kept,) = [each for each in own.every_event() if getattr(each, "purpose", "") == "trace"]
    assert (kept.answer.text, kept.answer.status) == ("", 200)
    assert kept.answer.cut_from > 0
    assert len(kept.answer.sha256) == 64


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (Reply({"error": "not_found"}, 404), "HTTP 404"),
        (Reply(INACTIVE), "trace/1"),
        (Reply("<html>"), "$ is"),
        (silence(), "no answer: ConnectError"),
        (lambda _id: told_trace("0190aaaa-bbbb-7ccc-8ddd-ffffffffffff"), "that of another trace"),
    ],
)
def test_without_a_trace_of_our_own_stack_nobody_knows_what_was_written_and_nothing_is_green(own, told, words):
    own.service.trace = told
    record = climbed(own)
    assert record.verdict is Verdict.INCONCLUSIVE
    assert "inactive" in record.reason
    assert words in record.reason
    trace = trace_of(own, record)
    assert (trace["capture"], words in trace["why_untold"]) == (None, True)
    assert stored(own, record, "db_writes.json") == []


def test_hooks_that_are_not_in_place_are_not_the_same_as_no_writes(own):
    own.service.trace = lambda trace_id: told_trace(trace_id, capture=INACTIVE)
    record = climbed(own)
    assert (record.verdict, "its hooks are not in place" in record.reason) == (Verdict.INCONCLUSIVE, True)


@pytest.mark.parametrize("told", [Reply({}, 404), lambda trace_id: told_trace(trace_id, capture=INACTIVE)])
def test_a_foreign_backend_need_not_tell_what_it_writes(staged, told):
    staged.service.on("GET /docs", {})
    staged.service.trace = told
    assert climbed(staged).verdict is Verdict.PASS


def test_a_scenario_that_sent_nothing_asks_for_nothing(own):
    own.service.on("GET /docs", {})
    ladder = """
scenarios:
  L01: {title: One, steps: [{get: /docs, save: {a.txt: status}}]}
  L02: {title: Two, needs: [L01], steps: [{copy: {from: L01, files: [a.txt]}}]}
"""
    outcome = own.climb(ladder)
    assert [record.verdict for record in outcome.records] == [Verdict.PASS, Verdict.PASS]
    assert len(own.service.asked_for_traces) == 1
    assert trace_of(own, outcome.records[1])["why_untold"] == "nothing was sent"


def test_a_red_scenario_has_its_trace_as_well(own):
    own.service.on("GET /docs", Reply({}, 500))
    record = climbed(own)
    events = stored(own, record, "execution_trace.json")
    assert record.verdict is Verdict.FAIL
    assert {(each["event_type"], each["status"]) for each in events} >= {("scenario.end", "FAIL"), ("GET.end", "ERROR")}


def test_a_blocked_scenario_has_none(own):
    own.service.on("GET /docs", Reply({}, 500))
    ladder = f"scenarios:\n  L01: {{title: One, steps: [{OK_STEP}]}}\n  L02: {{title: Two, steps: [{OK_STEP}]}}\n"
    records = own.climb(ladder).records
    assert [record.verdict for record in records] == [Verdict.FAIL, Verdict.BLOCKED]
    assert [path for path in own.staging.written if path.startswith("traces/")] == [
        f"traces/{records[0].trace_id}.json"
    ]


def test_a_secret_in_a_told_trace_reaches_no_file_and_is_found(own):
    own.service.trace = lambda trace_id: told_trace(
        trace_id, spans=[span(None, name=f"GET {CANARY}", attributes={"url.path": f"/x?key={CANARY}"})]
    )
    record = climbed(own)
    assert CANARY.encode() not in own.bytes_written()
    assert record.verdict is Verdict.FAIL
    assert "no_secrets" in record.missed[0]


def test_the_climb_says_what_it_is_and_how_it_ended(own):
    climbed(own)
    (started,), (ended,) = own.events("climb_started"), own.events("climb_ended")
    assert (started.part, started.scenarios, started.trace_id) == ("mocked", ("L01",), ORIGIN.trace_id)
    assert (started.source, started.issue_key) == ("ci", "LAD-7")
    assert (ended.part, ended.verdict) == ("mocked", Verdict.PASS)


@pytest.mark.parametrize("stage", ["limit", "queue", "store", "flush"])
def test_records_that_were_lost_may_have_been_writes(own, stage):
    own.service.trace = lambda trace_id: told_trace(trace_id, dropped={stage: 3})
    record = climbed(own)
    assert (record.verdict, f"records were lost: {stage} 3" in record.reason) == (Verdict.INCONCLUSIVE, True)


@pytest.mark.parametrize("stage", ["attribute", "traceparent", "ingest", "export"])
def test_a_loss_that_can_have_been_no_write_is_none(own, stage):
    own.service.trace = lambda trace_id: told_trace(trace_id, dropped={stage: 3})
    assert climbed(own).verdict is Verdict.PASS


def test_a_record_names_the_types_of_the_jobs_that_were_told(own):
    told = [{"intent_type": word} for word in ("edit", "initial_project", "edit", "No Word", 7)]
    own.service.trace = lambda trace_id: told_trace(trace_id, pipelines=told)
    assert climbed(own).job_types == ("edit", "initial_project")
