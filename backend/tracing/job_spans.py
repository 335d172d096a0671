"""The spans of a job: what they are called, where their ids come from, and which facts they carry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from backend.tracecontext import SpanContext, parse_traceparent
from backend.tracing.spans import Kind, Layer, Place
from worker.contract import FailureKind

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from backend.launchers.base import WorkerState
    from backend.models import Attempt, Job
    from backend.tracing.open_span import OpenSpan
    from backend.tracing.recorder import Recorder

JOB: Final = Place("job", Layer.APP, "dispatcher", "run_codex_job")
QUEUE_WAIT: Final = Place("queue wait", Layer.APP, "dispatcher", "queue_wait")


class WorkerTrace:
    """The span of a job's worker, and those of the calls to its launcher."""

    def __init__(self, recorder: Recorder, context: SpanContext, launcher: str) -> None:
        self._recorder, self._launcher = recorder, launcher
        self.context = context

    def call(self, operation: str) -> AbstractContextManager[OpenSpan]:
        """A span around one call to the launcher."""
        place = launcher_place(self._launcher, operation)
        return self._recorder.span(place, self.context)


def launcher_place(launcher: str, operation: str) -> Place:
    """What a call to a launcher is called, such as ``docker create``."""
    return Place(f"{launcher} {operation}", Layer.RUNNER, launcher, operation, kind=Kind.CLIENT)


def job_context(job: Job, caller_span_id: str | None) -> SpanContext:
    """The ids of a job's span; whoever goes on after a restart does not know its caller."""
    trace_id, span_id, flags = parse_traceparent(job.traceparent)
    return SpanContext(trace_id, span_id, flags, caller_span_id, job.tracestate, job.baggage)


def worker_context(job: Job, attempt: Attempt) -> SpanContext:
    """The ids of an attempt's worker; an attempt that was recorded before there were any works in its job's span."""
    above = job_context(job, None)
    if attempt.span_id is None:
        return above
    ids = {"trace_id": above.trace_id, "span_id": attempt.span_id, "parent_span_id": above.span_id}
    return SpanContext(**ids, flags=above.flags, tracestate=above.tracestate, baggage=above.baggage)


def note_state(span: OpenSpan, state: WorkerState) -> None:
    """Tell a worker's span what was seen of the worker; its status is that of the process (trace model §11)."""
    facts = {
        "container.id": state.container_id,
        "container.image.id": state.image_digest,
        "process.exit.code": state.exit_code,
        "evidence.oom_killed": state.oom_killed,
    }
    span.set({name: fact for name, fact in facts.items() if fact is not None})
    if state.exit_code == 0:
        span.succeed()
    elif state.exit_code is not None:
        span.fail(FailureKind.OOM if state.oom_killed else FailureKind.CRASHED)
