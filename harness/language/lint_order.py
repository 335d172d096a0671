"""Rules about names of scenarios and steps: they exist, and come early enough to be used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from harness.language.findings import Finding, Rule, did_you_mean
from harness.language.walk import checks_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from harness.language.drafts import Draft, DraftScenario, DraftStep
    from harness.language.nodes import Node


_LONGEST_WAY: Final = 9
"""Names of a circle that are told."""


def needs(draft: Draft) -> Iterator[Finding]:
    """``unknown-scenario``, ``needs-cycle`` and ``needs-order``."""
    order, ids = draft.order(), frozenset(draft.ids)
    in_circles = {name: way for way in order.circles for name in way}
    for scenario in draft.scenarios:
        way = in_circles.get(scenario.id, ())
        for need in scenario.node.items("needs"):
            if need.value not in ids:
                yield unknown_scenario(draft, need, ids)
            elif need.value in way:
                message = f"{scenario.id!r} needs itself: {_from(scenario.id, way)}"
                yield draft.source.finding(need.place, Rule.NEEDS_CYCLE, message)
            elif not order.comes_before(need.value, scenario.id):
                message = f"{need.value!r} comes after {scenario.id!r}, which needs it; a ladder is climbed in order"
                yield draft.source.finding(need.place, Rule.NEEDS_ORDER, message)


def _from(name: str, way: Sequence[str]) -> str:
    """The way around a circle from one of its scenarios; of a long one the beginning and the end."""
    at = way.index(name)
    names = [*way[at:], *way[1 : at + 1]]
    return " → ".join(names if len(names) <= _LONGEST_WAY else [*names[: _LONGEST_WAY - 1], "…", names[-1]])


def copies(draft: Draft) -> Iterator[Finding]:
    """``unknown-scenario`` for a copy from what is not reached through ``needs``."""
    order, ids = draft.order(), frozenset(draft.ids)
    for scenario in draft.scenarios:
        for step in scenario.steps:
            origin = (step.node.get("copy") or step.node).get("from")
            if not origin or order.reaches(scenario.id, origin.value):
                continue
            if origin.value not in ids:
                yield unknown_scenario(draft, origin, ids)
            else:
                message = f"{origin.value!r} is not reached through the needs of {scenario.id!r}"
                yield draft.source.finding(origin.place, Rule.UNKNOWN_SCENARIO, message)


def unknown_scenario(draft: Draft, node: Node, ids: Collection[str]) -> Finding:
    """A name that no scenario has."""
    message = f"unknown scenario {node.value!r}{did_you_mean(node.value, ids)}"
    return draft.source.finding(node.place, Rule.UNKNOWN_SCENARIO, message)


def steps(draft: Draft) -> Iterator[Finding]:
    """``unknown-step`` for ``fresh_after`` and ``since``, which look back in their own scenario."""
    for scenario in draft.scenarios:
        yield from _steps(draft, scenario)
    for step in draft.collect:
        yield from _look_back(draft, step, ())


def _steps(draft: Draft, scenario: DraftScenario) -> Iterator[Finding]:
    before: dict[str, None] = {}
    for step in (*scenario.steps, *scenario.cleanup):
        yield from _look_back(draft, step, before)
        before[step.id] = None


def _look_back(draft: Draft, step: DraftStep, before: Collection[str]) -> Iterator[Finding]:
    fresh = step.node.get("fresh_after")
    if fresh and (name := fresh.value["step"]).value not in before:
        yield _unknown_step(draft, name, before)
    for check in checks_of(step):
        changed = check.get("files_changed")
        # The files are read before the step, so a step may look back at itself.
        if changed and (name := changed.value["since"]).value not in before and name.value != step.id:
            yield _unknown_step(draft, name, (*before, step.id))


def _unknown_step(draft: Draft, node: Node, known: Collection[str]) -> Finding:
    message = f"no step {node.value!r} comes before this one{did_you_mean(node.value, known)}"
    return draft.source.finding(node.place, Rule.UNKNOWN_STEP, message)
