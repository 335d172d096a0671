"""Templates inserted: a tree of the right shape becomes scenarios whose steps stand on their own.

Nodes of a template keep their places, so a fault in one is told where it stands and not where it is used. A draft can
still be wrong in all ways that need more than the shape; ``lint`` tells those.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from harness.language.climb import Order
from harness.language.findings import Finding, Rule, did_you_mean
from harness.language.nodes import Node

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.language.nodes import Source

METHODS: Final = ("get", "post", "put", "patch", "delete", "head")

_MERGED: Final = frozenset({"poll", "save", "capture"})
_OF_A_POLL: Final = ("until", "stop_if", "fresh_after", "deadline")


@dataclass(frozen=True, slots=True)
class DraftStep:
    """A step with its template inserted.

    Attributes:
        node: The mapping; ``use`` is gone, ``with`` is still there.
    """

    id: str
    node: Node

    @property
    def poll(self) -> Node | None:
        """The mapping under ``poll``."""
        return self.node.get("poll")

    @property
    def request(self) -> tuple[str, Node] | None:
        """Method and path of what is sent; ``None`` for a step that sends nothing."""
        for method in METHODS:
            if path := self.node.get(method):
                return method, path
        path = self.poll.get("get") if self.poll else None
        return ("get", path) if path else None


@dataclass(frozen=True, slots=True)
class DraftScenario:
    """One scenario; ``node`` is its mapping as written."""

    id: str
    node: Node
    steps: tuple[DraftStep, ...]
    cleanup: tuple[DraftStep, ...]

    @property
    def needs(self) -> tuple[str, ...]:
        """Ids of the scenarios that it needs directly."""
        return tuple(need.value for need in self.node.items("needs"))


@dataclass(frozen=True, slots=True)
class Draft:
    """A whole file."""

    source: Source
    root: Node
    scenarios: tuple[DraftScenario, ...]
    collect: tuple[DraftStep, ...]

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of the scenarios in the order of the file."""
        return tuple(scenario.id for scenario in self.scenarios)

    def order(self) -> Order:
        """What needs what; worked out anew with each call."""
        return Order({scenario.id: scenario.needs for scenario in self.scenarios})

    def steps(self) -> Iterator[DraftStep]:
        """All steps of the file."""
        for scenario in self.scenarios:
            yield from (*scenario.steps, *scenario.cleanup)
        yield from self.collect


def draft(root: Node, source: Source) -> tuple[Draft, list[Finding]]:
    """Insert the templates of a tree that ``structure`` has found no fault in."""
    writer = _Writer(root, source)
    scenarios = tuple(writer.scenario(name, node) for name, node in root.entries("scenarios").items())
    collect = writer.steps(root.items("collect_on_fail"))
    return Draft(source, root, scenarios, collect), writer.findings


class _Writer:
    def __init__(self, root: Node, source: Source) -> None:
        self.templates = root.entries("templates")
        self.source = source
        self.findings: list[Finding] = []

    def scenario(self, name: str, node: Node) -> DraftScenario:
        steps = self.steps(node.items("steps"))
        cleanup = self.steps(node.items("finally"), taken=[step.id for step in steps])
        return DraftScenario(name, node, steps, cleanup)

    def steps(self, nodes: Sequence[Node], taken: Sequence[str] = ()) -> tuple[DraftStep, ...]:
        ids = set(taken)
        found: list[DraftStep] = []
        for number, node in enumerate(nodes, len(taken) + 1):
            whole = self._insert(node)
            name = whole.text("id", f"step-{number}")
            if name in ids:
                place = (node.get("id") or node).place
                self._report(place, Rule.DUPLICATE_KEY, f"the scenario has two steps with the id {name!r}")
            ids.add(name)
            self._check(whole)
            found.append(DraftStep(name, whole))
        return tuple(found)

    def _insert(self, step: Node) -> Node:
        use = step.get("use")
        if not use:
            return step
        if not (template := self.templates.get(use.value)):
            message = f"unknown template {use.value!r}{did_you_mean(use.value, self.templates)}"
            self._report(use.place, Rule.UNKNOWN_TEMPLATE, message)
            return step
        merged = dict(template.value)
        for key, own in step.value.items():
            if key != "use":
                merged[key] = _merge(key, merged.get(key), own)
        return Node(merged, step.place, step.key_place)

    def _check(self, step: Node) -> None:
        if step.get("use"):
            return
        actions = [key for key in (*METHODS, "poll") if step.get(key)]
        if len(actions) > 1:
            message = f"the step would send {' and '.join(actions)}; its template has one of them"
            self._report(step.place, Rule.BAD_VALUE, message)
            return
        poll = step.get("poll")
        misplaced = [] if poll else [key for key in _OF_A_POLL if key in step.value]
        for key in misplaced:
            self._report(step.value[key].head, Rule.BAD_VALUE, f"{key!r} belongs to a poll, and the template has none")
        if poll and not poll.get("get"):
            self._report(poll.head, Rule.MISSING_KEY, "missing key 'get': the path to poll")
        if poll and not step.get("until"):
            self._report(step.place, Rule.MISSING_KEY, "missing key 'until': nothing says when the poll is ready")

    def _report(self, place: tuple[int, int], rule: Rule, message: str) -> None:
        self.findings.append(self.source.finding(place, rule, message))


def _merge(key: str, given: Node | None, own: Node) -> Node:
    if given and key == "expect":
        return Node(given.value + own.value, own.place, own.key_place)
    if given and key in _MERGED:
        return Node({**given.value, **own.value}, own.place, own.key_place)
    return own
