"""Rules about ``${…}``: each name has a value where it stands, and no secret ever becomes part of a text."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from harness.language.findings import Finding, Rule, did_you_mean
from harness.language.nodes import texts
from harness.language.variables import environment_reference, is_template, is_unclosed, references
from harness.language.walk import templates_of
from worker.contract import SECRET_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from harness.language.climb import Order
    from harness.language.drafts import Draft, DraftScenario, DraftStep
    from harness.language.nodes import Node


def variables(draft: Draft, environ: Mapping[str, str]) -> Iterator[Finding]:
    """``unknown-variable`` and ``secret-in-template``."""
    return _Names(draft, environ).findings()


@dataclass(frozen=True, slots=True)
class _Place:
    """What may be named at one place.

    Attributes:
        known: Names, in layers, some of which grow from step to step.
        later: Names that exist, but not yet.
        environment: Whether ``${env:…}`` is allowed.
    """

    known: tuple[Collection[str], ...]
    later: Collection[str] = ()
    environment: bool = False

    def knows(self, name: str) -> bool:
        return any(name in layer for layer in self.known)

    def knowing(self, names: Collection[str]) -> _Place:
        return _Place((*self.known, names), self.later, self.environment)


class _Below(Collection[str]):
    """Captures of the scenarios that one reaches, as ``L01.pid``."""

    def __init__(self, order: Order, scenario: str, captures: Mapping[str, Collection[str]]) -> None:
        self._order, self._scenario, self._captures = order, scenario, captures

    def __contains__(self, name: object) -> bool:
        scenario, _, captured = str(name).partition(".")
        return captured in self._captures.get(scenario, ()) and self._order.reaches(self._scenario, scenario)

    def __iter__(self) -> Iterator[str]:
        return (f"{name}.{key}" for name in self._order.reached(self._scenario) for key in self._captures[name])

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _captured(steps: Iterable[DraftStep]) -> frozenset[str]:
    return frozenset(name for step in steps for name in step.node.entries("capture"))


class _Names:
    def __init__(self, draft: Draft, environ: Mapping[str, str]) -> None:
        self.draft = draft
        self.environ = environ
        self.secrets = {*SECRET_NAMES, *(node.value for node in draft.root.items("secrets"))}
        self.top = draft.root.entries("vars")
        self.captures = {scenario.id: _captured(scenario.steps) for scenario in draft.scenarios}
        self.order = draft.order()
        self.elsewhere = frozenset(f"{name}.{key}" for name, keys in self.captures.items() for key in keys)

    def findings(self) -> Iterator[Finding]:
        above: set[str] = set()
        for name, node in self.top.items():
            yield from self._texts(texts(node), _Place((above,), self.top, environment=True))
            above.add(name)
        for scenario in self.draft.scenarios:
            yield from self._scenario(scenario)
        # Which scenario has failed is not known before, so it is enough that one of them could give the value.
        anywhere = {name for names in self.captures.values() for name in names}
        vars_anywhere = {name for scenario in self.draft.scenarios for name in scenario.node.entries("vars")}
        for step in self.draft.collect:
            yield from self._step(step, _Place((self.top, anywhere, vars_anywhere)))

    def _scenario(self, scenario: DraftScenario) -> Iterator[Finding]:
        below = _Below(self.order, scenario.id, self.captures)
        mine, own = self.captures[scenario.id], scenario.node.entries("vars")
        for node in own.values():
            yield from self._texts(texts(node), _Place((self.top, below, mine), environment=True))
        captured: set[str] = set()
        place = _Place((self.top, below, own, captured), mine)
        for step in scenario.steps:
            yield from self._step(step, place)
            captured.update(step.node.entries("capture"))
        for step in scenario.cleanup:
            yield from self._step(step, place.knowing(mine))

    def _step(self, step: DraftStep, place: _Place) -> Iterator[Finding]:
        given = step.node.entries("with")
        for node in given.values():
            yield from self._texts(texts(node), place)
        inside = place.knowing(given)
        yield from self._texts(templates_of(step), inside)
        saved = [node for node in step.node.entries("save").values() if is_template(node.value)]
        yield from self._texts(saved, inside.knowing(step.node.entries("capture")))

    def _texts(self, nodes: Iterable[Node], place: _Place) -> Iterator[Finding]:
        for node in nodes:
            for name in references(node.value):
                if fault := self._fault(name, place):
                    yield self.draft.source.finding(node.place, *fault)
            if is_unclosed(node.value):
                message = "'${' without its '}'; a literal one is written $${"
                yield self.draft.source.finding(node.place, Rule.UNKNOWN_VARIABLE, message)

    def _fault(self, name: str, place: _Place) -> tuple[Rule, str] | None:
        reference = environment_reference(name)
        if (reference[0] if reference else name) in self.secrets:
            return Rule.SECRET_IN_TEMPLATE, f"{name!r} is a secret; its value never enters a text"
        if reference:
            return self._environment_fault(*reference, place=place)
        if place.knows(name):
            return None
        return Rule.UNKNOWN_VARIABLE, self._why_unknown(name, place)

    def _environment_fault(self, name: str, default: str | None, *, place: _Place) -> tuple[Rule, str] | None:
        if not place.environment:
            return Rule.UNKNOWN_VARIABLE, f"'env:{name}' is allowed in vars only; give it a name there"
        if default is None and not self.environ.get(name):
            return Rule.UNKNOWN_VARIABLE, f"the environment has no {name}, and there is no default (${{env:{name}:-…}})"
        return None

    def _why_unknown(self, name: str, place: _Place) -> str:
        if name in self.elsewhere:
            return f"{name!r} is not reached through needs"
        if name in place.later:
            return f"{name!r} gets its value only later"
        return f"unknown variable {name!r}{did_you_mean(name, chain(*place.known))}"
