"""The pipelines of jobs: how they begin, how their steps and they themselves end; stored, counted and logged each time.

A pipeline begins with one step, which stands for all that its worker is going to do. Where the worker tells of agents,
each of them is a step in its place.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

import structlog

from backend.tracing.agent_steps import STEP_NUMBER, STEP_STATUS
from backend.tracing.current import inside
from backend.tracing.pipeline import PipelineStatus, StepEnd, StepStatus
from worker.contract import FailureKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from backend.tracing.agent_steps import AgentSteps
    from backend.tracing.attributes import Cleaner
    from backend.tracing.job_traces import JobEnding
    from backend.tracing.open_span import OpenSpan
    from backend.tracing.pipeline import Pipeline, Step
    from backend.tracing.recorder import Recorder

log = structlog.get_logger(__name__)

MOST_AGENTS: Final = 50
"""Names under which steps are counted."""
OTHER_AGENT: Final = "_OTHER"

_STOPPED: Final = {
    FailureKind.CANCELLED: PipelineStatus.CANCELLED,
    FailureKind.TIMEOUT: PipelineStatus.TIMED_OUT,
}

_ATTRIBUTES: Final = {
    "intent_type": "evidence.intent_type",
    "trigger_source": "evidence.trigger.source",
    "step_number": STEP_NUMBER,
    "agent_name": "evidence.agent.name",
}


class PipelineCounts(Protocol):
    """Where the ends of pipelines and steps are counted."""

    def pipeline_ended(self, intent_type: str, status: str) -> None:
        """Count one pipeline."""

    def step_ended(self, agent_name: str, *, duration_s: float, trace_id: str) -> None:
        """Count one step."""

    def trace_incomplete(self, number: int = 1) -> None:
        """Count traces with a span whose end was never seen."""


@dataclass(slots=True)
class JobPipelines:
    """Moves pipelines on; each is used by one thread at a time."""

    recorder: Recorder
    counts: PipelineCounts
    cleaner: Cleaner
    _agents: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def started(self, job: OpenSpan, pipeline: Pipeline) -> None:
        """A pipeline runs."""
        self.recorder.pipeline(pipeline)
        trigger = pipeline.trigger
        facts = {"intent_type": trigger.intent_type, "trigger_source": trigger.source.value}
        self._tell(job, "pipeline.started", facts)

    def take_agents(self, job: OpenSpan, pipeline: Pipeline, agents: AgentSteps) -> None:
        """Agents have worked, and it is known how they ended."""
        if agents.left_out:
            self.recorder.lose("step", job.context.trace_id, agents.left_out)
        if pipeline.take_agents(agents.steps):
            self.recorder.pipeline(pipeline)
            for step in pipeline.steps:
                self._step_ended(job, step)

    def ended(self, job: OpenSpan, pipeline: Pipeline, ending: JobEnding) -> None:
        """The job has ended, and with it whatever step still runs."""
        error = None if ending.error_type is None else self.cleaner.text(f"{ending.error_type}: {ending.summary}")
        status, summary = StepStatus.FAIL if error else StepStatus.SUCCESS, self.cleaner.text(ending.summary)
        for number in range(1, len(pipeline.steps) + 1):
            if pipeline.update_step(number, StepEnd(status, error_message=error, output_summary=summary)):
                self._step_ended(job, pipeline.steps[number - 1])
        stopped = _STOPPED.get(ending.failure_kind) if ending.failure_kind else None
        if not pipeline.complete(final_error=error or pipeline.trouble, stopped=stopped):
            return
        self.abandoned(pipeline)
        self._tell(job, "pipeline.completed", {"status": pipeline.pipeline_status.value})

    def abandoned(self, pipeline: Pipeline) -> None:
        """A pipeline has ended, and nobody is there to tell of its job."""
        self.recorder.pipeline(pipeline)
        self.counts.pipeline_ended(pipeline.trigger.intent_type, pipeline.pipeline_status)

    def _step_ended(self, job: OpenSpan, step: Step) -> None:
        if step.span_id == job.context.span_id:
            job.set({STEP_STATUS: step.status, STEP_NUMBER: step.step_number})
        trace_id = job.context.correlation_id
        self.counts.step_ended(self._counted(step), duration_s=step.duration_s or 0.0, trace_id=trace_id)
        facts = {"step_number": step.step_number, "agent_name": step.agent_name, "status": step.status.value}
        self._tell(job, "step.completed", facts)

    def _counted(self, step: Step) -> str:
        """The name under which a step is counted: whatever workers call their agents, there are not many."""
        with self._lock:
            if len(self._agents) < MOST_AGENTS:
                self._agents.add(step.agent_name)
            return step.agent_name if step.agent_name in self._agents else OTHER_AGENT

    def _tell(self, job: OpenSpan, name: str, facts: Mapping[str, object]) -> None:
        status = f"evidence.{name.partition('.')[0]}.status"
        attributes = {_ATTRIBUTES.get(fact, status): value for fact, value in facts.items()}
        self.recorder.event(name, attributes, job.context)
        with inside(job.context):
            log.info(name, **facts)
