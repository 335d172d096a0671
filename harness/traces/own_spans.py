"""The judge's own part of a scenario's trace, made from its events: scenario → call, teardown → step → HTTP call.

The same events give the same spans, so that a stored trace can be checked against the log. The doubt: requests that
were made before events had ids are no spans, and a step that Ctrl-C ended never says when.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from harness.evidence.events import (
    ArtifactSaved,
    CheckJudged,
    ClimbEnded,
    ClimbStarted,
    ExchangeMade,
    PollAttempted,
    RunEnded,
    ScenarioEnded,
    ScenarioStarted,
    StepEnded,
    StepStarted,
)
from harness.evidence.exchanges import Purpose
from harness.evidence.records import DamagedRecordError
from harness.judging.verdict import Verdict, fold
from harness.traces.instants import Timeline, nanoseconds
from harness.traces.own_requests import Attempts, exchange_span
from harness.traces.records import Link, PointEvent, Span
from harness.traces.span_tree import LONGEST_TEXT, Begun, SpanTree, derived_id, ended_as

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from harness.evidence.event_lines import Entry
    from harness.evidence.events import Event

SCENARIO: Final = "scenario"
CALL: Final = "call"
TEARDOWN: Final = "teardown"
STEP: Final = "step"
CHECK: Final = "check"
ARTIFACT: Final = "artifact"

_RESULTS: Final = {Verdict.PASS: "pass", Verdict.FAIL: "fail"}
"""All that the semantic conventions have for the result of a test."""

_OUTSIDE: Final = (ScenarioStarted, ClimbStarted, ClimbEnded, RunEnded)
"""With one of these the scenario is over, even when nothing says so."""


@dataclass(frozen=True, slots=True)
class OwnPart:
    """What the judge itself recorded of a scenario; ``trace_id`` is dashed."""

    trace_id: str
    spans: tuple[Span, ...]
    events: tuple[PointEvent, ...]


def own_part(entries: Iterable[Entry], *, climb_trace_id: str = "", instance: str = "") -> OwnPart:
    """Make the judge's part of one scenario's trace.

    Args:
        entries: From its start on; what comes after its end is not looked at.
        climb_trace_id: Of the climb that it is a step of; empty for none.
        instance: Id of the run.

    Raises:
        DamagedRecordError: No scenario starts in them, or a time is none.
    """
    course: _Course | None = None
    for entry in entries:
        if course is None:
            if isinstance(entry.event, ScenarioStarted):
                course = _Course(entry.event, Timeline.of(entry), climb_trace_id, instance=instance)
        elif isinstance(entry.event, _OUTSIDE) or course.take(entry):
            break
    if course is None:
        msg = "no scenario starts in these events"
        raise DamagedRecordError(msg)
    return course.part()


@dataclass(slots=True)
class _Phase:
    """A phase under way: its span, its steps' verdicts, and the span of its last step."""

    span_id: str
    verdicts: list[Verdict] = field(default_factory=list)
    last: str = ""


class _Course:
    """One scenario on its way through the log."""

    def __init__(self, started: ScenarioStarted, line: Timeline, climb_trace_id: str, *, instance: str) -> None:
        self._started, self._line = started, line
        self._tree = SpanTree(_root(started, line, climb_trace_id), instance)
        self._attempts = Attempts(self._tree, line)
        self._phase: _Phase | None = None
        self._steps: dict[str, str] = {}
        self._takes: Mapping[type[Event], Callable[[Any, Entry], None]] = {
            StepStarted: self._step_started,
            StepEnded: self._step_ended,
            ExchangeMade: self._exchange,
            PollAttempted: self._attempt,
            CheckJudged: self._check,
            ArtifactSaved: self._artifact,
            ScenarioEnded: self._ended,
        }

    def take(self, entry: Entry) -> bool:
        """Take an entry in; returns whether it was the scenario's last."""
        take = self._takes.get(type(entry.event))
        if take is None or getattr(entry.event, "scenario", "") != self._started.scenario:
            return False
        take(entry.event, entry)
        return isinstance(entry.event, ScenarioEnded)

    def part(self) -> OwnPart:
        """Everything taken in so far."""
        self._attempts.let_go()
        return OwnPart(self._started.trace_id, self._tree.spans(), self._tree.events)

    def _step_started(self, event: StepStarted, entry: Entry) -> None:
        self._attempts.let_go()
        phase = self._in_phase(TEARDOWN if event.is_teardown else CALL, entry)
        span_id = event.span_id or derived_id(phase.span_id, f"{event.step}:{entry.seq}")
        told = {"evidence.step.id": event.step, "evidence.step.place": event.place}
        begun = Begun(STEP, STEP, event.action, self._line.ns(entry.t), told)
        self._tree.add(begun.span(span_id, phase.span_id))
        self._steps[event.step] = phase.last = span_id

    def _in_phase(self, name: str, entry: Entry) -> _Phase:
        span_id = derived_id(self._tree.root.span_id, name)
        if self._phase is None or self._phase.span_id != span_id:
            self._end_phase(entry)
            self._phase = _Phase(span_id)
            begun = Begun(name, SCENARIO, name, self._line.ns(entry.t))
            self._tree.add(begun.span(span_id, self._tree.root.span_id))
        return self._phase

    def _end_phase(self, entry: Entry) -> None:
        """A phase ends with its last step; where that one's end was never seen, with what came next."""
        if self._phase is None or self._phase.span_id not in self._tree:
            return
        phase, last = self._phase, self._tree[self._tree.known(self._phase.last)]
        if last.end_ns is None:
            self._tree.end(phase.span_id, self._line.ns(entry.t))
            return
        verdict = fold(phase.verdicts)
        self._tree.end(phase.span_id, last.end_ns)
        self._tree.change(phase.span_id, attributes={"evidence.verdict": verdict.value}, **ended_as(verdict))

    def _step_ended(self, event: StepEnded, _entry: Entry) -> None:
        self._attempts.let_go()
        span_id = self._steps.get(event.step, "")
        if span_id not in self._tree or self._tree[span_id].end_ns is not None:
            return
        start_ns = self._tree[span_id].start_ns
        self._tree.end(span_id, start_ns + max(0, nanoseconds(event.duration_s)))
        self._tree.change(span_id, attributes={"evidence.verdict": event.verdict.value}, **ended_as(event.verdict))
        if self._phase and event.verdict is not Verdict.BLOCKED:
            self._phase.verdicts.append(event.verdict)

    def _exchange(self, event: ExchangeMade, _entry: Entry) -> None:
        if event.purpose is Purpose.POLL and self._attempts.settle(event):
            return
        # The question for the trace belongs to the climb, and one without an id was asked before there were any.
        if event.span_id and event.purpose is not Purpose.TRACE:
            self._tree.add(exchange_span(event, self._place(event.step), self._line))

    def _attempt(self, event: PollAttempted, _entry: Entry) -> None:
        self._attempts.take(event, self._place(event.step))

    def _check(self, event: CheckJudged, entry: Entry) -> None:
        result = event.result
        told = {
            "evidence.check.text": result.text[:LONGEST_TEXT],
            "evidence.check.severity": result.severity.value,
            "evidence.check.outcome": result.outcome.value,
        }
        self._tree.note(self._place(event.step), CHECK, entry, line=self._line, attributes=told)

    def _artifact(self, event: ArtifactSaved, entry: Entry) -> None:
        told = {"evidence.artifact.path": event.path}
        self._tree.note(self._place(event.step), ARTIFACT, entry, line=self._line, attributes=told)

    def _ended(self, event: ScenarioEnded, entry: Entry) -> None:
        self._end_phase(entry)
        told = {"evidence.verdict": event.verdict.value}
        if event.verdict in _RESULTS:
            told["test.case.result.status"] = _RESULTS[event.verdict]
        root_id = self._tree.root.span_id
        self._tree.end(root_id, self._line.ns(entry.t))
        self._tree.change(root_id, attributes=told, **ended_as(event.verdict))

    def _place(self, step: str) -> str:
        return self._tree.known(self._steps.get(step, ""))


def _root(started: ScenarioStarted, line: Timeline, climb_trace_id: str) -> Span:
    span_id = started.span_id or derived_id(started.trace_id, started.folder)
    is_step = climb_trace_id and started.step_span_id
    links = (Link(climb_trace_id, started.step_span_id, "climb"),) if is_step else ()
    begun = Begun(SCENARIO, SCENARIO, "climb_scenario", line.at_ns, {"test.case.name": started.scenario})
    return begun.span(span_id, None, trigger="climb", links=links)
