"""The traces of jobs: which spans a job has, when they begin and end, and its pipeline.

::

    HTTP request (SERVER)
    └── job (INTERNAL)                     from the answer to the caller to the recorded end
        ├── queue wait (INTERNAL)
        └── docker run (CLIENT)            its traceparent is the worker's
            ├── docker create, start, wait, collect, remove (CLIENT)
            └── the worker's own spans

Ids come from the job's row and its attempt's, so that a later process goes on with the spans that an earlier one left
open. Nothing here raises but what the block within one of its spans raises itself.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import structlog

from backend.launchers.base import LaunchRefusedError, WorkerState
from backend.tracing.agent_steps import agent_steps, marked
from backend.tracing.current import inside
from backend.tracing.job_pipelines import JobPipelines
from backend.tracing.job_spans import (
    JOB,
    QUEUE_WAIT,
    WorkerTrace,
    job_context,
    launcher_place,
    note_state,
    worker_context,
)
from backend.tracing.pipeline import Pipeline, PipelineStatus
from backend.tracing.recorder import Opening, guarded
from backend.tracing.stores import TraceQuery
from backend.tracing.triggers import trigger_of, without_secrets
from backend.tracing.worker_spans import Expected, read_worker_spans
from backend.workspace.writer import take_trace
from worker.contract import MAX_TRACE_BYTES, FailureKind, JobStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from backend.classification import Ending
    from backend.models import Attempt, Job
    from backend.tracecontext import SpanContext
    from backend.tracing.attributes import Cleaner
    from backend.tracing.job_pipelines import PipelineCounts
    from backend.tracing.open_span import OpenSpan
    from backend.tracing.recorder import Recorder
    from backend.tracing.stores import TraceStore
    from backend.workspace.writer import Taken

log = structlog.get_logger(__name__)

_MOST_LEFT: Final = 1000
STORED_S: Final = 1.0
"""How long the work of a job may wait for its first record to be stored; as a rule it is there already."""


OWN_ERROR: Final = "result_error"
"""The worker's own result says error."""


@dataclass(frozen=True, slots=True)
class JobEnding:
    """How a job ended.

    Attributes:
        summary: In words, free of secrets.
    """

    status: JobStatus
    failure_kind: FailureKind | None
    summary: str

    @property
    def error_type(self) -> str | None:
        """Why it did not succeed, in one word; ``None`` when it did."""
        return None if self.status is JobStatus.COMPLETED else self.failure_kind or OWN_ERROR


@dataclass(slots=True)
class _Story:
    """What is open of one job.

    Attributes:
        ending: Its end is being recorded, or its worker removed.
    """

    job: OpenSpan
    pipeline: Pipeline
    waiting: OpenSpan | None = None
    worker: OpenSpan | None = None
    ending: bool = False


@dataclass(slots=True)
class JobTraces:
    """The traces of all jobs of this process; safe from any thread.

    Attributes:
        store: Where the pipelines of an earlier process are found; ``None`` when nothing is kept.
    """

    recorder: Recorder
    counts: PipelineCounts
    cleaner: Cleaner
    store: TraceStore | None = None
    pipelines: JobPipelines = field(init=False)
    _stories: dict[str, _Story] = field(default_factory=dict)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def __post_init__(self) -> None:
        self.pipelines = JobPipelines(self.recorder, self.counts, self.cleaner)

    def lose(self, stage: str, trace_id: str | None = None, number: int = 1) -> None:
        """Count what could not be recorded."""
        self.recorder.lose(stage, trace_id, number)

    # a job's way

    def baggage_of(self, caller: SpanContext) -> str | None:
        """What of the caller's baggage goes on with a job."""
        return without_secrets(caller.baggage, self.cleaner)

    @guarded("job")
    def accepted(self, job: Job, caller: SpanContext) -> None:
        """A job was queued by a request; its first records are on their way to the store."""
        with self._changed:
            if (known := self._stories.get(job.id)) is not None:
                # Its thread was faster than the answer to its caller.
                known.job.adopt(caller.span_id)
                return
            story = self._stories[job.id] = self._open(job, caller.span_id)
        self.pipelines.started(story.job, story.pipeline)

    @guarded("job")
    def resume(self, jobs: Iterable[Job]) -> None:
        """Go on with jobs that an earlier process left unfinished."""
        for job in jobs:
            self._resume(job)

    def _resume(self, job: Job) -> _Story:
        with self._changed:
            if (known := self._stories.get(job.id)) is not None:
                return known
            story = self._stories[job.id] = self._open(job, None)
        kept = self.store.pipeline(job.id) if self.store is not None else None
        if kept is None:
            self.pipelines.started(story.job, story.pipeline)
        else:
            story.pipeline = kept
        return story

    def left_running(self) -> set[str]:
        """Ids of the jobs whose pipelines were running when their process ended."""
        try:
            query = TraceQuery(_MOST_LEFT, status=PipelineStatus.RUNNING)
            heads = self.store.search(query) if self.store is not None else ()
            found = [pipeline for head in heads for pipeline in head.pipelines if not pipeline.has_ended]
            return {pipeline.pipeline_id for pipeline in found}
        except Exception as error:  # noqa: BLE001  # as in `guarded`
            self.lose("store")
            log.debug("trace.fault", stage="store", error=type(error).__name__)
            return set()

    @guarded("job")
    def settle(self, ended: Iterable[Job], deleted: Iterable[str]) -> None:
        """End pipelines whose jobs ended, or were deleted, while nobody recorded it."""
        for job in ended:
            kind = FailureKind(job.failure_kind) if job.failure_kind else None
            self.ended(job, JobEnding(JobStatus(job.status), kind, job.summary))
            self.forget(job.id)
        for job_id in deleted:
            kept = self.store.pipeline(job_id) if self.store is not None else None
            if kept is not None and kept.complete(final_error="the job was deleted", stopped=PipelineStatus.CANCELLED):
                self.pipelines.abandoned(kept)

    def _open(self, job: Job, caller_span_id: str | None) -> _Story:
        context = job_context(job, caller_span_id)
        fresh = caller_span_id is not None
        attributes = {
            "evidence.job.id": job.id,
            "evidence.project.id": job.project_id,
            "evidence.job.type": job.job_type,
            "evidence.job.engine": job.engine,
        }
        start_ns = None if fresh else int(job.created_at.timestamp() * 1e9)
        span = self.recorder.open(JOB, opening=Opening(attributes, context=context, start_ns=start_ns))
        trigger = trigger_of(job.baggage, job.job_type, self.cleaner)
        plan = f"{job.engine}: {job.job_type}"
        story = _Story(span, Pipeline(job.id, context.trace_id, trigger, plan))
        if fresh:
            story.waiting = self.recorder.open(QUEUE_WAIT, context)
        return story

    def inside(self, job_id: str) -> AbstractContextManager[None]:
        """Work in the job's span within the block."""
        story = self._stories.get(job_id)
        return inside(None if story is None else story.job.context)

    @guarded("job")
    def taken_up(self, job: Job) -> None:
        """A job's work begins; its first record is stored before, unless the store takes its time."""
        story = self._resume(job)
        if story.waiting is not None:
            story.waiting.succeed()
            story.waiting.end()
        if not story.pipeline.steps:
            # It stands for all that is going to be done; agents that the worker tells of later take its place.
            story.pipeline.add_step(job.engine, job.job_type, span_id=story.job.context.span_id)
        self.recorder.pipeline(story.pipeline)
        self.recorder.stored(STORED_S)

    @contextmanager
    def worker(self, job: Job, attempt: Attempt) -> Iterator[WorkerTrace]:
        """The span of an attempt's worker; after an exception it stays open, because the attempt is gone on with."""
        context = worker_context(job, attempt)
        trace = WorkerTrace(self.recorder, context, attempt.launcher)
        self._open_worker(job, attempt, context)
        with inside(context):
            yield trace

    @guarded("job")
    def _open_worker(self, job: Job, attempt: Attempt, context: SpanContext) -> None:
        attributes = {"evidence.attempt": attempt.number, "evidence.launcher": attempt.launcher}
        place = launcher_place(attempt.launcher, "run")
        story = self._resume(job)
        story.worker = self.recorder.open(place, opening=Opening(attributes, context=context))

    @guarded("ingest")
    def ingest(self, job: Job, attempt: Attempt, workspace: Path) -> None:
        """Take over the spans that a worker left, once it has ended; what cannot be is counted."""
        context = worker_context(job, attempt)
        if not self.recorder.on or (left := self._left(workspace, context.trace_id)) is None:
            return
        worker = self._resume(job).worker
        expected = Expected(
            trace_id=context.trace_id,
            parent_span_id=context.span_id,
            begun_ns=int(job.created_at.timestamp() * 1e9) if worker is None else worker.start_ns,
            ended_ns=time.time_ns(),
            complete=left.complete,
        )
        found = read_worker_spans(left.data, expected, self.cleaner)
        agents = agent_steps(found.spans)
        self.recorder.take(marked(found.spans, agents.steps))
        story = self._resume(job)
        self.pipelines.take_agents(story.job, story.pipeline, agents)
        if lost := sum(found.dropped.values()):
            self.lose("ingest", context.trace_id, lost)
            log.warning("trace.worker_spans_refused", job_id=job.id, **found.dropped)
        if found.incomplete:
            self.counts.trace_incomplete()

    def _left(self, workspace: Path, trace_id: str) -> Taken | None:
        """What lies where a worker leaves its trace; something that is no file of it is a loss of that trace."""
        try:
            return take_trace(workspace, MAX_TRACE_BYTES)
        except OSError as error:
            self.lose("ingest", trace_id)
            log.warning("trace.worker_file_refused", error=type(error).__name__)
            return None

    @guarded("job")
    def worker_ended(self, job: Job, ending: Ending, interruptions: int) -> None:
        """The facts about a worker are known."""
        span = self._resume(job).worker
        if span is None:
            return
        span.set({"evidence.interruptions": interruptions})
        if isinstance(ending, WorkerState):
            note_state(span, ending)
        elif isinstance(ending, LaunchRefusedError):
            span.set({"evidence.reference": ending.reference})
            span.fail(FailureKind.LAUNCH_FAILED)
        else:
            span.fail(FailureKind.LOST)
        span.end()

    @guarded("job")
    def ending(self, job_id: str) -> None:
        """The end of a job is about to be recorded: who reads its trace from now on waits until it is whole."""
        if (story := self._stories.get(job_id)) is not None:
            story.ending = True

    @guarded("job")
    def ended(self, job: Job, ending: JobEnding) -> None:
        """The end of a job was recorded; said again, it changes nothing."""
        story = self._resume(job)
        if story.job.has_ended:
            return
        if story.waiting is not None:
            story.waiting.end()
        self.pipelines.ended(story.job, story.pipeline, ending)
        story.job.set({"evidence.job.status": ending.status, "evidence.failure_kind": ending.failure_kind})
        if ending.error_type is None:
            story.job.succeed()
        else:
            story.job.fail(ending.error_type)
        story.job.end()

    @contextmanager
    def removing(self, job_id: str, launcher: str) -> Iterator[None]:
        """The span of a worker's removal; the trace of its job is whole behind it."""
        story = self._stories.get(job_id)
        above = None if story is None or story.worker is None else story.worker.context
        try:
            if above is None:
                yield
            else:
                with WorkerTrace(self.recorder, above, launcher).call("remove"):
                    yield
        finally:
            self.forget(job_id)

    @guarded("job")
    def forget(self, job_id: str) -> None:
        """Nothing more is going to happen to a job."""
        with self._changed:
            self._stories.pop(job_id, None)
            self._changed.notify_all()

    def whole(self, trace_id: str, timeout_s: float) -> bool:
        """Wait until the traces of jobs that have ended are whole, and stored; ``False`` when that takes too long."""
        give_up = time.monotonic() + timeout_s
        with self._changed:
            came = self._changed.wait_for(lambda: not self._is_ending(trace_id), timeout_s)
        return self.recorder.stored(max(0.0, give_up - time.monotonic())) and came

    def _is_ending(self, trace_id: str) -> bool:
        return any(story.ending and story.job.context.trace_id == trace_id for story in self._stories.values())
