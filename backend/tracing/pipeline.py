"""The pipeline view of a trace (trace model §8.3): what set it off, its steps in order, and how it ended.

Step: STARTED → SUCCESS | FAIL | BLOCKED. Pipeline: RUNNING → SUCCESS | PARTIAL | FAILED | CANCELLED | TIMED_OUT. An end
is final: a move that is not legal is refused, answered with ``False``, and changes nothing. BLOCKED is a decision that
a step states in a field of its own; texts are never searched for it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from backend.lifecycle import now, rfc3339

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

MAX_TEXT_CHARS: Final = 500
"""Of an error message or output summary."""


class StepStatus(StrEnum):
    """Where a step stands."""

    STARTED = "STARTED"
    SUCCESS = "SUCCESS"
    FAIL = "FAIL"
    BLOCKED = "BLOCKED"


class PipelineStatus(StrEnum):
    """Where a pipeline stands; every word but RUNNING is final."""

    RUNNING = "RUNNING"
    SUCCESS = "SUCCESS"
    PARTIAL = "PARTIAL"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    TIMED_OUT = "TIMED_OUT"


class Source(StrEnum):
    """What may set off a pipeline."""

    MANUAL = "manual"
    SCHEDULED = "scheduled"
    JIRA_WEBHOOK = "jira_webhook"
    CI = "ci"
    API = "api"
    UNKNOWN = "unknown"


_MARKS: Final = {
    StepStatus.STARTED: "…",
    StepStatus.SUCCESS: "✓",
    StepStatus.FAIL: "✗",
    StepStatus.BLOCKED: "■",
}


@dataclass(frozen=True, slots=True)
class Trigger:
    """What set a pipeline off.

    Attributes:
        intent_type: The ladder, or the type of the job.
        issue_key: Of the ticket that asked for it, if one did.
        timestamp: Aware; set by itself.
    """

    source: Source
    intent_type: str
    issue_key: str | None = None
    issue_status: str | None = None
    timestamp: datetime = field(default_factory=now)


@dataclass(frozen=True, slots=True)
class Step:
    """One step.

    Attributes:
        decision: Why a BLOCKED one stopped the pipeline.
        span_id: The span that is this step; ``None`` in records of earlier versions.
    """

    step_number: int
    agent_name: str
    agent_task: str
    status: StepStatus
    started_at: datetime
    completed_at: datetime | None = None
    success: bool | None = None
    error_message: str | None = None
    output_summary: str | None = None
    decision: str | None = None
    span_id: str | None = None

    @property
    def duration_s(self) -> float | None:
        """How long it took; ``None`` while it runs."""
        return None if self.completed_at is None else (self.completed_at - self.started_at).total_seconds()


@dataclass(frozen=True, slots=True)
class StepEnd:
    """How a step ended; texts are already free of secrets.

    Attributes:
        decision: Required of a BLOCKED step, and of no other.
        completed_at: When it ended, if not now.
    """

    status: StepStatus
    error_message: str | None = None
    output_summary: str | None = None
    decision: str | None = None
    completed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AgentStep:
    """An agent that has worked within a job, and how that ended."""

    span_id: str
    agent_name: str
    agent_task: str
    started_at: datetime
    end: StepEnd


@dataclass(slots=True)
class Pipeline:
    """One pipeline; its steps only ever grow in number and move on.

    Attributes:
        pipeline_id: The job's id.
        execution_plan_summary: All planned steps joined by →, also of those that are never reached.
    """

    pipeline_id: str
    trace_id: str
    trigger: Trigger
    execution_plan_summary: str
    pipeline_status: PipelineStatus = PipelineStatus.RUNNING
    started_at: datetime = field(default_factory=now)
    completed_at: datetime | None = None
    steps: tuple[Step, ...] = ()
    final_error: str | None = None

    @property
    def has_ended(self) -> bool:
        """Whether nothing can change any more."""
        return self.pipeline_status is not PipelineStatus.RUNNING

    @property
    def start_ns(self) -> int:
        """Its start as spans count time."""
        return _nanoseconds(self.started_at)

    @property
    def end_ns(self) -> int | None:
        """Its end; ``None`` while it runs."""
        return None if self.completed_at is None else _nanoseconds(self.completed_at)

    def add_step(
        self, agent_name: str, agent_task: str, *, span_id: str | None = None, started_at: datetime | None = None
    ) -> int | None:
        """Begin the next step, now or when it did; returns its number, or ``None`` when the pipeline has ended."""
        if self.has_ended:
            return None
        number, begun = len(self.steps) + 1, started_at or now()
        step = Step(number, agent_name, agent_task, StepStatus.STARTED, begun, span_id=span_id)
        self.steps = (*self.steps, step)
        return step.step_number

    def take_agents(self, agents: Sequence[AgentStep]) -> bool:
        """Let agents be the steps, in place of the one running step that stood for all of them.

        ``False`` when there are none, or when there is no such step: then nothing changes.
        """
        if not agents or self.has_ended or [step.status for step in self.steps] != [StepStatus.STARTED]:
            return False
        self.steps = ()
        for number, agent in enumerate(agents, 1):
            self.add_step(agent.agent_name, agent.agent_task, span_id=agent.span_id, started_at=agent.started_at)
            self.update_step(number, agent.end)
        return True

    def update_step(self, step_number: int, end: StepEnd) -> bool:
        """End a step that has started; ``False`` when there is none of that number or the move is not legal."""
        known = 0 < step_number <= len(self.steps) and not self.has_ended
        if not known or self.steps[step_number - 1].status is not StepStatus.STARTED:
            return False
        if (end.status is StepStatus.BLOCKED) != (end.decision is not None):
            return False
        if end.status is StepStatus.STARTED:
            # Said again, it is no end: nothing is there to be changed.
            return True
        present = self.steps[step_number - 1]
        ended = replace(
            present,
            status=end.status,
            completed_at=max(end.completed_at or now(), present.started_at),
            success=end.status is StepStatus.SUCCESS,
            error_message=_capped(end.error_message),
            output_summary=_capped(end.output_summary),
            decision=_capped(end.decision),
        )
        self.steps = (*self.steps[: step_number - 1], ended, *self.steps[step_number:])
        return True

    def complete(self, *, final_error: str | None = None, stopped: PipelineStatus | None = None) -> bool:
        """End the pipeline; its status follows from its steps.

        Args:
            final_error: Why it did not succeed; with it, the pipeline never counts as SUCCESS.
            stopped: CANCELLED or TIMED_OUT when it was stopped from outside.
        """
        outside = {None, PipelineStatus.CANCELLED, PipelineStatus.TIMED_OUT}
        if self.has_ended or stopped not in outside:
            return False
        self.pipeline_status = stopped or self._status_of_steps(final_error)
        self.completed_at = max(now(), self.started_at)
        self.final_error = _capped(final_error)
        return True

    @property
    def trouble(self) -> str | None:
        """What the first step says that did not succeed; ``None`` without one."""
        for step in self.steps:
            if step.status in {StepStatus.FAIL, StepStatus.BLOCKED}:
                return (
                    f"step {step.step_number} {step.agent_name}: {step.status}: {step.error_message or step.decision}"
                )
        return None

    def _status_of_steps(self, final_error: str | None) -> PipelineStatus:
        succeeded = sum(step.status is StepStatus.SUCCESS for step in self.steps)
        if self.steps and succeeded == len(self.steps) and final_error is None:
            return PipelineStatus.SUCCESS
        return PipelineStatus.PARTIAL if succeeded else PipelineStatus.FAILED

    def snapshot(self) -> Pipeline:
        """A copy that later moves do not change."""
        return replace(self)

    def to_dict(self) -> dict[str, Any]:
        """As JSON values; absent ones are null."""
        trigger = self.trigger
        return {
            "pipeline_id": self.pipeline_id,
            "trace_id": self.trace_id,
            "trigger": {
                "source": trigger.source.value,
                "issue_key": trigger.issue_key,
                "issue_status": trigger.issue_status,
                "intent_type": trigger.intent_type,
                "timestamp": rfc3339(trigger.timestamp),
            },
            "intent_type": trigger.intent_type,
            "pipeline_status": self.pipeline_status.value,
            "started_at": rfc3339(self.started_at),
            "completed_at": _spelt(self.completed_at),
            "steps": [_step_dict(step) for step in self.steps],
            "final_error": self.final_error,
            "execution_plan_summary": self.execution_plan_summary,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Pipeline:
        """Read what ``to_dict`` gave."""
        trigger = values["trigger"]
        return cls(
            pipeline_id=values["pipeline_id"],
            trace_id=values["trace_id"],
            trigger=Trigger(
                source=Source(trigger["source"]),
                intent_type=trigger["intent_type"],
                issue_key=trigger["issue_key"],
                issue_status=trigger["issue_status"],
                timestamp=datetime.fromisoformat(trigger["timestamp"]),
            ),
            execution_plan_summary=values["execution_plan_summary"],
            pipeline_status=PipelineStatus(values["pipeline_status"]),
            started_at=datetime.fromisoformat(values["started_at"]),
            completed_at=_read(values["completed_at"]),
            steps=tuple(_step_from(step) for step in values["steps"]),
            final_error=values["final_error"],
        )

    def to_json(self, indent: int = 2) -> str:
        """``to_dict`` as text."""
        return json.dumps(self.to_dict(), indent=indent, ensure_ascii=False)

    def get_summary(self) -> str:
        """The pipeline in words: id, intent, status, times, a line for each step, errors below them, final error."""
        lines = [
            f"trace {self.trace_id}: {self.trigger.intent_type}, {self.pipeline_status}",
            f"started {rfc3339(self.started_at)}, completed {_spelt(self.completed_at) or 'not yet'}",
            f"plan: {self.execution_plan_summary}",
        ]
        for step in self.steps:
            lines.append(f"{_MARKS[step.status]} {step.step_number} {step.agent_name}: {step.agent_task}")
            lines += [f"    {text}" for text in (step.error_message, step.decision) if text]
        return "\n".join([*lines, *([f"error: {self.final_error}"] if self.final_error else ())])


def _step_dict(step: Step) -> dict[str, Any]:
    return {
        "step_number": step.step_number,
        "agent_name": step.agent_name,
        "agent_task": step.agent_task,
        "status": step.status.value,
        "started_at": rfc3339(step.started_at),
        "completed_at": _spelt(step.completed_at),
        "success": step.success,
        "error_message": step.error_message,
        "output_summary": step.output_summary,
        "decision": step.decision,
        "span_id": step.span_id,
    }


def _step_from(values: Mapping[str, Any]) -> Step:
    times = {"started_at": datetime.fromisoformat(values["started_at"]), "completed_at": _read(values["completed_at"])}
    return Step(**{**values, **times, "status": StepStatus(values["status"])})


def _nanoseconds(instant: datetime) -> int:
    # Whole microseconds: a float of seconds could not tell two neighbours apart.
    return (instant - _EPOCH) // timedelta(microseconds=1) * 1000


def _spelt(instant: datetime | None) -> str | None:
    return None if instant is None else rfc3339(instant)


def _read(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _capped(text: str | None) -> str | None:
    return None if text is None else text[:MAX_TEXT_CHARS]
