"""The agents that a worker tells of, as steps of its job's pipeline (trace model §3 and §8.3).

A step is a span in the layer of agents that names its agent and is no call of a tool or a model. How it ended is read
from its status and from the attribute ``evidence.decision``, which says why the pipeline has to stop; whoever lets it
go on leaves that out. No text is searched for anything, and an outcome that was not told is no success.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from backend.tracing.attributes import MAX_NAME_CHARS
from backend.tracing.pipeline import AgentStep, StepEnd, StepStatus
from backend.tracing.spans import Layer, Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from backend.tracing.spans import Span

MOST_STEPS: Final = 100
"""Of one job; further agents stay spans."""
STEP_STATUS: Final = "evidence.step.status"
STEP_NUMBER: Final = "evidence.step.number"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_AGENT: Final = "gen_ai.agent.name"
_OPERATION: Final = "gen_ai.operation.name"
_INVOCATION: Final = "invoke_agent"
_DECISION: Final = "evidence.decision"


@dataclass(frozen=True, slots=True)
class AgentSteps:
    """What a worker's spans tell of its agents.

    Attributes:
        left_out: Agents beyond ``MOST_STEPS``.
    """

    steps: tuple[AgentStep, ...]
    left_out: int = 0


def agent_steps(spans: Iterable[Span]) -> AgentSteps:
    """Find the agents among a worker's spans, in the order in which they began."""
    found = sorted(filter(_is_agent, spans), key=lambda span: (span.start_ns, span.span_id))
    return AgentSteps(tuple(map(_step, found[:MOST_STEPS])), len(found[MOST_STEPS:]))


def marked(spans: Iterable[Span], steps: Sequence[AgentStep]) -> Iterator[Span]:
    """The same spans, of which those that are steps say so."""
    facts: Mapping[str, Mapping[str, str | int]] = {
        step.span_id: {STEP_STATUS: step.end.status.value, STEP_NUMBER: number} for number, step in enumerate(steps, 1)
    }
    for span in spans:
        yield replace(span, attributes={**span.attributes, **facts[span.span_id]}) if span.span_id in facts else span


def _is_agent(span: Span) -> bool:
    invoked = span.attributes.get(_OPERATION) in {None, _INVOCATION}
    return span.place.layer is Layer.AGENT and invoked and bool(span.attributes.get(_AGENT))


def _step(span: Span) -> AgentStep:
    name = str(span.attributes[_AGENT])[:MAX_NAME_CHARS]
    return AgentStep(span.span_id, name, span.place.name, _instant(span.start_ns), _end(span))


def _end(span: Span) -> StepEnd:
    completed_at = None if span.end_ns is None else _instant(span.end_ns)
    if decision := span.attributes.get(_DECISION):
        return StepEnd(StepStatus.BLOCKED, decision=str(decision), completed_at=completed_at)
    if span.end_ns is not None and span.status is Status.OK:
        return StepEnd(StepStatus.SUCCESS, completed_at=completed_at)
    return StepEnd(StepStatus.FAIL, error_message=span.error_type or _trouble(span), completed_at=completed_at)


def _trouble(span: Span) -> str:
    if span.end_ns is None:
        return "its end was never seen"
    return "it did not work" if span.status is Status.ERROR else "it did not say how it ended"


def _instant(ns: int) -> datetime:
    return _EPOCH + timedelta(microseconds=ns // 1000)
