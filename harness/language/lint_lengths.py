"""The rule about references to references: each may double a text, and forty of them would fill any memory.

Only what the file itself says is counted; what an answer adds is counted when it is there.
"""

from __future__ import annotations

from collections import ChainMap
from typing import TYPE_CHECKING

from harness.language.findings import Finding, Rule
from harness.language.nodes import texts
from harness.language.variables import LONGEST, environment_reference, references
from harness.language.walk import templates_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from harness.language.drafts import Draft, DraftScenario, DraftStep
    from harness.language.nodes import Node


def lengths(draft: Draft, environ: Mapping[str, str]) -> Iterator[Finding]:
    """``value-too-long``."""
    return _Lengths(draft, environ).findings()


class _Lengths:
    def __init__(self, draft: Draft, environ: Mapping[str, str]) -> None:
        self.draft, self.environ = draft, environ
        self.found: list[Finding] = []

    def findings(self) -> Iterator[Finding]:
        top: ChainMap[str, int] = ChainMap()
        for name, node in self.draft.root.entries("vars").items():
            top[name] = self._length(node, top)
        for scenario in self.draft.scenarios:
            self._scenario(scenario, top)
        for step in self.draft.collect:
            self._step(step, top)
        yield from self.found

    def _scenario(self, scenario: DraftScenario, top: ChainMap[str, int]) -> None:
        own = {name: self._length(node, top) for name, node in scenario.node.entries("vars").items()}
        known = ChainMap(own, *top.maps) if own else top
        for step in (*scenario.steps, *scenario.cleanup):
            self._step(step, known)

    def _step(self, step: DraftStep, known: ChainMap[str, int]) -> None:
        own = {name: self._length(node, known) for name, node in step.node.entries("with").items()}
        inside = ChainMap(own, *known.maps) if own else known
        body = step.node.get("json")
        for node in (*([body] if body else []), *templates_of(step), *step.node.entries("save").values()):
            self._length(node, inside)

    def _length(self, node: Node, known: Mapping[str, int]) -> int:
        """Characters that a value grows to; one that grows too far is told once, and counts for nothing elsewhere."""
        length = sum(len(text.value) + self._inserted(references(text.value), known) for text in texts(node))
        if length <= LONGEST:
            return length
        message = f"this grows to {_shown(length)} characters as its variables are filled in; {LONGEST} are allowed"
        self.found.append(self.draft.source.finding(node.place, Rule.VALUE_TOO_LONG, message))
        return 0

    def _inserted(self, names: Iterable[str], known: Mapping[str, int]) -> int:
        return sum(self._held(name, known) for name in names)

    def _held(self, name: str, known: Mapping[str, int]) -> int:
        if reference := environment_reference(name):
            return len(self.environ.get(reference[0]) or reference[1] or "")
        return known.get(name, 0)


def _shown(length: int) -> str:
    return str(length) if length < LONGEST * LONGEST else "countless"
