"""What a trace is worth when a process is killed, a recorder breaks, or nobody records."""

import pytest
from support.job_bench import CANARY
from support.job_traces import dropped, pipeline_of, sample, spans_of, trace_of, with_worker_trace, worker_span

from backend.tracing.spans import Status, undashed


def test_after_a_kill_the_trace_is_readable_and_goes_on(bench):
    bench.engine.tell("Hold.", holds=True)
    job = bench.create("Hold.")
    bench.poll(bench.engine.running)
    before = spans_of(bench, job)
    bench.kill()
    bench.set_up()
    bench.tracing.start()
    found = bench.tracing.store.get(undashed(job.trace_id))
    assert found.head.incomplete
    assert {span.place.name for span in found.spans if span.incomplete} >= {"job", "docker run"}
    assert sample(bench, "trace_incomplete_total") == 1
    bench.running = True
    bench.dispatcher.start()
    bench.engine.release(job.id)
    assert bench.ended(job).status == "completed"
    after = spans_of(bench, job)
    for name in ("job", "docker run"):
        assert (after[name].span_id, after[name].status, after[name].incomplete) == (
            *(before[name].span_id, Status.OK),
            False,
        )
    assert after["job"].parent_span_id == before["job"].parent_span_id
    assert pipeline_of(bench, job).pipeline_status == "SUCCESS"
    assert len(pipeline_of(bench, job).steps) == 1


def test_a_pipeline_whose_job_ended_without_it_is_ended_at_the_next_start(bench):
    bench.engine.tell("Hold.", holds=True)
    job = bench.create("Hold.")
    bench.poll(bench.engine.running)
    trace_of(bench, job)
    # The process dies after the job's end was recorded, and before its trace knows.
    bench.tracing.recorder._writer._closing = True
    bench.engine.release(job.id)
    bench.ended(job)
    bench.kill()
    bench.start_again()
    found = pipeline_of(bench, job)
    assert (found.pipeline_status, found.steps[0].status) == ("SUCCESS", "SUCCESS")


# trouble with recording


class BrokenError(Exception):
    """Something in the recorder broke."""


def broken(*args, **kwargs):
    raise BrokenError(CANARY)


STAGES = {
    "store": ("tracing.store", "store"),
    "event": ("tracing.recorder", "_event_numbers"),
    "flush": ("tracing.recorder._writer", "flush"),
    "ingest": ("tracing.recorder", "take"),
    "span": ("tracing.recorder", "_families"),
    "job": ("tracing.jobs", "_resume"),
    "pipeline": ("tracing.recorder", "_put"),
    "attribute": ("tracing.jobs.cleaner", "text"),
    "accepted": ("tracing.jobs", "_open"),
}


@pytest.mark.parametrize("stage", STAGES)
def test_a_recorder_that_breaks_leaves_the_job_as_it_is_and_is_counted(bench, monkeypatch, stage):
    plain = bench.finished()
    expected = {name: getattr(plain, name) for name in ("status", "failure_kind", "summary", "engine")}
    owner, name = STAGES[stage]
    part = bench
    for step in owner.split("."):
        part = getattr(part, step)
    if name == "take":
        monkeypatch.setattr("backend.tracing.job_traces.read_worker_spans", broken)
    elif hasattr(type(part), "__slots__"):
        monkeypatch.setattr(type(part), name, broken)
    else:
        monkeypatch.setattr(part, name, broken)
    job = with_worker_trace(bench, lambda trace, parent: worker_span(trace, "a" * 16))
    found = {name: getattr(job, name) for name in expected}
    assert found == expected | {"summary": "Done: Trace."}
    assert {**bench.result(job), "job_id": "", "project_id": ""}["status"] == "success"
    bench.poll(lambda: sum(dropped(bench).values()) > 0)


def test_without_recording_a_job_is_the_same(make_bench):
    bench = make_bench(trace_enabled=False)
    bench.start()
    job = bench.finished()
    assert (job.status, bench.tracing.store) == ("completed", None)
    assert bench.attempt(job).span_id is not None


def test_the_count_of_pipelines_is_that_of_the_store(bench):
    bench.engine.tell("Fail.", exit_code=3)
    jobs = [bench.finished(), bench.finished("Fail."), bench.finished("Fail.")]
    for job in jobs:
        trace_of(bench, job)
    ended = [p.pipeline_status for head in bench.tracing.store.get_all() for p in head.pipelines]
    for status in ("SUCCESS", "FAILED"):
        count = sample(bench, "pipeline_runs_total", intent_type="initial_project", status=status)
        assert count == ended.count(status)
