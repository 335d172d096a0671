"""Pipelines from the log of a run that goes on or was killed: climb by climb, as far as its events go.

Only the lines that begin or end something are decoded; a log has thousands of others. The doubt: a line of more than
16 MiB is read in pieces, none of which counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from harness.evidence.event_lines import decode
from harness.evidence.events import ClimbEnded, ClimbStarted, ScenarioEnded, ScenarioStarted
from harness.evidence.records import DamagedRecordError
from harness.judging.verdict import Verdict, is_green
from harness.traces.pipeline import (
    Pipeline,
    PipelineStatus,
    PipelineStep,
    StepStatus,
    Trigger,
    plan_summary,
    step_status,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from harness.evidence.event_lines import Entry

_TOLD: Final = tuple(
    f'"type":"{word}"'.encode() for word in ("climb_started", "climb_ended", "scenario_started", "scenario_ended")
)
_MAX_LINE: Final = 16 << 20
_HEAD: Final = 400
"""Bytes of a line in which its type stands."""


def climbs_in(log: Path) -> list[tuple[ClimbStarted, list[Entry]]]:
    """Each climb of a log: how it began, and what begins and ends in it, its own beginning included.

    Raises:
        DamagedRecordError: A line that begins or ends something is not whole.
        OSError: The log cannot be read.
    """
    climbs: list[tuple[ClimbStarted, list[Entry]]] = []
    for found in _lines(log):
        if isinstance(found.event, ClimbStarted):
            climbs.append((found.event, []))
        if climbs:
            climbs[-1][1].append(found)
    return climbs


def observed_pipeline(started: ClimbStarted, entries: Sequence[Entry], *, is_running: bool) -> Pipeline:
    """A climb as far as its events go: RUNNING while the run is, and else CANCELLED where its end was never seen.

    Args:
        started: How it began.
        entries: What begins and ends in it, in order, its own beginning first.
        is_running: Whether the run goes on.
    """
    steps, closed_by = _steps(entries)
    ended = next((each for each in entries if isinstance(each.event, ClimbEnded)), None)
    trigger = Trigger(started.source, started.issue_key, started.issue_status, started.ladder, entries[0].at)
    failed = next((step for step in steps if step.status is StepStatus.FAIL), None)
    return Pipeline(
        pipeline_id=started.trace_id,
        trace_id=started.trace_id,
        trigger=trigger,
        intent_type=started.ladder,
        pipeline_status=_status(ended, steps, is_running=is_running),
        started_at=entries[0].at,
        completed_at=ended.at if ended else None,
        steps=tuple(steps),
        final_error=failed.error_message if failed else None,
        execution_plan_summary=plan_summary(started.scenarios, closed_by),
    )


def _status(ended: Entry | None, steps: Sequence[PipelineStep], *, is_running: bool) -> PipelineStatus:
    if ended is None or not isinstance(ended.event, ClimbEnded):
        return PipelineStatus.RUNNING if is_running else PipelineStatus.CANCELLED
    if is_green(ended.event.verdict):
        return PipelineStatus.SUCCESS
    return PipelineStatus.PARTIAL if any(step.success for step in steps) else PipelineStatus.FAILED


def _steps(entries: Iterable[Entry]) -> tuple[list[PipelineStep], str | None]:
    steps: list[PipelineStep] = []
    closed_by: str | None = None
    for entry in entries:
        match entry.event:
            case ScenarioStarted() as begun:
                steps.append(_begun(len(steps) + 1, begun, entry.at))
            case ScenarioEnded() as ended if steps and ended.scenario == steps[-1].agent_name:
                steps[-1] = _ended(steps[-1], ended, entry.at)
            case ScenarioEnded() as blocked if blocked.verdict is Verdict.BLOCKED and steps:
                closed_by = closed_by or steps[-1].agent_name
            case _:
                pass
    return steps, closed_by


def _begun(number: int, begun: ScenarioStarted, at: str) -> PipelineStep:
    return PipelineStep(number, begun.scenario, begun.title, StepStatus.STARTED, at)


def _ended(step: PipelineStep, ended: ScenarioEnded, at: str) -> PipelineStep:
    status = step_status(ended.verdict)
    is_success = status is StepStatus.SUCCESS
    return PipelineStep(
        step.step_number,
        step.agent_name,
        step.agent_task,
        status,
        step.started_at,
        completed_at=at,
        success=is_success,
        error_message=None if is_success else ended.reason or f"{ended.verdict}",
        output_summary=f"{ended.verdict}, result {ended.result_status}",
    )


def _lines(log: Path) -> Iterator[Entry]:
    with log.open("rb") as file:
        while line := file.readline(_MAX_LINE):
            # Inside of a text the quotes of these words would be escaped.
            if line.endswith(b"\n") and any(word in line[:_HEAD] for word in _TOLD):
                yield _decoded(line)


def _decoded(line: bytes) -> Entry:
    try:
        return decode(line.decode())
    except (UnicodeDecodeError, OverflowError) as error:
        raise DamagedRecordError(str(error)) from error
