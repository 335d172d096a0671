"""The trace of a job, and that recording it never changes what becomes of the job (N15, N16; O01, O03 to O05, O16)."""

import json
import os

import pytest
from support.fake_worker import document
from support.job_bench import CANARY
from support.job_traces import dropped, pipeline_of, sample, spans_of, trace_of, with_worker_trace, worker_span

from backend.launchers.base import LaunchRefusedError
from backend.service import Submission
from backend.tracecontext import new_context
from backend.tracing.pipeline import PipelineStatus
from backend.tracing.spans import Kind, Layer, Status, undashed
from backend.tracing.stores import TraceQuery
from worker.contract import JobType

TREE = {
    "job": None,
    "queue wait": "job",
    "docker run": "job",
    "docker create": "docker run",
    "docker start": "docker run",
    "docker wait": "docker run",
    "docker collect": "docker run",
    "docker remove": "docker run",
}


def test_a_job_has_its_spans_and_each_its_parent(bench):
    caller = new_context()
    submission = Submission(JobType.INITIAL_PROJECT, "Make a program.", caller, None)
    job = bench.ended(bench.service.create_project(submission).latest)
    found = trace_of(bench, job)
    names = {span.span_id: span.place.name for span in found.spans}
    assert {span.place.name: names.get(span.parent_span_id) for span in found.spans} == TREE
    spans = spans_of(bench, job)
    assert spans["job"].parent_span_id == caller.span_id
    assert all(span.end_ns is not None for span in found.spans)
    assert {span.status for span in found.spans if span.place.name in {"job", "queue wait", "docker run"}} == {
        Status.OK
    }
    assert (spans["job"].place.layer, spans["docker run"].place.layer) == (Layer.APP, Layer.RUNNER)
    assert spans["docker create"].place.kind is Kind.CLIENT
    assert [spans[name].ordinal for name in TREE if TREE[name] == "docker run"] == [0, 1, 2, 3, 4]
    assert dropped(bench) == {}


def test_the_worker_continues_the_span_of_its_container(bench):
    bench.engine.tell("Wait.", holds=True)
    job = bench.create("Wait.")
    bench.engine.wait_launched(job.id)
    environment = bench.engine.worker(job.id).spec.environment
    bench.engine.release(job.id)
    bench.ended(job)
    spans = spans_of(bench, job)
    request = json.loads((bench.workspace(job) / ".codex/request.json").read_text())
    assert request["trace"]["traceparent"] == f"00-{undashed(job.trace_id)}-{spans['docker run'].span_id}-03"
    assert environment["TRACEPARENT"] == request["trace"]["traceparent"]
    assert bench.attempt(job).span_id == spans["docker run"].span_id


def test_the_containers_facts_are_those_that_were_inspected(bench):
    job = bench.finished()
    run = spans_of(bench, job)["docker run"]
    attempt = bench.attempt(job)
    assert run.attributes["container.id"] == attempt.container_id
    assert run.attributes["container.image.id"] == attempt.image_digest
    assert (run.attributes["process.exit.code"], run.attributes["evidence.attempt"]) == (0, 1)


def test_a_job_is_one_pipeline_with_one_step(bench):
    job = bench.finished()
    found = pipeline_of(bench, job)
    assert (found.pipeline_id, found.pipeline_status, found.final_error) == (job.id, "SUCCESS", None)
    assert (found.trigger.source, found.trigger.intent_type) == ("api", "initial_project")
    assert found.execution_plan_summary == "template: initial_project"
    (step,) = found.steps
    assert (step.step_number, step.agent_name, step.status, step.success) == (1, "template", "SUCCESS", True)
    assert step.output_summary == job.summary
    assert step.started_at <= step.completed_at <= found.completed_at
    assert sample(bench, "pipeline_runs_total", intent_type="initial_project", status="SUCCESS") == 1
    assert sample(bench, "step_duration_seconds_count", agent_name="template") == 1


def structure(bench, job):
    """A trace without its ids and times."""
    found = trace_of(bench, job)
    names = {span.span_id: span.place.name for span in found.spans}
    spans = [
        (span.place, names.get(span.parent_span_id), span.ordinal, span.status, sorted(span.attributes))
        for span in found.spans
    ]
    writes = [(w.op, w.tables, w.rows, w.fingerprint, w.outcome, names.get(w.span_id)) for w in found.db_writes]
    steps = [(step.agent_name, step.status) for step in pipeline_of(bench, job).steps]
    return sorted(map(repr, spans)), sorted(map(repr, writes)), [event.name for event in found.events], steps


def test_o11_the_same_job_twice_has_the_same_structure(bench):
    first, second = bench.finished(), bench.finished()
    assert structure(bench, first) == structure(bench, second)
    assert len(structure(bench, first)[0]) == len(TREE)


def test_what_set_a_job_off_is_never_lost(bench):
    caller = new_context()
    object.__setattr__(caller, "baggage", "evidence.trigger.source=jira_webhook,evidence.issue_key=AB%2D7;p=1,x")
    job = bench.ended(
        bench.service.create_project(Submission(JobType.INITIAL_PROJECT, "Make it.", caller, None)).latest
    )
    trigger = pipeline_of(bench, job).trigger
    assert (trigger.source, trigger.issue_key, trigger.issue_status) == ("jira_webhook", "AB-7", None)


@pytest.mark.parametrize(
    ("behaviour", "status", "error_type"),
    [
        ({"exit_code": 3}, "FAILED", "crashed"),
        ({"exit_code": 137, "oom_killed": True}, "FAILED", "oom"),
        ({"leaves": None}, "FAILED", "result_missing"),
        ({"leaves": lambda request: document(request, status="error", errors=["BLOCK"])}, "FAILED", "result_error"),
    ],
)
def test_a_job_that_fails_is_a_pipeline_that_failed_and_says_why(bench, behaviour, status, error_type):
    bench.engine.tell("Fail.", **behaviour)
    job = bench.finished("Fail.")
    found, spans = pipeline_of(bench, job), spans_of(bench, job)
    assert (found.pipeline_status, found.steps[0].status, found.steps[0].success) == (status, "FAIL", False)
    assert found.final_error == found.steps[0].error_message
    assert found.final_error.startswith(error_type)
    assert (spans["job"].status, spans["job"].error_type) == (Status.ERROR, error_type)
    crashed = behaviour.get("exit_code")
    assert (spans["docker run"].status is Status.ERROR) == bool(crashed)
    failed = bench.tracing.store.search(TraceQuery(10, status=PipelineStatus.FAILED))
    assert [head.trace_id for head in failed] == [undashed(job.trace_id)]


def test_a_launch_that_is_refused_is_told_in_its_span(bench):
    bench.engine.refuse("launch", LaunchRefusedError("image-missing", "there is no such image"))
    spans = spans_of(bench, bench.finished())
    assert (spans["docker run"].error_type, spans["docker run"].attributes["evidence.reference"]) == (
        "launch_failed",
        "image-missing",
    )
    assert (spans["docker start"].status, spans["docker start"].error_type) == (Status.ERROR, "LaunchRefusedError")


def test_a_cancelled_and_an_overdue_job_are_told_apart(bench):
    for instruction in ("Wait one.", "Wait two."):
        bench.engine.tell(instruction, holds=True)
    first, second = bench.create("Wait one."), bench.create("Wait two.")
    bench.poll(lambda: len(bench.engine.running()) == 2)
    bench.service.cancel_job(first.project_id, first.id)
    bench.expire(second)
    assert pipeline_of(bench, bench.ended(first)).pipeline_status == "CANCELLED"
    assert pipeline_of(bench, bench.ended(second)).pipeline_status == "TIMED_OUT"


def test_every_write_of_a_job_is_in_its_trace_whatever_thread_makes_it(bench):
    bench.engine.tell("Wait.", holds=True)
    job = bench.create("Wait.")
    bench.engine.wait_launched(job.id)
    bench.service.cancel_job(job.project_id, job.id)
    bench.ended(job)
    found = trace_of(bench, job)
    names = {span.span_id: span.place.name for span in found.spans}
    written = [(names.get(write.span_id), write.op, *write.tables) for write in found.db_writes]
    # The bench submits and cancels outside of any request, so only what the job's own threads write is here.
    assert sorted(written) == [
        ("docker run", "UPDATE", "attempts"),
        ("job", "INSERT", "attempts"),
        ("job", "UPDATE", "attempts"),
        ("job", "UPDATE", "attempts"),
        ("job", "UPDATE", "jobs"),
        ("job", "UPDATE", "jobs"),
    ]
    assert {write.outcome for write in found.db_writes} == {"committed"}
    assert found.head.capture.active


def test_a_trace_says_when_nobody_watched_the_database(make_bench):
    bench = make_bench()
    bench.capture.uninstall()
    bench.start()
    found = trace_of(bench, bench.finished())
    assert (found.db_writes, found.head.capture.active, found.head.capture.hooks) == ((), False, ())
    assert sample(bench, "capture_active", hook="before_cursor_execute") == 0


def test_a_job_that_is_cancelled_while_it_waits_ends_its_trace(make_bench):
    bench = make_bench()
    job = bench.create()
    bench.service.cancel_job(job.project_id, job.id)
    bench.tracing.start()
    spans = spans_of(bench, job)
    assert set(spans) == {"job", "queue wait"}
    assert all(span.end_ns for span in spans.values())
    found = pipeline_of(bench, job)
    assert (found.pipeline_status, found.steps, found.execution_plan_summary) == (
        *("CANCELLED", ()),
        "template: initial_project",
    )


def test_a_running_job_is_seen_running_before_its_work_begins(bench):
    with bench.engine.hold("prepare"):
        job = bench.create()
        bench.poll(lambda: "prepare" in bench.engine.calls)
        # No waiting for the writer: it was stored before the engine was asked for anything.
        found = bench.tracing.store.get(undashed(job.trace_id))
        assert found.head.pipelines[0].pipeline_status == "RUNNING"
        assert found.head.pipelines[0].steps[0].status == "STARTED"
        assert next(span for span in found.spans if span.place.name == "job").end_ns is None
    bench.ended(job)


def test_log_lines_name_the_span_and_the_pipelines_events_are_logged(bench, logged):
    job = bench.finished()
    trace_of(bench, job)
    told = {line["event"]: line for line in logged if line["event"].startswith(("pipeline.", "step."))}
    assert list(told) == ["pipeline.started", "step.completed", "pipeline.completed"]
    assert {line["trace_id"] for line in told.values()} == {job.trace_id}
    assert (told["pipeline.started"]["intent_type"], told["pipeline.started"]["trigger_source"]) == (
        *("initial_project",),
        "api",
    )
    step = told["step.completed"]
    assert (step["step_number"], step["agent_name"], step["status"]) == (1, "template", "SUCCESS")
    assert told["pipeline.completed"]["status"] == "SUCCESS"
    started = next(line for line in logged if line["event"] == "job.started")
    assert (started["trace_id"], started["trace_flags"]) == (job.trace_id, "03")
    assert len(started["span_id"]) == 16
    assert [event.name for event in trace_of(bench, job).events] == list(told)


def test_the_workers_spans_are_taken_over_below_the_containers(bench):
    job = with_worker_trace(
        bench,
        lambda trace, parent: worker_span(trace, "a" * 16, parentSpanId=parent) + worker_span(trace, "b" * 16),
    )
    spans = {span.span_id: span for span in trace_of(bench, job).spans}
    run = spans_of(bench, job)["docker run"].span_id
    assert [spans[name * 16].parent_span_id for name in "ab"] == [run, run]
    assert spans["a" * 16].service == "worker"
    assert dropped(bench) == {}


def test_what_a_worker_must_not_say_is_refused_and_counted(bench):
    job = with_worker_trace(
        bench,
        lambda trace, parent: (
            worker_span("f" * 32, "a" * 16)
            + worker_span(trace, parent, name="forged")
            + worker_span(trace, "b" * 16, name=CANARY, endTimeUnixNano="0")
            + "no json\n"
        ),
    )
    found = trace_of(bench, job)
    assert job.status == "completed"
    assert CANARY not in repr(found)
    assert [span.incomplete for span in found.spans if span.service == "worker"] == [True]
    assert "forged" not in repr(found)
    assert dropped(bench) == {"ingest": 3}
    assert (found.head.dropped, found.head.incomplete) == ({"ingest": 3}, True)
    assert sample(bench, "trace_incomplete_total") == 1


@pytest.mark.parametrize("kind", ["directory", "link", "fifo"])
def test_a_trace_that_is_no_file_is_counted(bench, kind, tmp_path):
    bench.engine.tell("Trace.", holds=True)
    job = bench.create("Trace.")
    bench.poll(bench.engine.running)
    path = bench.workspace(job) / ".codex/trace.jsonl"
    secret = tmp_path / "outside"
    secret.write_text(worker_span(undashed(job.trace_id), "a" * 16))
    if kind == "directory":
        path.mkdir()
    elif kind == "link":
        path.symlink_to(secret)
    else:
        os.mkfifo(path)
    bench.engine.release(job.id)
    assert bench.ended(job).status == "completed"
    found = trace_of(bench, job)
    assert "worker" not in {span.service for span in found.spans}
    assert dropped(bench) == found.head.dropped == {"ingest": 1}


def test_the_trace_of_an_earlier_job_is_not_taken_for_this_ones(bench):
    first = with_worker_trace(bench, lambda trace, parent: worker_span(trace, "a" * 16))
    second = bench.ended(bench.edit(first.project_id))
    assert "worker" not in {span.service for span in trace_of(bench, second).spans}
    assert dropped(bench) == {}


# restarts
