"""The trace of a climb, made from the events of the run: one span for each scenario that was begun, and the pipeline.

Each scenario has a trace of its own, which its span links to. Events are taken one by one, and of those inside of a
scenario none is held, so that a run of any length can be read. The doubt: that Ctrl-C ended a scenario is told by its
reason alone, in words of the runner's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from harness.evidence.events import (
    ClimbEnded,
    ClimbStarted,
    ExchangeMade,
    RunEnded,
    RunStarted,
    ScenarioEnded,
    ScenarioStarted,
)
from harness.evidence.exchanges import Purpose
from harness.evidence.records import to_document
from harness.evidence.run_record import ClimbRecord
from harness.judging.verdict import Verdict, is_green
from harness.traces.instants import Timeline
from harness.traces.own_requests import exchange_span
from harness.traces.pipeline import (
    LONGEST_TEXT,
    Pipeline,
    PipelineStatus,
    PipelineStep,
    StepStatus,
    Trigger,
    plan_summary,
    step_status,
)
from harness.traces.records import Link, SpanStatus, Trace
from harness.traces.span_tree import Begun, SpanTree, derived_id, ended_as

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from harness.evidence.event_lines import Entry
    from harness.evidence.events import Event

CLIMB: Final = "climb"
PIPELINE_STEP: Final = "pipeline step"
WHY_UNTOLD: Final = "the trace of a climb is the judge's alone"
INTERRUPTED: Final = "interrupted"
"""Status of an interrupted run, and the first word of the reason of a scenario that Ctrl-C ended."""

_ENDED_BY_CTRL_C: Final = re.compile(rf"{INTERRUPTED}(?: in step |; nothing was sent| before the stack )")


@dataclass(frozen=True, slots=True)
class ToldClimb:
    """A climb as its events tell it: how it began, how it went, and its trace."""

    started: ClimbStarted
    pipeline: Pipeline
    trace: Trace


def told_climbs(entries: Iterable[Entry]) -> tuple[ToldClimb, ...]:
    """Tell each climb of a run by its events.

    Args:
        entries: Of the whole run so far, from the first line on.

    Raises:
        DamagedRecordError: A time in them is none.
    """
    instance = ""
    climbs: list[_Climb] = []
    for entry in entries:
        if isinstance(entry.event, RunStarted):
            instance = entry.event.run_id
        elif isinstance(entry.event, ClimbStarted):
            climbs.append(_Climb(entry.event, entry, instance))
        elif climbs:
            climbs[-1].take(entry)
    return tuple(climb.told() for climb in climbs)


def climb_record(told: ToldClimb) -> ClimbRecord:
    """What the record of a run tells of a climb."""
    pipeline = told.pipeline
    return ClimbRecord(
        told.started.part,
        told.started.ladder,
        pipeline.trace_id,
        pipeline.pipeline_status.value,
        pipeline.started_at,
        pipeline.completed_at,
    )


@dataclass(slots=True)
class _Course:
    """What has become of the scenarios so far.

    Attributes:
        verdicts: By scenario, all that it ended with, one for each time that it was climbed.
        steps: Those that were begun.
        spans: Span of the step that a scenario was last begun as, and the step's place.
        last: The scenario that ended last and was not blocked.
        first_error: Why the first that was not green is not.
    """

    verdicts: dict[str, list[Verdict]] = field(default_factory=dict)
    steps: list[PipelineStep] = field(default_factory=list)
    spans: dict[str, tuple[str, int]] = field(default_factory=dict)
    last: str | None = None
    closed_by: str | None = None
    first_error: str | None = None
    is_interrupted: bool = False

    def end(self, event: ScenarioEnded) -> None:
        """Count in how a scenario ended, climbed or not."""
        is_ours = _ENDED_BY_CTRL_C.match(event.reason) is not None
        self.is_interrupted |= is_ours
        self.verdicts.setdefault(event.scenario, []).append(event.verdict)
        if event.verdict is not Verdict.BLOCKED:
            self.last = event.scenario
        elif self.closed_by is None and not is_ours:
            # The gate is asked after each scenario, so that the one before the first blocked one has closed it.
            self.closed_by = self.last
        if not is_green(event.verdict) and self.first_error is None:
            told = f"{event.scenario} {event.verdict}"
            self.first_error = (f"{told}: {event.reason}" if event.reason else told)[:LONGEST_TEXT]

    def status(self, planned: Iterable[str]) -> PipelineStatus:
        """How a climb that has ended counts (§3)."""
        if self.is_interrupted:
            return PipelineStatus.CANCELLED
        found = [self.verdicts.get(scenario, []) for scenario in planned]
        if found and all(verdicts and all(map(is_green, verdicts)) for verdicts in found):
            return PipelineStatus.SUCCESS
        has_success = any(step.success for step in self.steps)
        return PipelineStatus.PARTIAL if has_success else PipelineStatus.FAILED


class _Climb:
    """One climb on its way through the log."""

    def __init__(self, started: ClimbStarted, entry: Entry, instance: str) -> None:
        self._started, self._began_at, self._line = started, entry.at, Timeline.of(entry)
        span_id = started.span_id or derived_id(started.trace_id, CLIMB)
        begun = Begun(CLIMB, CLIMB, CLIMB, self._line.at_ns, {"evidence.intent_type": started.ladder})
        self._tree = SpanTree(begun.span(span_id, None, trigger="cli"), instance)
        self._course = _Course()
        self._status = PipelineStatus.RUNNING
        self._completed_at: str | None = None
        told = {"evidence.intent_type": started.ladder, "evidence.trigger.source": started.source}
        self._note(span_id, "pipeline.started", entry, attributes=told)
        self._takes: Mapping[type[Event], Callable[[Any, Entry], None]] = {
            ScenarioStarted: self._scenario_started,
            ScenarioEnded: self._scenario_ended,
            ExchangeMade: self._exchange,
            ClimbEnded: self._climb_ended,
            RunEnded: self._run_ended,
        }

    def take(self, entry: Entry) -> None:
        """Take an entry in; nothing after the end of the climb is part of it."""
        take = self._takes.get(type(entry.event))
        if take is not None and self._status is PipelineStatus.RUNNING:
            take(entry.event, entry)

    def told(self) -> ToldClimb:
        """Everything taken in so far."""
        pipeline = self._pipeline()
        return ToldClimb(self._started, pipeline, self._trace(pipeline))

    def _trace(self, pipeline: Pipeline) -> Trace:
        spans = self._tree.spans()
        return Trace(
            trace_id=self._started.trace_id,
            case_id="",
            spans=spans,
            events=self._tree.events,
            why_untold=WHY_UNTOLD,
            incomplete=any(span.incomplete for span in spans),
            pipelines=(to_document(pipeline),),
        )

    def _pipeline(self) -> Pipeline:
        started, course = self._started, self._course
        is_over = self._status not in {PipelineStatus.RUNNING, PipelineStatus.SUCCESS}
        return Pipeline(
            pipeline_id=started.trace_id,
            trace_id=started.trace_id,
            trigger=Trigger(
                started.source, started.issue_key, started.issue_status, started.ladder, timestamp=self._began_at
            ),
            intent_type=started.ladder,
            pipeline_status=self._status,
            started_at=self._began_at,
            completed_at=self._completed_at,
            steps=tuple(course.steps),
            final_error=course.first_error if is_over else None,
            execution_plan_summary=plan_summary(started.scenarios, course.closed_by),
        )

    def _scenario_started(self, event: ScenarioStarted, entry: Entry) -> None:
        course, root_id = self._course, self._tree.root.span_id
        number = len(course.steps) + 1
        span_id = event.step_span_id or derived_id(root_id, f"{event.folder}:{entry.seq}")
        told = {
            "evidence.step.number": number,
            "evidence.agent.name": event.scenario,
            "evidence.step.status": StepStatus.STARTED.value,
        }
        links = (Link(event.trace_id, event.span_id, "scenario"),) if event.trace_id and event.span_id else ()
        begun = Begun(PIPELINE_STEP, CLIMB, "climb_scenario", self._line.ns(entry.t), told)
        self._tree.add(begun.span(span_id, root_id, links=links))
        course.spans[event.scenario] = (span_id, number - 1)
        step = PipelineStep(number, event.scenario, event.title, StepStatus.STARTED, entry.at, span_id=span_id)
        course.steps.append(step)

    def _scenario_ended(self, event: ScenarioEnded, entry: Entry) -> None:
        self._course.end(event)
        span_id, place = self._course.spans.pop(event.scenario, ("", -1))
        if place < 0:
            return
        status, reason = step_status(event.verdict), event.reason[:LONGEST_TEXT]
        step = self._course.steps[place]
        self._course.steps[place] = replace(
            step,
            status=status,
            completed_at=entry.at,
            success=status is StepStatus.SUCCESS,
            error_message=reason or event.verdict.value if status is StepStatus.FAIL else None,
            output_summary=f"{event.verdict}, result {event.result_status}",
            decision=reason or event.verdict.value if status is StepStatus.BLOCKED else None,
        )
        ended = {"evidence.step.status": status.value, "evidence.verdict": event.verdict.value}
        self._tree.end(span_id, self._line.ns(entry.t))
        self._tree.change(span_id, attributes=ended, **ended_as(event.verdict))
        told = {
            "evidence.step.number": step.step_number,
            "evidence.agent.name": event.scenario,
            "evidence.step.status": status.value,
        }
        self._note(span_id, "step.completed", entry, attributes=told)

    def _exchange(self, event: ExchangeMade, _entry: Entry) -> None:
        span_id, _ = self._course.spans.get(event.scenario, ("", -1))
        if event.purpose is Purpose.TRACE and event.span_id:
            self._tree.add(exchange_span(event, span_id, self._line))

    def _climb_ended(self, event: ClimbEnded, entry: Entry) -> None:
        self._end(entry)
        told = {"evidence.verdict": event.verdict.value}
        end = ended_as(event.verdict)
        if end["status"] is SpanStatus.OK and self._status is not PipelineStatus.SUCCESS:
            end = {"status": SpanStatus.UNSET}
        self._tree.change(self._tree.root.span_id, attributes=told, **end)

    def _run_ended(self, event: RunEnded, entry: Entry) -> None:
        """The run is over, and nothing has said so of the climb."""
        self._course.is_interrupted |= event.status == INTERRUPTED
        self._end(entry)

    def _end(self, entry: Entry) -> None:
        self._status = self._course.status(self._started.scenarios)
        self._completed_at = entry.at
        root_id = self._tree.root.span_id
        told = {"evidence.pipeline.status": self._status.value}
        self._tree.end(root_id, self._line.ns(entry.t))
        self._tree.change(root_id, attributes=told)
        self._note(root_id, "pipeline.completed", entry, attributes=told)

    def _note(self, span_id: str, name: str, entry: Entry, *, attributes: dict[str, Any]) -> None:
        self._tree.note(span_id, name, entry, line=self._line, attributes=attributes)
