"""Records made up for tests."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from backend.tracecontext import new_span_id, new_trace_id
from backend.tracing.pipeline import Pipeline, Source, StepEnd, StepStatus, Trigger
from backend.tracing.records import DbWrite, Fingerprint, Op, Outcome, RowsSource
from backend.tracing.spans import EventRecord, Kind, Layer, Place, Span, Status

SECOND = 1_000_000_000
BEGIN = 1_763_140_445 * SECOND
PLACE = Place("docker run", Layer.RUNNER, "docker", "run", "job", Kind.CLIENT)
_numbers = itertools.count(1)


def span(trace_id=None, **changes):
    """An open span."""
    values = {"parent_span_id": None, "place": PLACE, "start_ns": BEGIN, "instance": "ours:1"} | changes
    return Span(trace_id=trace_id or new_trace_id(), span_id=values.pop("span_id", None) or new_span_id(), **values)


def ended(open_span, **changes):
    return replace(open_span, end_ns=BEGIN + SECOND, duration_ns=SECOND, status=Status.OK, **changes)


def event(trace_id, **changes):
    values = {"name": "job.started", "time_ns": BEGIN, "seq": next(_numbers), "instance": "ours:1"} | changes
    return EventRecord(trace_id=trace_id, span_id=values.pop("span_id", "a" * 16), **values)


def write(trace_id, **changes):
    number = next(_numbers)
    values = {
        "span_id": "a" * 16,
        "system": "sqlite",
        "txn_id": "b" * 16,
        "stmt_seq": number,
        "fingerprint": Fingerprint(1, "c" * 64),
        "outcome": Outcome.COMMITTED,
        "error_type": None,
        "sqlstate": "23505",
        "started_ns": BEGIN + number,
        "duration_ns": 7,
        "op": Op.INSERT,
        "tables": ("jobs", "attempts"),
        "batch_size": 3,
        "rows": 3,
        "rows_source": RowsSource.CURSOR,
    }
    return DbWrite(trace_id=trace_id, **values | changes)


def pipeline(trace_id, *, intent="edit", source=Source.API, start_s=0, pipeline_id=None):
    return Pipeline(
        pipeline_id=pipeline_id or f"job-{next(_numbers)}",
        trace_id=trace_id,
        trigger=Trigger(source, intent),
        execution_plan_summary="template: edit",
        started_at=datetime.fromtimestamp(BEGIN // SECOND + start_s, UTC),
    )


def completed(running, *, status=StepStatus.SUCCESS, after_s=None, **how):
    """The pipeline with one step of that status, and its end."""
    running.update_step(running.add_step("template", "edit"), StepEnd(status))
    running.complete(**how)
    if after_s is not None:
        running.completed_at = running.started_at + timedelta(seconds=after_s)
    return running
