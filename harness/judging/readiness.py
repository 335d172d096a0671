"""Whether one answer of a poll is the one that was waited for: ``stop_if``, then ``until``, then freshness. Pure.

Readiness only: whether the accepted answer is right is judged once, by the step's own checks. An answer that never came
is neither ready nor a reason to stop, since a service may yet come up; a redirect is a reason, since none is followed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from harness.judging.checks import evaluate, implied
from harness.judging.documents import unwrapped
from harness.judging.freshness import Age, judge
from harness.judging.observation import Observation
from harness.judging.results import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.judging.freshness import Wanted
    from harness.judging.observation import Exchange
    from harness.judging.results import CheckResult
    from harness.language.model import Check, Mark, Poll


class State(StrEnum):
    """What one answer means for its poll."""

    READY = "ready"
    STOPPED = "stopped"
    NOT_YET = "not_yet"


@dataclass(frozen=True, slots=True)
class Conditions:
    """What is waited for.

    Attributes:
        poll: Its conditions have their variables filled in.
        fresh: ``None`` when the step does not ask for freshness.
        mark: Where the step stands.
    """

    poll: Poll
    fresh: Wanted | None
    mark: Mark


@dataclass(frozen=True, slots=True)
class Look:
    """One answer, looked at.

    Attributes:
        doc: The unwrapped document.
        why: Why it is not accepted, or why its age is only ``DIFFERENT``; empty otherwise.
        age: Of an accepted document whose freshness was asked for.
        stopped_by: The condition that held, or the redirect.
    """

    state: State
    doc: Any
    why: str = ""
    age: Age | None = None
    stopped_by: CheckResult | None = None


def look(exchange: Exchange, conditions: Conditions) -> Look:
    """Look at one answer."""
    doc = unwrapped(exchange, conditions.poll.unwrap)
    if not exchange.answered:
        return Look(State.NOT_YET, doc, f"no answer ({exchange.error})")
    observation = Observation(exchange, doc)
    if stopped := _stopped(observation, conditions):
        why = f"stopped: {stopped.path} {stopped.wanted}, got {stopped.got}"
        return Look(State.STOPPED, doc, why, stopped_by=stopped)
    if exchange.error:
        return Look(State.NOT_YET, doc, f"the answer could not be read ({exchange.error})")
    if missing := _first(conditions.poll.until, observation, held=False):
        return Look(State.NOT_YET, doc, f"not ready: {missing.path} {missing.wanted}, got {missing.got}")
    return _aged(doc, conditions.fresh)


def _stopped(observation: Observation, conditions: Conditions) -> CheckResult | None:
    if stopped := _first(conditions.poll.stop_if, observation, held=True):
        return stopped
    # What cannot be read may be readable the next time; only a redirect will not change by asking again.
    if observation.exchange.error:
        return None
    return next(iter(implied(observation.exchange, conditions.poll.until, conditions.mark)), None)


def _first(checks: Iterable[Check], observation: Observation, *, held: bool) -> CheckResult | None:
    results = (evaluate(check, observation) for check in checks)
    return next((result for result in results if (result.outcome is Outcome.HELD) is held), None)


def _aged(doc: Any, fresh: Wanted | None) -> Look:  # noqa: ANN401  # JSON values
    if fresh is None:
        return Look(State.READY, doc)
    judged = judge(doc, fresh)
    state = State.NOT_YET if judged.age is Age.STALE else State.READY
    return Look(state, doc, judged.why, age=judged.age)
