"""A case tells what was observed: from the events and the trace of one scenario, and from nothing else."""

import json

import pytest
from case_builders import CREATE, PROJECT, RESULT, facts, made, record, told, trace_of, whole_case, whole_log, wrapped
from tracing import RUN_ID, TRACE_ID, Log, span_id

from harness.evidence.exchanges import Purpose
from harness.evidence.faults import EvidenceError
from harness.evidence.layout import case_file
from harness.evidence.paths import fault_of
from harness.judging.results import Outcome
from harness.judging.verdict import Verdict
from harness.traces.case import CaseFacts, case_of, failing, observed_case
from harness.traces.case_names import case_id_of
from harness.traces.case_records import Stage, Status
from harness.traces.normal_form import structure_digest
from harness.traces.views import db_writes, execution_trace


def case_from(log, verdict=Verdict.PASS):
    return case_of(facts(verdict), log.entries, trace_of(log))


def stage_after(*answers):
    log = Log().started().step("s", 1)
    for number, answer in enumerate(answers, start=2):
        made(log, "s", number, answer=answer)
    return case_from(log.ended()).stage


def test_a_case_says_which_run_scenario_and_request_it_is_about():
    case = whole_case()
    assert (case.run_id, case.case_id, case.uc_id) == (RUN_ID, "live-L01", "L01")
    assert (case.operation_name, case.route_path, case.api_method) == (f"POST {CREATE}", CREATE, "POST")
    assert (case.request_fields, case.response_fields) == (("name",), ("id", "status"))


def test_its_two_lists_and_its_digest_are_those_of_the_trace():
    log = whole_log()
    trace = trace_of(log, told(writes=3))
    case = case_of(facts(), log.entries, trace)
    assert [event.seq for event in case.execution_trace] == [row["seq"] for row in execution_trace(trace)]
    assert [dict(row.detail) for row in case.db_writes] == [row["detail"] for row in db_writes(trace)]
    assert len(case.db_writes) == 3
    assert case.determinism_hash == structure_digest(trace)


def test_every_request_is_a_call_and_every_attempt_of_a_poll_one_of_its_own():
    calls = whole_case().api_calls_used
    assert [(call.step, call.method, call.path, call.status) for call in calls] == [
        ("submit", "POST", CREATE, 200),
        ("result", "GET", RESULT, 404),
        ("result", "GET", RESULT, 200),
    ]
    assert [call.span_id for call in calls] == [span_id(2), span_id(4), span_id(5)]
    assert [call.duration_ms for call in calls] == [4.0, 2.0, 4.0]
    assert [call.event for call in calls] == sorted(call.event for call in calls)


def test_attempts_of_a_poll_that_was_cut_short_are_told_without_what_nobody_knows():
    log = Log().started().step("result", 3, action="poll")
    log.attempt("result", 4, 1).attempt("result", 5, 2, status=None, error="ConnectError")
    calls = case_from(log, Verdict.INCONCLUSIVE).api_calls_used
    assert [(call.method, call.path, call.status, call.error) for call in calls] == [
        ("", "", 404, ""),
        ("", "", None, "ConnectError"),
    ]


def test_looks_of_the_judge_are_calls_and_no_input_and_its_question_for_the_trace_is_neither():
    log = Log().started().step("s", 1)
    made(log, "s", 2, purpose=Purpose.BASELINE)
    made(log, "s", 3, purpose=Purpose.FILES)
    made(log, "s", 4, method="PUT", body={"a": 1})
    made(log, "", 5, purpose=Purpose.TRACE)
    case = case_from(log.ended())
    assert [call.purpose for call in case.api_calls_used] == ["baseline", "files", "step"]
    assert [(each.method, each.body) for each in case.synthetic_input] == [("PUT", '{"a": 1}')]
    assert len(case.observed_output) == 1


def test_an_output_is_cut_and_says_how_long_it_was():
    log = Log().started().step("s", 1)
    made(log, "s", 2, answer="x" * 5000)
    (output,) = case_from(log.ended()).observed_output
    assert (output.body, output.body_chars, output.status) == ("x" * 2000, 5000, 200)


def test_a_request_without_an_answer_is_told_as_such():
    log = Log().started().step("s", 1)
    made(log, "s", 2, answer="", status=None, error="ConnectError")
    case = case_from(log.ended(Verdict.ERROR), Verdict.ERROR)
    (output,) = case.observed_output
    assert (output.status, output.error, case.status) == (None, "ConnectError", Status.ERROR)


@pytest.mark.parametrize(
    ("path", "route"),
    [
        (f"/api/v1/projects/{PROJECT}?full=1", "/api/v1/projects/{id}"),
        ("/api/v1/jobs/42/logs", "/api/v1/jobs/{id}/logs"),
        ("/api/v1/traces/01a1fd7db744754c852fbcd89d7b3396", "/api/v1/traces/{id}"),
        ("/api/v1/ready", "/api/v1/ready"),
    ],
)
def test_ids_in_a_path_are_put_in_braces_where_the_backend_tells_no_route(path, route):
    log = Log().started().step("s", 1)
    made(log, "s", 2, path=path)
    case = case_from(log.ended())
    assert (case.route_path, case.operation_name) == (route, f"GET {route}")


def test_the_first_request_that_changes_something_is_the_main_one():
    log = Log().started().step("s", 1)
    made(log, "s", 2, path="/first")
    made(log, "s", 3, path="/second", method="POST")
    made(log, "s", 4, path="/third", method="DELETE")
    made(log, "s", 5, path="/gone", method="DELETE", purpose=Purpose.COLLECT)
    assert case_from(log.ended()).route_path == "/second"


@pytest.mark.parametrize(
    ("answers", "stage"),
    [
        ([{"id": 1}], Stage.WIRING),
        ([{"engine": "dummy"}], Stage.STAND_IN),
        ([{"result": {"engine": "template"}}], Stage.STAND_IN),
        ([wrapped(engine="template")], Stage.STAND_IN),
        ([wrapped(engine="template"), {"engine": "codex"}], Stage.REAL),
        ([{"path": "app.py", "contents": '{"engine": "codex"}'}], Stage.WIRING),
        (["[1, 2]", "no JSON", '{"engine": 7}', wrapped(engine=None)], Stage.WIRING),
    ],
)
def test_the_stage_follows_from_the_engines_that_results_name(answers, stage):
    assert stage_after(*answers) is stage


@pytest.mark.parametrize(
    ("verdict", "status"),
    [
        (Verdict.PASS, "PASS"),
        (Verdict.LIMITED, "PASS"),
        (Verdict.FAIL, "FAIL"),
        (Verdict.ERROR, "ERROR"),
        (Verdict.INCONCLUSIVE, "ERROR"),
        (Verdict.BLOCKED, "SKIPPED"),
    ],
)
def test_each_verdict_has_its_status(verdict, status):
    assert case_of(facts(verdict), [], None).status == status


def test_a_blocked_scenario_has_a_case_in_which_nothing_was_done():
    case = case_of(CaseFacts(RUN_ID, record(Verdict.BLOCKED, files=("notes.txt",)), "live-L01"), [], None)
    empty = (case.synthetic_input, case.observed_output, case.assertions, case.api_calls_used, case.execution_trace)
    assert {*empty, case.db_writes} == {()}
    assert (case.determinism_hash, case.api_method, case.evidence_files) == ("", "", ("live/L01/notes.txt",))


def test_a_pass_with_an_assertion_that_did_not_hold_is_refused():
    for outcome in (Outcome.MISSED, Outcome.UNDECIDED):
        log = Log().started().step("s", 1).check("s", outcome).step_ended("s").ended()
        with pytest.raises(EvidenceError) as refused:
            case_from(log)
        assert refused.value.reference == "case-contradicts"
        assert case_from(log, Verdict.FAIL).status is Status.FAIL
        assert len(failing(observed_case(facts(), log.entries, None))) == 1


def test_what_is_checked_while_cleaning_up_asserts_nothing():
    log = Log().started().step("s", 1).check("s").step_ended("s")
    log.step("tidy", 2, is_teardown=True).check("tidy", Outcome.MISSED).step_ended("tidy", Verdict.FAIL)
    log.check("")
    assert [each.step for each in case_from(log.ended()).assertions] == ["s", ""]


def test_of_several_climbs_in_one_log_only_its_own_counts():
    log = Log().run_started().started("L00").step("s", 1, scenario="L00").check("s", scenario="L00")
    log.ended(scenario="L00")
    others = len(log.entries)
    log.started().step("s", 2)
    made(log, "s", 3, path="/mine")
    case = case_of(facts(), log.ended().entries, trace_of(Log().started().ended()))
    assert [call.path for call in case.api_calls_used] == ["/mine"]
    assert case.api_calls_used[0].event > others


def test_evidence_files_are_those_of_the_scenario_and_its_trace():
    assert whole_case().evidence_files == (
        "live/L01/db_writes.json",
        "live/L01/execution_trace.json",
        "live/L01/response.json",
        f"traces/{TRACE_ID}.json",
    )


def test_scenarios_with_odd_names_have_cases_with_valid_names_of_their_own():
    odd = [
        "live/a b",
        "live/a::b",
        "live/a/b",
        "live/" + "x" * 300,
        "live/" + "x" * 301,
        "live/ü",
        "live/con",
        "live/..",
    ]
    paths = [
        case_file(case_of(CaseFacts(RUN_ID, record(folder=each), case_id_of(each)), [], None).case_id) for each in odd
    ]
    assert len({path.casefold() for path in paths}) == len(odd)
    assert [fault_of(path) for path in paths] == [""] * len(odd)


def test_two_climbs_of_one_scenario_differ_in_nothing_but_ids_and_times():
    one, other = (case_of(facts(), log.entries, trace_of(log, told())) for log in (whole_log(), whole_log()))
    assert one == other
    assert json.loads(json.dumps(dict(one.signature))) == {"covers": "manifest.json", "in": "manifest.dsse.json"}
