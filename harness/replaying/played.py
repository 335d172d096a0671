"""The events of a trial put together again: its scenarios, their steps, and what the checks of each step looked at.

It judges nothing and leaves nothing out: events that belong to no step are kept beside the steps. A scenario that was
blocked has an end and no beginning; one of a killed run has a beginning and no end.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.evidence.events import (
    ArtifactSaved,
    Captured,
    CheckJudged,
    ClimbStarted,
    EngineTold,
    ScenarioEnded,
    ScenarioStarted,
    StepEnded,
    StepObserved,
    StepStarted,
)
from harness.evidence.rebuilding import observations
from harness.judging.verdict import is_green

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from harness.evidence.event_lines import Entry
    from harness.evidence.rebuilding import Seen
    from harness.judging.results import CheckResult
    from harness.judging.verdict import Verdict


@dataclass(frozen=True, slots=True)
class PlayedStep:
    """One step as it was climbed.

    Attributes:
        ended: ``None`` when it was broken off.
        entries: All its events.
        seen: What its checks looked at; ``None`` when nothing was judged.
        results: Its checks with their stored outcomes.
    """

    started: StepStarted
    ended: StepEnded | None
    entries: tuple[Entry, ...]
    seen: Seen | None
    results: tuple[CheckResult, ...]

    @property
    def captures(self) -> Mapping[str, Any]:
        """What it captured."""
        return {each.event.name: each.event.value for each in self.entries if isinstance(each.event, Captured)}


@dataclass(frozen=True, slots=True)
class PlayedScenario:
    """One scenario as it was climbed once.

    Attributes:
        climb: The climb that it is part of; ``None`` in a log without one.
        started: ``None`` of one that was blocked: nothing was sent for it.
        ended: ``None`` when the run was killed.
        loose: Events that belong to none of its steps.
    """

    climb: ClimbStarted | None
    started: ScenarioStarted | None
    ended: ScenarioEnded | None
    steps: tuple[PlayedStep, ...] = ()
    loose: tuple[Entry, ...] = ()

    @property
    def id(self) -> str:
        """Of the scenario."""
        if self.started:
            return self.started.scenario
        return self.ended.scenario if self.ended else ""

    @property
    def folder(self) -> str:
        """Where its artifacts lie; of a blocked one where they would."""
        part = self.climb.part if self.climb else ""
        return self.started.folder if self.started else f"{part}/{self.id}".strip("/")

    @property
    def verdict(self) -> Verdict | None:
        """As it was stored; ``None`` when the run was killed."""
        return self.ended.verdict if self.ended else None

    @property
    def results(self) -> tuple[CheckResult, ...]:
        """Its checks that belong to no step."""
        return tuple(each.event.result for each in self.loose if isinstance(each.event, CheckJudged))

    @property
    def files(self) -> tuple[str, ...]:
        """Paths of its artifacts, in the order in which they were first saved."""
        entries = (entry for part in (*(step.entries for step in self.steps), self.loose) for entry in part)
        return tuple(dict.fromkeys(each.event.path for each in entries if isinstance(each.event, ArtifactSaved)))

    @property
    def captures(self) -> Mapping[str, Any]:
        """Everything that it captured."""
        return {name: value for step in self.steps for name, value in step.captures.items()}


@dataclass(slots=True)
class _Open:
    """A scenario that has not ended yet."""

    started: ScenarioStarted
    steps: list[PlayedStep] = field(default_factory=list)
    loose: list[Entry] = field(default_factory=list)
    step: list[Entry] = field(default_factory=list)

    def take(self, entry: Entry) -> None:
        """Put an event where it belongs."""
        if isinstance(entry.event, StepStarted):
            self.end_step()
        if isinstance(entry.event, StepStarted) or (self.step and _is_of_step(entry, self.step)):
            self.step.append(entry)
        else:
            self.loose.append(entry)
        if isinstance(entry.event, StepEnded):
            self.end_step()

    def end_step(self) -> None:
        """Close the step that is open, if one is."""
        if self.step:
            self.steps.append(_step(self.step))
            self.step = []


def play(entries: Iterable[Entry]) -> Iterator[PlayedScenario]:
    """Every scenario of a log, in order.

    Raises:
        EvidenceError: ``events-incomplete``; an observation refers to an exchange that is not in its step.
    """
    climb: ClimbStarted | None = None
    held: _Open | None = None
    for entry in entries:
        event = entry.event
        if isinstance(event, ClimbStarted):
            climb = event
        elif isinstance(event, ScenarioStarted):
            if held:
                yield _scenario(climb, held, None)
            held = _Open(event)
        elif isinstance(event, ScenarioEnded):
            is_of_held = held is not None and held.started.scenario == event.scenario
            yield _scenario(climb, held, event) if held and is_of_held else PlayedScenario(climb, None, event)
            held = None if is_of_held else held
        elif held and not isinstance(event, EngineTold):
            held.take(entry)
    if held:
        yield _scenario(climb, held, None)


def _scenario(climb: ClimbStarted | None, held: _Open, ended: ScenarioEnded | None) -> PlayedScenario:
    held.end_step()
    return PlayedScenario(climb, held.started, ended, tuple(held.steps), tuple(held.loose))


def _is_of_step(entry: Entry, step: list[Entry]) -> bool:
    started = step[0].event
    return getattr(entry.event, "step", "") == getattr(started, "step", None)


def _step(entries: list[Entry]) -> PlayedStep:
    started = entries[0].event
    if not isinstance(started, StepStarted):
        msg = "a step begins with its start"
        raise TypeError(msg)
    return PlayedStep(
        started=started,
        ended=next((each.event for each in entries if isinstance(each.event, StepEnded)), None),
        entries=tuple(entries),
        seen=_seen(entries),
        results=tuple(each.event.result for each in entries if isinstance(each.event, CheckJudged)),
    )


def _seen(entries: list[Entry]) -> Seen | None:
    if not any(isinstance(each.event, StepObserved) for each in entries):
        return None
    return next(observations(entries))


def reached_by(
    scenarios: Iterable[PlayedScenario], earlier: Mapping[str, Mapping[str, Any]]
) -> Iterator[tuple[PlayedScenario, Mapping[str, Mapping[str, Any]]]]:
    """Each scenario with the captures of those that it may refer to.

    Args:
        scenarios: Of one trial, in order.
        earlier: Captures that were taken over from another run, by scenario.
    """
    climb: ClimbStarted | None = None
    reached: dict[str, Mapping[str, Any]] = dict(earlier)
    for each in scenarios:
        if each.climb is not climb:
            climb, reached = each.climb, dict(earlier)
        yield each, dict(reached)
        if each.verdict is not None and is_green(each.verdict):
            reached[each.id] = each.captures
