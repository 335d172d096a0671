"""Reading the trace of a bench's job, and the jobs whose worker leaves a trace of its own."""

import json

from backend.tracing.spans import undashed
from support.fake_launcher import PATIENCE_S


def trace_of(bench, job):
    """The trace of a job, when it is whole."""
    trace_id = undashed(job.trace_id)
    assert bench.tracing.jobs.whole(trace_id, PATIENCE_S)
    return bench.tracing.store.get(trace_id)


def spans_of(bench, job):
    return {span.place.name: span for span in trace_of(bench, job).spans}


def pipeline_of(bench, job):
    (found,) = trace_of(bench, job).head.pipelines
    return found


def dropped(bench):
    """Losses by stage, as the metrics tell them."""
    samples = next(m for m in bench.metrics.registry.collect() if m.name == "trace_dropped").samples
    return {sample.labels["stage"]: sample.value for sample in samples if sample.name.endswith("_total")}


def sample(bench, name, **labels):
    return bench.metrics.registry.get_sample_value(name, labels)


def worker_span(trace_id, span_id, **changes):
    span = {"traceId": trace_id, "spanId": span_id, "name": "step", "startTimeUnixNano": "1", "endTimeUnixNano": "2"}
    return json.dumps({"scopeSpans": [{"spans": [span | changes]}]}) + "\n"


def with_worker_trace(bench, make):
    """Run a job whose worker writes a trace; ``make`` gets trace id and parent and returns the bytes."""
    bench.engine.tell("Trace.", holds=True)
    job = bench.create("Trace.")
    bench.poll(bench.engine.running)
    parent = bench.attempt(job).span_id
    (bench.workspace(job) / ".codex/trace.jsonl").write_bytes(make(undashed(job.trace_id), parent).encode())
    bench.engine.release(job.id)
    return bench.ended(job)
