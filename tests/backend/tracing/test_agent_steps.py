"""Which spans of a worker are steps of its job, and how they end (trace model §3 and §8.3)."""

from datetime import UTC, datetime

import pytest
from support.tracing_records import BEGIN, SECOND, pipeline, span

from backend.tracecontext import new_trace_id
from backend.tracing.agent_steps import MOST_STEPS, agent_steps, marked
from backend.tracing.pipeline import StepEnd, StepStatus
from backend.tracing.spans import Layer, Place, Status

TRACE = new_trace_id()
INVOKED = Place("invoke_agent", Layer.AGENT, "engines", "invoke_agent")


def agent(name="coder", *, at_s=0, status=Status.OK, end=SECOND, attributes=None, **changes):
    """A span of an agent, as it was read from a worker's trace."""
    named = {"gen_ai.agent.name": name, "gen_ai.operation.name": "invoke_agent"} | (attributes or {})
    start_ns = BEGIN + at_s * SECOND
    times = {"start_ns": start_ns, "end_ns": end and start_ns + end}
    given = {"place": INVOKED, "status": status, "service": "worker", "attributes": named, "incomplete": end is None}
    return span(TRACE, **given | times | changes)


def ends(*spans):
    return [(step.agent_name, step.end.status) for step in agent_steps(spans).steps]


def test_each_agent_is_a_step_in_the_order_in_which_they_began():
    first, second = agent("planner"), agent("coder", at_s=2)
    planner, coder = agent_steps([second, first]).steps
    assert (planner.agent_name, coder.agent_name) == ("planner", "coder")
    assert (planner.span_id, planner.agent_task) == (first.span_id, "invoke_agent")
    assert planner.started_at == datetime.fromtimestamp(BEGIN // SECOND, UTC)
    assert (coder.end.completed_at - planner.started_at).total_seconds() == 3


@pytest.mark.parametrize(
    "changes",
    [
        {"place": Place("invoke_agent", Layer.WORKER, "engines", "invoke_agent")},
        {"attributes": {"gen_ai.operation.name": "execute_tool"}},
        {"attributes": {"gen_ai.operation.name": "chat"}},
        {"attributes": {"gen_ai.agent.name": ""}},
        {"attributes": {"gen_ai.agent.name": None}},
    ],
)
def test_what_is_no_agent_is_no_step(changes):
    assert agent_steps([agent(**changes)]).steps == ()


def test_an_agent_need_not_say_that_it_was_invoked():
    assert ends(agent(attributes={"gen_ai.operation.name": None})) == [("coder", "SUCCESS")]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"status": Status.ERROR, "error_type": "rate_limited"}, "rate_limited"),
        ({"status": Status.ERROR}, "it did not work"),
        ({"status": Status.UNSET}, "it did not say how it ended"),
        ({"status": Status.OK, "end": None}, "its end was never seen"),
    ],
)
def test_only_what_says_that_it_worked_has_succeeded(changes, message):
    [step] = agent_steps([agent(**changes)]).steps
    assert (step.end.status, step.end.error_message) == (StepStatus.FAIL, message)


def test_a_decision_blocks_whatever_the_status_says():
    decided = {"evidence.decision": "the request asks for what policy forbids"}
    for status in Status:
        [step] = agent_steps([agent(status=status, attributes=decided)]).steps
        assert (step.end.status, step.end.decision) == (StepStatus.BLOCKED, decided["evidence.decision"])


@pytest.mark.parametrize("text", ["BLOCK", "BLOCKED", "DECISION: BLOCK"])
def test_n18_no_text_blocks(text):
    failed = agent(status=Status.ERROR, error_type=text)
    named = agent(text, place=Place(text, Layer.AGENT, text, text))
    assert ends(failed, named) in ([("coder", "FAIL"), (text, "SUCCESS")], [(text, "SUCCESS"), ("coder", "FAIL")])


def test_too_many_agents_stay_spans_and_are_counted():
    found = agent_steps([agent(at_s=number) for number in range(MOST_STEPS + 3)])
    assert (len(found.steps), found.left_out) == (MOST_STEPS, 3)


def test_the_span_of_a_step_says_so_and_no_other_does():
    step, other = agent(), agent(attributes={"gen_ai.operation.name": "chat"})
    first, second = marked([step, other], agent_steps([step, other]).steps)
    assert first.attributes == {**step.attributes, "evidence.step.status": "SUCCESS", "evidence.step.number": 1}
    assert second == other


# in a pipeline


def running():
    found = pipeline(TRACE)
    found.add_step("codex", "edit", span_id="b" * 16)
    return found


@pytest.mark.parametrize(
    ("statuses", "status"),
    [
        ([Status.OK, Status.OK], "SUCCESS"),
        ([Status.ERROR, Status.OK], "PARTIAL"),
        ([Status.OK, Status.ERROR], "PARTIAL"),
        ([Status.ERROR, Status.ERROR], "FAILED"),
        ([Status.ERROR], "FAILED"),
    ],
)
def test_n18_the_end_of_a_pipeline_follows_from_its_agents(statuses, status):
    found = running()
    spans = [agent(f"a{number}", at_s=number, status=status) for number, status in enumerate(statuses)]
    assert found.take_agents(agent_steps(spans).steps)
    assert [step.step_number for step in found.steps] == list(range(1, len(spans) + 1))
    assert found.complete(final_error=found.trouble)
    assert found.pipeline_status == status
    assert (found.final_error is None) == (status == "SUCCESS")
    assert type(found).from_dict(found.to_dict()) == found


def test_without_agents_the_one_step_stays():
    found = running()
    assert not found.take_agents(())
    assert [(step.agent_name, step.status) for step in found.steps] == [("codex", "STARTED")]


def test_agents_are_taken_once_and_never_instead_of_what_has_ended():
    steps = agent_steps([agent()]).steps
    taken, ended, completed, idle = running(), running(), running(), pipeline(TRACE)
    assert taken.take_agents(steps)
    ended.update_step(1, StepEnd(StepStatus.SUCCESS))
    completed.complete()
    for found in (taken, ended, completed, idle):
        before = found.to_dict()
        assert not found.take_agents(steps)
        assert found.to_dict() == before


def test_the_trouble_of_a_pipeline_is_that_of_its_first_step_that_did_not_succeed():
    found = running()
    decided = agent("reviewer", at_s=1, attributes={"evidence.decision": "unsafe"})
    found.take_agents(agent_steps([agent(), decided, agent(at_s=2, status=Status.UNSET)]).steps)
    assert found.trouble == "step 2 reviewer: BLOCKED: unsafe"
    assert "■ 2 reviewer: invoke_agent\n    unsafe" in found.get_summary()
