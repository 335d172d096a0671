"""Rules about names of scenarios and steps: they exist, and come early enough to be used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.language.climb import circle, reached
from harness.language.findings import Finding, Rule, did_you_mean
from harness.language.walk import checks_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.language.drafts import Draft, DraftScenario, DraftStep
    from harness.language.nodes import Node


def needs(draft: Draft) -> Iterator[Finding]:
    """``unknown-scenario``, ``needs-cycle`` and ``needs-order``."""
    graph = {scenario.id: scenario.needs for scenario in draft.scenarios}
    for position, scenario in enumerate(draft.scenarios):
        for need in scenario.node.items("needs"):
            if need.value not in graph:
                yield _unknown_scenario(draft, need)
            elif way := circle(graph, scenario.id):
                message = f"{scenario.id!r} needs itself: {' → '.join(way)}"
                yield draft.source.finding(need.place, Rule.NEEDS_CYCLE, message)
            elif need.value in draft.ids[position:]:
                message = f"{need.value!r} comes after {scenario.id!r}, which needs it; a ladder is climbed in order"
                yield draft.source.finding(need.place, Rule.NEEDS_ORDER, message)


def copies(draft: Draft) -> Iterator[Finding]:
    """``unknown-scenario`` for a copy from what is not reached through ``needs``."""
    graph = {scenario.id: scenario.needs for scenario in draft.scenarios}
    for scenario in draft.scenarios:
        for step in scenario.steps:
            origin = (step.node.get("copy") or step.node).get("from")
            if not origin or origin.value in reached(graph, scenario.id):
                continue
            if origin.value not in graph:
                yield _unknown_scenario(draft, origin)
            else:
                message = f"{origin.value!r} is not reached through the needs of {scenario.id!r}"
                yield draft.source.finding(origin.place, Rule.UNKNOWN_SCENARIO, message)


def _unknown_scenario(draft: Draft, node: Node) -> Finding:
    message = f"unknown scenario {node.value!r}{did_you_mean(node.value, draft.ids)}"
    return draft.source.finding(node.place, Rule.UNKNOWN_SCENARIO, message)


def steps(draft: Draft) -> Iterator[Finding]:
    """``unknown-step`` for ``fresh_after`` and ``since``, which look back in their own scenario."""
    for scenario in draft.scenarios:
        yield from _steps(draft, scenario)
    for step in draft.collect:
        yield from _look_back(draft, step, [])


def _steps(draft: Draft, scenario: DraftScenario) -> Iterator[Finding]:
    before: list[str] = []
    for step in (*scenario.steps, *scenario.cleanup):
        yield from _look_back(draft, step, before)
        before.append(step.id)


def _look_back(draft: Draft, step: DraftStep, before: Sequence[str]) -> Iterator[Finding]:
    fresh = step.node.get("fresh_after")
    if fresh and (name := fresh.value["step"]).value not in before:
        yield _unknown_step(draft, name, before)
    for check in checks_of(step):
        changed = check.get("files_changed")
        # The files are read before the step, so a step may look back at itself.
        if changed and (name := changed.value["since"]).value not in (*before, step.id):
            yield _unknown_step(draft, name, (*before, step.id))


def _unknown_step(draft: Draft, node: Node, known: Sequence[str]) -> Finding:
    message = f"no step {node.value!r} comes before this one{did_you_mean(node.value, known)}"
    return draft.source.finding(node.place, Rule.UNKNOWN_STEP, message)
