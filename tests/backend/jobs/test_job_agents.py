"""Agents that a worker tells of become the steps of its job (trace model §8.3; N18)."""

from collections import Counter

import pytest
from support.job_bench import CANARY
from support.job_traces import dropped, pipeline_of, sample, spans_of, trace_of, with_worker_trace, worker_span

from backend.api.trace_schemas import TraceOut
from backend.tracing.job_pipelines import MOST_AGENTS, OTHER_AGENT
from backend.tracing.pipeline import PipelineStatus
from backend.tracing.spans import undashed
from backend.tracing.stores import TraceQuery

OK, ERROR = {"code": 1}, {"code": 2}


def text(key, value):
    return {"key": key, "value": {"stringValue": value}}


def agent(trace_id, number, name, **changes):
    """A line that tells of an agent; later ones begin later, within the container's life or not."""
    more = changes.pop("attributes", [])
    attributes = [text("evidence.layer", "AGENT"), text("gen_ai.agent.name", name), *more]
    times = {"startTimeUnixNano": str(number), "endTimeUnixNano": str(number)}
    return worker_span(trace_id, f"{number:016x}", attributes=attributes, **{"status": OK} | times | changes)


def told(bench, *agents):
    """A job whose worker tells of these agents: name and changes."""

    def make(trace_id, parent):
        lines = (agent(trace_id, number, name, **changes) for number, (name, changes) in enumerate(agents, 1))
        return "".join(lines)

    return with_worker_trace(bench, make)


def steps(bench, job):
    return [(step.step_number, step.agent_name, step.status) for step in pipeline_of(bench, job).steps]


def shown(bench, job):
    """Step status by span, as the API shows it, and the whole answer."""
    found = trace_of(bench, job)
    answer = TraceOut.describe(found, found.head.pipelines[0]).model_dump(mode="json")
    return {span["span_id"]: span["step_status"] for span in answer["spans"] if span["step_status"]}, answer


def test_each_agent_is_a_step_of_its_job_and_its_span_says_so(bench):
    job = told(bench, ("planner", {}), ("coder", {}))
    assert job.status == "completed"
    assert steps(bench, job) == [(1, "planner", "SUCCESS"), (2, "coder", "SUCCESS")]
    assert pipeline_of(bench, job).pipeline_status == "SUCCESS"
    marks, answer = shown(bench, job)
    assert marks == {f"{1:016x}": "SUCCESS", f"{2:016x}": "SUCCESS"}
    assert [step["span_id"] for step in answer["pipeline"]["steps"]] == list(marks)
    agents = [span for span in answer["spans"] if span["layer"] == "AGENT"]
    assert [span["attributes"]["evidence.step.status"] for span in agents] == ["SUCCESS", "SUCCESS"]
    ended = [event for event in answer["events"] if event["name"] == "step.completed"]
    assert [event["attributes"]["evidence.agent.name"] for event in ended] == ["planner", "coder"]
    assert [sample(bench, "step_duration_seconds_count", agent_name=name) for name in ("planner", "coder")] == [1, 1]
    assert dropped(bench) == {}


def test_without_agents_the_job_itself_is_the_step(bench):
    job = with_worker_trace(bench, lambda trace, parent: worker_span(trace, "a" * 16))
    span = spans_of(bench, job)["job"]
    assert shown(bench, job)[0] == {span.span_id: "SUCCESS"}
    assert span.attributes["evidence.step.status"] == "SUCCESS"


def test_a_step_is_shown_as_started_while_it_runs(bench):
    bench.engine.tell("Hold.", holds=True)
    job = bench.create("Hold.")
    bench.poll(bench.engine.running)
    bench.tracing.recorder.stored(60)
    found = bench.tracing.store.get(undashed(job.trace_id))
    answer = TraceOut.describe(found, found.head.pipelines[0])
    assert [str(span.step_status) for span in answer.spans if span.step_status] == ["STARTED"]
    bench.engine.release(job.id)
    bench.ended(job)


@pytest.mark.parametrize(
    ("first", "second", "status"),
    [({"status": ERROR}, {"status": ERROR}, "FAILED"), ({}, {"status": ERROR}, "PARTIAL"), ({}, {}, "SUCCESS")],
)
def test_n18_the_pipeline_ends_as_its_agents_did(bench, first, second, status):
    job = told(bench, ("planner", first), ("coder", second))
    found = pipeline_of(bench, job)
    assert (job.status, found.pipeline_status) == ("completed", status)
    assert (found.final_error or "").startswith("step " if status != "SUCCESS" else "")
    assert sample(bench, "pipeline_runs_total", intent_type="initial_project", status=status) == 1


def test_n18_an_error_that_says_block_is_a_failure_and_a_decision_blocks(bench):
    error = {"status": ERROR, "attributes": [text("error.type", "BLOCKED")]}
    decision = {"attributes": [text("evidence.decision", f"not with {CANARY}")]}
    job = told(bench, ("coder", error), ("reviewer", decision))
    assert steps(bench, job) == [(1, "coder", "FAIL"), (2, "reviewer", "BLOCKED")]
    found = pipeline_of(bench, job)
    assert (found.steps[0].decision, found.steps[1].decision) == (None, "not with [REDACTED]")
    assert found.final_error == "step 1 coder: FAIL: BLOCKED"


def test_o12_what_failed_was_partial_or_was_blocked_is_found_with_its_step_and_reason(bench):
    decision = {"attributes": [text("evidence.decision", "unsafe")]}
    failed = told(bench, ("planner", {"status": ERROR, "attributes": [text("error.type", "rate_limited")]}))
    partial = told(bench, ("planner", {}), ("coder", {"status": ERROR}))
    blocked = told(bench, ("planner", {}), ("reviewer", decision), ("coder", {}))
    for job in (failed, partial, blocked):
        trace_of(bench, job)
    found = {
        pipeline.pipeline_id: (status, pipeline.final_error)
        for status in ("FAILED", "PARTIAL")
        for head in bench.tracing.store.search(TraceQuery(10, status=PipelineStatus(status)))
        for pipeline in head.pipelines
    }
    assert found == {
        failed.id: ("FAILED", "step 1 planner: FAIL: rate_limited"),
        partial.id: ("PARTIAL", "step 2 coder: FAIL: it did not work"),
        blocked.id: ("PARTIAL", "step 2 reviewer: BLOCKED: unsafe"),
    }


def test_o17_the_counts_of_steps_and_pipelines_are_those_of_the_store(bench):
    for outcome in ({}, {"status": ERROR}):
        trace_of(bench, told(bench, ("planner", {}), ("coder", outcome)))
    trace_of(bench, bench.finished())
    pipelines = [pipeline for head in bench.tracing.store.get_all() for pipeline in head.pipelines]
    assert len(pipelines) == 3
    statuses = Counter(pipeline.pipeline_status for pipeline in pipelines)
    agents = Counter(step.agent_name for pipeline in pipelines for step in pipeline.steps)
    assert agents == {"planner": 2, "coder": 2, "template": 1}
    for status, number in statuses.items():
        assert sample(bench, "pipeline_runs_total", intent_type="initial_project", status=status) == number
    for name, number in agents.items():
        assert sample(bench, "step_duration_seconds_count", agent_name=name) == number


def test_agents_keep_their_ends_when_the_job_fails(bench):
    bench.engine.tell("Trace.", holds=True, exit_code=3)
    job = bench.create("Trace.")
    bench.poll(bench.engine.running)
    (bench.workspace(job) / ".codex/trace.jsonl").write_text(agent(undashed(job.trace_id), 1, "coder"))
    bench.engine.release(job.id)
    job = bench.ended(job)
    found = pipeline_of(bench, job)
    assert (job.failure_kind, steps(bench, job)) == ("crashed", [(1, "coder", "SUCCESS")])
    assert found.pipeline_status == "PARTIAL"
    assert found.final_error.startswith("crashed")


def test_an_agent_whose_end_was_never_seen_has_failed(bench):
    job = told(bench, ("coder", {"endTimeUnixNano": "0"}))
    assert steps(bench, job) == [(1, "coder", "FAIL")]


def test_a_worker_cannot_say_itself_that_a_span_is_a_step(bench):
    forged = [text("evidence.step.status", "SUCCESS"), text("evidence.step.number", "7")]
    job = with_worker_trace(bench, lambda trace, parent: worker_span(trace, "a" * 16, attributes=forged))
    [span] = [span for span in trace_of(bench, job).spans if span.service == "worker"]
    assert (span.attributes, span.dropped_counts) == ({}, {"attributes": 2})


def test_names_of_agents_do_not_fill_the_metrics(bench):
    job = told(bench, *((f"agent {number}", {}) for number in range(MOST_AGENTS + 5)))
    assert len(steps(bench, job)) == MOST_AGENTS + 5
    assert sample(bench, "step_duration_seconds_count", agent_name=OTHER_AGENT) == 5


def test_a_trace_that_is_read_twice_makes_no_step_twice(bench):
    job = told(bench, ("planner", {}), ("coder", {"status": ERROR}))
    before = trace_of(bench, job).head.pipelines[0].to_dict()
    bench.tracing.jobs.ingest(job, bench.attempt(job), bench.workspace(job))
    assert trace_of(bench, job).head.pipelines[0].to_dict() == before
