"""A climb as a pipeline: what set it off, one step for each scenario that was begun, and how it ended (§8.3, §3).

A scenario behind a closed gate is no step, only a name in the plan; the plan then says who closed the gate. The shape
is that of the backend's pipelines, so that both are read alike.
"""

# Annotations are read at run time by the codec, so they are not deferred here.
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from harness.judging.verdict import Verdict, is_green

LONGEST_TEXT: Final = 500
"""Characters of an error or a summary."""

_JOB_TYPE: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
"""A plain word; whatever else a backend tells there could be a text of somebody's own."""


class StepStatus(StrEnum):
    """Where a step stands."""

    STARTED = "STARTED"
    SUCCESS = "SUCCESS"
    FAIL = "FAIL"
    BLOCKED = "BLOCKED"
    """It ran and decided that the pipeline must stop; no scenario does, and one behind a closed gate is no step."""


class PipelineStatus(StrEnum):
    """Where a pipeline stands; every word but RUNNING is final."""

    RUNNING = "RUNNING"
    SUCCESS = "SUCCESS"
    PARTIAL = "PARTIAL"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    TIMED_OUT = "TIMED_OUT"


@dataclass(frozen=True, slots=True)
class Trigger:
    """What set it off."""

    source: str
    issue_key: str | None
    issue_status: str | None
    intent_type: str
    timestamp: str


@dataclass(frozen=True, slots=True)
class PipelineStep:
    """One scenario; ``success`` is ``None`` while it runs, ``decision`` is of a BLOCKED one, ``span_id`` its span."""

    step_number: int
    agent_name: str
    agent_task: str
    status: StepStatus
    started_at: str
    completed_at: str | None = None
    success: bool | None = None
    error_message: str | None = None
    output_summary: str | None = None
    decision: str | None = None
    span_id: str | None = None


@dataclass(frozen=True, slots=True)
class Pipeline:
    """One climb; ``pipeline_id`` is the id of its trace."""

    pipeline_id: str
    trace_id: str
    trigger: Trigger
    intent_type: str
    pipeline_status: PipelineStatus
    started_at: str
    completed_at: str | None
    steps: tuple[PipelineStep, ...]
    final_error: str | None
    execution_plan_summary: str


def job_types_of(pipelines: Iterable[Any]) -> tuple[str, ...]:
    """Types of the jobs that a backend told as pipelines, each once, sorted; what is no plain word is none."""
    told = (each.get("intent_type") for each in pipelines if isinstance(each, dict))
    return tuple(sorted({each for each in told if isinstance(each, str) and _JOB_TYPE.fullmatch(each)}))


def step_status(verdict: Verdict) -> StepStatus:
    """How a scenario that ran counts."""
    if verdict is Verdict.BLOCKED:
        return StepStatus.BLOCKED
    return StepStatus.SUCCESS if is_green(verdict) else StepStatus.FAIL


def plan_summary(planned: tuple[str, ...], closed_by: str | None) -> str:
    """All planned scenarios, also those that were never reached."""
    plan = " → ".join(planned)
    return plan if closed_by is None else f"{plan} (gate closed by {closed_by})"
