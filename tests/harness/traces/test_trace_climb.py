"""The trace of a climb and its pipeline, made from the events of the run."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from tracing import BEGAN_NS, CLIMB, CLIMB_ID, MS, ROOT, RUN_ID, STEP_OF_CLIMB, TRACE_ID, Log, scenario_log, span_id

from harness.evidence.events import ClimbStarted, RunEnded
from harness.evidence.exchanges import Purpose
from harness.judging.verdict import Verdict
from harness.runner.scenario import INTERRUPTED as THE_RUNNERS_WORD
from harness.traces.climb_trace import INTERRUPTED, climb_record, told_climbs
from harness.traces.records import Layer, Link, SpanStatus

GATE = "gate closed: L01 FAIL, 1 missed > 0 allowed; goes on after LIMITED, PASS"


def climbed(*verdicts, planned=None):
    """A climb of so many scenarios, without its end."""
    names = [f"L{number:02d}" for number in range(1, len(verdicts) + 1)]
    log = Log().run_started().climb_started(*(planned or names))
    for number, (name, verdict) in enumerate(zip(names, verdicts, strict=True), 1):
        ids = {"trace_id": TRACE_ID, "span_id": span_id(100 + number), "step_span_id": span_id(200 + number)}
        if verdict is Verdict.BLOCKED:
            log.ended(verdict, name, GATE)
        else:
            log.started(name, **ids).ended(verdict, name, "" if verdict is Verdict.PASS else "1 check missed")
    return log


def trace_of(log):
    (told,) = told_climbs(log.entries)
    return told.trace


def pipeline_of(log):
    (pipeline,) = trace_of(log).pipelines
    return pipeline


def test_a_climb_is_a_tree_with_one_step_for_each_scenario():
    trace = trace_of(climbed(Verdict.PASS, Verdict.LIMITED).climb_ended(Verdict.LIMITED))
    root, first, second = trace.spans
    assert (trace.trace_id, trace.case_id, trace.capture, trace.incomplete) == (CLIMB_ID, "", None, False)
    assert (root.span_id, root.parent_span_id, root.name, root.layer) == (CLIMB, None, "climb", Layer.TEST)
    assert (root.component, root.operation, root.trigger, root.instance) == ("climb", "climb", "cli", RUN_ID)
    assert (root.status, root.start_ns) == (SpanStatus.OK, BEGAN_NS + MS)
    assert (first.span_id, first.name, first.ordinal, first.parent_span_id) == (span_id(201), "pipeline step", 0, CLIMB)
    assert first.links == (Link(TRACE_ID, span_id(101), "scenario"),)
    assert first.trigger == "climb"
    assert second.attributes == {
        "evidence.step.number": 2,
        "evidence.agent.name": "L02",
        "evidence.step.status": "SUCCESS",
        "evidence.verdict": "LIMITED",
    }


def test_the_question_for_a_scenarios_trace_hangs_below_its_step():
    log = Log().climb_started("L01").started().step("a", 1).exchange("a", 2).step_ended("a")
    log.exchange("", 3, purpose=Purpose.TRACE, path=f"/api/v1/traces/{TRACE_ID}").ended().climb_ended()
    names = [(span.name, span.parent_span_id) for span in trace_of(log).spans]
    assert names == [("climb", None), ("pipeline step", CLIMB), ("GET", STEP_OF_CLIMB)]


def test_what_happened_is_told_in_three_kinds_of_events():
    events = trace_of(climbed(Verdict.PASS, Verdict.FAIL).climb_ended(Verdict.FAIL)).events
    assert [(event.name, event.span_id, dict(event.attributes)) for event in events] == [
        ("pipeline.started", CLIMB, {"evidence.intent_type": "live", "evidence.trigger.source": "manual"}),
        (
            "step.completed",
            span_id(201),
            {"evidence.step.number": 1, "evidence.agent.name": "L01", "evidence.step.status": "SUCCESS"},
        ),
        (
            "step.completed",
            span_id(202),
            {"evidence.step.number": 2, "evidence.agent.name": "L02", "evidence.step.status": "FAIL"},
        ),
        ("pipeline.completed", CLIMB, {"evidence.pipeline.status": "PARTIAL"}),
    ]
    assert len({event.seq for event in events}) == 4


P, L, F, E, N, B = (Verdict(word) for word in ("PASS", "LIMITED", "FAIL", "ERROR", "INCONCLUSIVE", "BLOCKED"))


@pytest.mark.parametrize(
    ("verdicts", "status", "span_status"),
    [
        ((P, P), "SUCCESS", SpanStatus.OK),
        ((P, L), "SUCCESS", SpanStatus.OK),
        ((F, B), "FAILED", SpanStatus.ERROR),
        ((P, F), "PARTIAL", SpanStatus.ERROR),
        ((P, F, B, B), "PARTIAL", SpanStatus.ERROR),
        ((E, B), "FAILED", SpanStatus.ERROR),
        ((N, B), "FAILED", SpanStatus.UNSET),
        ((L, N, B), "PARTIAL", SpanStatus.UNSET),
        # A gate that goes on after failures.
        ((F, P), "PARTIAL", SpanStatus.ERROR),
    ],
)
def test_how_a_climb_ends_follows_from_its_scenarios(verdicts, status, span_status):
    worst = next(verdict for verdict in (F, E, N, L, P) if verdict in verdicts)
    trace = trace_of(climbed(*verdicts).climb_ended(worst))
    assert trace.pipelines[0]["pipeline_status"] == status
    assert trace.root.status is span_status
    assert trace.root.attributes["evidence.pipeline.status"] == status
    assert trace.root.attributes["evidence.verdict"] == worst
    assert (trace.pipelines[0]["final_error"] is None) == (status == "SUCCESS")


def test_not_all_that_was_planned_is_no_success():
    log = climbed(P, planned=["L01", "L02"]).climb_ended(P)
    assert pipeline_of(log)["pipeline_status"] == "PARTIAL"
    assert trace_of(log).root.status is SpanStatus.UNSET


def test_a_climb_of_nothing_is_no_success():
    assert pipeline_of(Log().climb_started().climb_ended())["pipeline_status"] == "FAILED"


def test_a_scenario_that_failed_once_is_not_green_because_it_passed_before():
    log = Log().climb_started("L01").started().ended(P).started(step_span_id=span_id(7)).ended(F).climb_ended(F)
    pipeline = pipeline_of(log)
    assert [(step["step_number"], step["status"]) for step in pipeline["steps"]] == [(1, "SUCCESS"), (2, "FAIL")]
    assert pipeline["pipeline_status"] == "PARTIAL"


def test_a_scenario_behind_a_closed_gate_is_a_name_in_the_plan_and_no_step():
    pipeline = pipeline_of(climbed(P, F, B, B).climb_ended(F))
    assert [step["agent_name"] for step in pipeline["steps"]] == ["L01", "L02"]
    assert pipeline["execution_plan_summary"] == "L01 → L02 → L03 → L04 (gate closed by L02)"


def test_the_plan_is_told_whole_when_no_gate_was_closed():
    assert pipeline_of(climbed(P, F).climb_ended(F))["execution_plan_summary"] == "L01 → L02"
    assert pipeline_of(climbed(P, planned=["L01", "L09"]))["execution_plan_summary"] == "L01 → L09"


def test_a_step_says_when_it_was_how_it_ended_and_why():
    first, second = pipeline_of(climbed(P, F).climb_ended(F))["steps"]
    assert first == {
        "step_number": 1,
        "agent_name": "L01",
        "agent_task": "Title of L01",
        "status": "SUCCESS",
        "started_at": "2026-11-21T09:43:56.999342Z",
        "completed_at": "2026-11-21T09:43:57.000342Z",
        "success": True,
        "error_message": None,
        "output_summary": "PASS, result success",
        "decision": None,
        "span_id": span_id(201),
    }
    assert (second["status"], second["success"], second["error_message"]) == ("FAIL", False, "1 check missed")


def test_a_word_in_a_reason_blocks_nothing():
    log = Log().climb_started("L01").started().ended(F, reason="BLOCK: interrupted by a BLOCKED worker").climb_ended(F)
    pipeline = pipeline_of(log)
    assert (pipeline["steps"][0]["status"], pipeline["pipeline_status"]) == ("FAIL", "FAILED")


def test_the_pipeline_says_what_set_it_off():
    log = Log().climb_started("L01", source="jira_webhook", issue_key="OPS-7", issue_status="Open")
    pipeline = pipeline_of(log.climb_ended())
    assert pipeline["trigger"] == {
        "source": "jira_webhook",
        "issue_key": "OPS-7",
        "issue_status": "Open",
        "intent_type": "live",
        "timestamp": "2026-11-21T09:43:56.997342Z",
    }
    assert (pipeline["pipeline_id"], pipeline["trace_id"], pipeline["intent_type"]) == (CLIMB_ID, CLIMB_ID, "live")


def test_the_final_error_is_that_of_the_first_red_scenario():
    log = climbed(P, F, B).climb_ended(F)
    assert pipeline_of(log)["final_error"] == "L02 FAIL: 1 check missed"


def test_a_running_climb_has_no_end():
    log = Log().climb_started("L01", "L02").started().ended().started("L02", step_span_id=span_id(9))
    trace, pipeline = trace_of(log), pipeline_of(log)
    assert (pipeline["pipeline_status"], pipeline["completed_at"], pipeline["final_error"]) == ("RUNNING", None, None)
    assert (pipeline["steps"][1]["status"], pipeline["steps"][1]["completed_at"]) == ("STARTED", None)
    assert trace.incomplete
    assert [span.incomplete for span in trace.spans] == [True, False, True]
    assert trace.root.status is SpanStatus.UNSET


REASONS = ["interrupted in step result", "interrupted before the stack was ready; nothing was sent"]


@pytest.mark.parametrize("reason", REASONS)
def test_a_climb_that_ctrl_c_ended_is_cancelled(reason):
    log = Log().climb_started("L01", "L02").started().ended(N, reason=reason)
    log.ended(B, "L02", "interrupted; nothing was sent").climb_ended(N)
    pipeline = pipeline_of(log)
    assert pipeline["pipeline_status"] == "CANCELLED"
    assert pipeline["final_error"] == f"L01 INCONCLUSIVE: {reason}"
    # The gate was open: nobody asked it.
    assert pipeline["execution_plan_summary"] == "L01 → L02"
    assert trace_of(log).root.status is SpanStatus.UNSET


def test_ctrl_c_between_two_scenarios_cancels_as_well():
    log = Log().climb_started("L01", "L02").started().ended().ended(B, "L02", "interrupted; nothing was sent")
    assert pipeline_of(log.climb_ended(N))["pipeline_status"] == "CANCELLED"


def test_the_word_for_it_is_the_runners():
    assert INTERRUPTED == THE_RUNNERS_WORD


def test_a_stack_that_did_not_start_is_a_failed_climb_without_a_step():
    log = Log().climb_started("L01", "L02").ended(E, reason="the stack is not ready: [x] y")
    pipeline = pipeline_of(log.ended(B, "L02", "the stack is not ready: [x] y").climb_ended(E))
    assert (pipeline["pipeline_status"], pipeline["steps"]) == ("FAILED", [])
    assert pipeline["final_error"] == "L01 ERROR: the stack is not ready: [x] y"


@pytest.mark.parametrize(("word", "status"), [("interrupted", "CANCELLED"), ("finished", "SUCCESS")])
def test_the_end_of_the_run_ends_a_climb_that_says_nothing_itself(word, status):
    log = climbed(P).add(RunEnded(word, None))
    assert pipeline_of(log)["pipeline_status"] == status
    assert not trace_of(log).incomplete


def test_an_interrupted_run_does_not_cancel_a_climb_that_had_ended():
    log = climbed(P).climb_ended().add(RunEnded("interrupted", None))
    assert pipeline_of(log)["pipeline_status"] == "SUCCESS"


def test_each_climb_of_a_run_has_a_trace_of_its_own():
    log = climbed(P).climb_ended()
    ids = ("mocked/RERUN", "mocked", "mocked", ("M01",), TRACE_ID, ROOT, "manual")
    log.add(ClimbStarted(*ids)).started("M01", step_span_id=span_id(8)).ended(F, "M01").climb_ended(F, "mocked/RERUN")
    told = told_climbs(iter(log.entries))
    first, second = (each.trace for each in told)
    assert [climb_record(each).part for each in told] == ["live", "mocked/RERUN"]
    assert [climb_record(each).status for each in told] == ["SUCCESS", "FAILED"]
    assert [each.trace_id for each in (first, second)] == [CLIMB_ID, TRACE_ID]
    assert [len(each.spans) for each in (first, second)] == [2, 2]
    assert second.pipelines[0]["pipeline_status"] == "FAILED"


def test_a_run_without_a_climb_has_no_trace():
    assert told_climbs(Log().run_started().entries) == ()
    assert told_climbs(scenario_log().entries) == ()


def test_nothing_of_a_scenarios_inside_is_held():
    """Of five thousand steps no entry is alive when the next one is asked for."""
    alive = set()

    class Watched(type(Log().run_started().entries[0])):
        def __init__(self, *fields):
            super().__init__(*fields)
            alive.add(id(self))

        def __del__(self):
            alive.discard(id(self))

    def entries():
        yield from Log().climb_started("L01").started().entries
        for number in range(5_000):
            (first, *_) = Log().step(f"s{number}", number + 1).entries
            yield Watched(number + 3, 6.0, first.at, first.event)
            assert len(alive) <= 1

    (told,) = told_climbs(entries())
    assert len(told.trace.spans) == 2


def test_ids_that_an_earlier_log_lacks_are_made_from_what_it_says():
    log = Log().climb_started("L01").started(trace_id="", span_id="", step_span_id="").ended().climb_ended()
    step = trace_of(log).spans[1]
    assert (len(step.span_id), step.links) == (16, ())
    assert trace_of(log) == trace_of(log)


def test_the_pipeline_has_the_shape_that_the_backend_publishes(pipeline_schema):
    for log in (
        climbed(P, F, B).climb_ended(F),
        climbed(P),
        Log().climb_started("L01", source="ci", issue_key="X-1", issue_status="Open").climb_ended(),
    ):
        Draft202012Validator(pipeline_schema).validate(pipeline_of(log))


@pytest.fixture
def pipeline_schema():
    document = json.loads((Path(__file__).parents[3] / "backend/api/trace.schema.json").read_text())
    return {"$ref": "#/$defs/PipelineOut", "$defs": document["$defs"]}
