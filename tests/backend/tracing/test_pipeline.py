"""The pipeline view: its moves, its ends, and its spelling as JSON and in words (trace model §3, §8.3; O02 to O09)."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.tracing.pipeline import (
    MAX_TEXT_CHARS,
    Pipeline,
    PipelineStatus,
    Source,
    StepEnd,
    StepStatus,
    Trigger,
)

TRACE = "0190aaaabbbb7ccc8ddd0123456789ab"
SUCCESS, FAIL, BLOCKED = StepStatus.SUCCESS, StepStatus.FAIL, StepStatus.BLOCKED


def pipeline(**changes):
    values = {"trigger": Trigger(Source.API, "edit"), "execution_plan_summary": "a → b"}
    return Pipeline(pipeline_id="j", trace_id=TRACE, **values | changes)


def ran(*statuses):
    """A pipeline whose steps ended like this."""
    made = pipeline()
    for status in statuses:
        number = made.add_step("template", "edit")
        end = StepEnd(status, error_message="BLOCKED by BLOCK", decision="no" if status is BLOCKED else None)
        assert status is StepStatus.STARTED or made.update_step(number, end)
    return made


@pytest.mark.parametrize(
    ("statuses", "status"),
    [
        ([SUCCESS], "SUCCESS"),
        ([SUCCESS, SUCCESS], "SUCCESS"),
        ([FAIL], "FAILED"),
        ([], "FAILED"),
        ([SUCCESS, FAIL], "PARTIAL"),
        ([BLOCKED], "FAILED"),
        ([SUCCESS, BLOCKED], "PARTIAL"),
        ([SUCCESS, StepStatus.STARTED], "PARTIAL"),
        ([StepStatus.STARTED], "FAILED"),
    ],
)
def test_the_end_of_a_pipeline_follows_from_its_steps(statuses, status):
    made = ran(*statuses)
    assert made.complete()
    assert made.pipeline_status == status
    assert made.completed_at >= made.started_at


def test_a_final_error_is_no_success():
    made = ran(SUCCESS)
    made.complete(final_error="the result could not be kept")
    assert (made.pipeline_status, made.final_error) == ("PARTIAL", "the result could not be kept")


@pytest.mark.parametrize("stopped", [PipelineStatus.CANCELLED, PipelineStatus.TIMED_OUT])
def test_a_pipeline_that_was_stopped_from_outside_says_so_whatever_its_steps_did(stopped):
    made = ran(SUCCESS)
    assert made.complete(stopped=stopped)
    assert made.pipeline_status is stopped


def test_an_end_is_final():
    made = ran(SUCCESS)
    made.complete()
    before = made.to_dict()
    assert made.add_step("a", "t") is None
    assert not made.update_step(1, StepEnd(FAIL))
    assert not made.complete(final_error="late", stopped=PipelineStatus.CANCELLED)
    assert made.to_dict() == before


@pytest.mark.parametrize("number", [0, -1, 2, 99])
def test_an_unknown_step_is_refused_and_nothing_changes(number):
    made = ran(StepStatus.STARTED)
    before = made.to_dict()
    assert not made.update_step(number, StepEnd(SUCCESS))
    assert made.to_dict() == before


def test_a_step_that_ended_does_not_end_again():
    made = ran(FAIL)
    before = made.to_dict()
    assert not made.update_step(1, StepEnd(SUCCESS))
    assert made.to_dict() == before


def test_a_step_that_is_said_to_have_started_has_no_end():
    made = ran(StepStatus.STARTED)
    assert made.update_step(1, StepEnd(StepStatus.STARTED))
    assert (made.steps[0].completed_at, made.steps[0].success) == (None, None)


def test_a_text_never_makes_a_step_blocked_and_a_blocked_step_says_what_it_decided():
    made = ran(FAIL)
    assert (made.steps[0].status, made.steps[0].error_message) == ("FAIL", "BLOCKED by BLOCK")
    fresh = ran(StepStatus.STARTED)
    assert not fresh.update_step(1, StepEnd(BLOCKED))
    assert not fresh.update_step(1, StepEnd(FAIL, decision="no"))
    assert fresh.update_step(1, StepEnd(BLOCKED, decision="the licence forbids it"))
    assert fresh.steps[0].decision == "the licence forbids it"


def test_a_pipeline_is_not_completed_with_a_status_that_its_steps_decide():
    made = ran(FAIL)
    assert not made.complete(stopped=PipelineStatus.SUCCESS)
    assert made.pipeline_status is PipelineStatus.RUNNING


def test_the_plan_is_there_also_when_the_run_stops_early():
    made = ran(FAIL)
    made.complete()
    assert made.to_dict()["execution_plan_summary"] == "a → b"


def test_a_snapshot_does_not_change_any_more():
    made = ran(StepStatus.STARTED)
    kept = made.snapshot()
    made.update_step(1, StepEnd(SUCCESS))
    made.complete()
    assert (kept.steps[0].status, kept.pipeline_status) == ("STARTED", "RUNNING")


def test_texts_are_capped():
    made = ran(StepStatus.STARTED)
    made.update_step(1, StepEnd(FAIL, error_message="x" * 9999, output_summary="y" * 9999))
    made.complete(final_error="z" * 9999)
    step = made.steps[0]
    assert {len(text) for text in (step.error_message, step.output_summary, made.final_error)} == {MAX_TEXT_CHARS}


def test_the_summary_names_everything():
    made = ran(SUCCESS, BLOCKED, FAIL)
    made.complete(final_error="it stopped")
    lines = made.get_summary().splitlines()
    assert lines[0] == f"trace {TRACE}: edit, PARTIAL"
    assert made.to_dict()["started_at"] in lines[1]
    assert made.to_dict()["completed_at"] in lines[1]
    assert lines[2] == "plan: a → b"
    assert [line[0] for line in lines if " template: edit" in line] == ["✓", "■", "✗"]
    assert lines[-1] == "error: it stopped"
    assert "completed not yet" in pipeline().get_summary()


texts = st.none() | st.text(max_size=20)


@given(
    ends=st.lists(
        st.builds(StepEnd, st.sampled_from([SUCCESS, FAIL]), texts, texts) | st.just(StepEnd(BLOCKED, decision="no"))
    ),
    complete=st.booleans(),
    error=texts,
    key=texts,
)
def test_what_was_spelt_reads_back_as_the_same(ends, complete, error, key):
    made = pipeline(trigger=Trigger(Source.JIRA_WEBHOOK, "edit", issue_key=key, issue_status=key))
    for end in ends:
        made.update_step(made.add_step("agent", "task"), end)
    if complete:
        made.complete(final_error=error)
    assert Pipeline.from_dict(made.to_dict()) == made
    assert Pipeline.from_dict(json.loads(made.to_json())) == made
    assert [step["step_number"] for step in made.to_dict()["steps"]] == list(range(1, len(ends) + 1))
