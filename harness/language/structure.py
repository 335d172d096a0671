"""Whether a tree of nodes has the shape that ``ladder.schema.json`` demands, told with places and in plain words.

The schema is the one description of the language: editors use the same file. This module reads the part of draft-07
that the schema uses and refuses any other keyword, so that nothing in the schema is silently not checked. It knows
two annotations that other readers ignore: ``errorMessage`` (what to say) and ``x-rule`` (the rule's name).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from harness.language.findings import Finding, Rule, did_you_mean
from harness.language.keywords import KEYWORDS, Told
from harness.language.nodes import Node

if TYPE_CHECKING:
    from harness.language.nodes import Place, Source

Schema = dict[str, Any]

_PREFIX: Final = "#/definitions/"
_ANNOTATIONS: Final = frozenset(
    {
        *("$schema", "$id", "title", "description", "examples", "default", "definitions"),
        *("defaultSnippets", "errorMessage", "x-rule"),
    }
)


def schema_text() -> str:
    """The JSON Schema of the language, as it is shipped and exported."""
    return Path(__file__).with_name("ladder.schema.json").read_text("utf-8")


@cache
def _schema() -> Schema:
    loaded: Schema = json.loads(schema_text())
    return loaded


def validate(root: Node, source: Source) -> list[Finding]:
    """All faults in the shape of a ladder, in the order of the file."""
    findings = [
        source.finding(fault.place, fault.rule, fault.message)
        for fault in _Validator(_schema()).faults(root, _schema())
    ]
    return sorted(set(findings))


class _Fault:
    __slots__ = ("message", "place", "rule")

    def __init__(self, place: Place, rule: Rule, message: str) -> None:
        self.place, self.rule, self.message = place, rule, message


@dataclass(frozen=True, slots=True)
class _Plan:
    """One schema, its keywords sorted by who reads them; made once, because most schemas are met hundreds of times."""

    here: tuple[tuple[Callable[[Node, Any], Told], Any], ...]
    below: tuple[tuple[_Reader, Any], ...]
    required: tuple[str, ...]
    forms: tuple[tuple[str, list[Schema]], ...]


class _Validator:
    def __init__(self, root: Schema) -> None:
        self.root = root
        self._plans: dict[int, _Plan] = {}

    def faults(self, node: Node, schema: Schema) -> list[_Fault]:
        """Faults at and below one node; those of the node itself are told once, in the schema's own words if any."""
        if "$ref" in schema:
            return self.faults(node, self.root["definitions"][schema["$ref"].removeprefix(_PREFIX)])
        plan = self._plans.get(id(schema)) or self._plans.setdefault(id(schema), _plan(schema))
        below = [fault for read, wanted in plan.below for fault in read(self, node, wanted, schema)]
        here = [_Fault(_place(node), rule, text) for test, wanted in plan.here for rule, text in test(node, wanted)]
        # A misspelt key would be told twice: as unknown, and as missing from whatever it was meant for.
        if not any(fault.rule is Rule.UNKNOWN_KEY for fault in below):
            here += self._choices(node, plan)
        return _told_once(here, schema, node) + below

    def holds(self, node: Node, schema: Schema) -> bool:
        """Whether there is no fault; told apart because most forms are just a required key."""
        if schema.keys() == {"required"}:
            return not isinstance(node.value, dict) or all(key in node.value for key in schema["required"])
        return not self.faults(node, schema)

    def _choices(self, node: Node, plan: _Plan) -> list[_Fault]:
        found: list[_Fault] = []
        for keyword, branches in plan.forms:
            held = sum(self.holds(node, branch) for branch in branches)
            if held not in _HELD[keyword]:
                found.append(_Fault(_place(node), Rule.BAD_VALUE, "this form is not allowed here"))
        if plan.required and isinstance(node.value, dict):
            missing = [key for key in plan.required if key not in node.value]
            found += [_Fault(node.head, Rule.MISSING_KEY, f"missing key {key!r}") for key in missing]
        return found

    def properties(self, node: Node, wanted: Mapping[str, Schema], schema: Schema) -> list[_Fault]:
        if not isinstance(node.value, dict):
            return []
        found: list[_Fault] = []
        others = schema.get("additionalProperties", {})
        for key, child in node.value.items():
            if key in wanted:
                found += self.faults(child, wanted[key])
            elif others is False:
                message = f"unknown key {key!r}{did_you_mean(key, wanted)}"
                found.append(_Fault(child.head, Rule.UNKNOWN_KEY, message))
            else:
                found += self.faults(child, others)
        return found

    def additional(self, node: Node, wanted: Schema, schema: Schema) -> list[_Fault]:
        return [] if "properties" in schema else self.properties(node, {}, {"additionalProperties": wanted})

    def names(self, node: Node, wanted: Schema, _schema: Schema) -> list[_Fault]:
        if not isinstance(node.value, dict):
            return []
        keys = [Node(key, child.head) for key, child in node.value.items()]
        return [
            _Fault(fault.place, Rule.BAD_VALUE, fault.message) for key in keys for fault in self.faults(key, wanted)
        ]

    def items(self, node: Node, wanted: Schema, _schema: Schema) -> list[_Fault]:
        if not isinstance(node.value, tuple):
            return []
        return [fault for child in node.value for fault in self.faults(child, wanted)]

    def dependencies(self, node: Node, wanted: Mapping[str, Any], _schema: Schema) -> list[_Fault]:
        if not isinstance(node.value, dict):
            return []
        found: list[_Fault] = []
        for key in wanted.keys() & node.value.keys():
            found += self._dependency(node, key, wanted[key])
        return found

    def _dependency(self, node: Node, key: str, needed: Any) -> list[_Fault]:  # noqa: ANN401  # keys, or a schema
        place = node.value[key].head
        if isinstance(needed, list):
            missing = [other for other in needed if other not in node.value]
            return [_Fault(place, Rule.BAD_VALUE, f"{key!r} belongs to {other!r}") for other in missing]
        return [] if self.holds(node, needed) else [_Fault(place, Rule.BAD_VALUE, needed["errorMessage"])]

    def all_of(self, node: Node, wanted: list[Schema], _schema: Schema) -> list[_Fault]:
        return [fault for part in wanted for fault in self.faults(node, part)]


_Reader = Callable[[_Validator, Node, Any, Schema], list[_Fault]]

_BELOW: Final[Mapping[str, _Reader]] = {
    "properties": _Validator.properties,
    "additionalProperties": _Validator.additional,
    "propertyNames": _Validator.names,
    "items": _Validator.items,
    "dependencies": _Validator.dependencies,
    "allOf": _Validator.all_of,
}
_HELD: Final[Mapping[str, Container[int]]] = {"oneOf": {1}, "anyOf": range(1, 100), "not": {0}}
"""How many of the branches may hold."""


def _plan(schema: Schema) -> _Plan:
    known = KEYWORDS.keys() | _BELOW.keys() | _HELD.keys() | _ANNOTATIONS | {"required"}
    if unread := schema.keys() - known:
        msg = f"the schema uses {sorted(unread)}, which is not read here"
        raise ValueError(msg)
    return _Plan(
        tuple((KEYWORDS[key], wanted) for key, wanted in schema.items() if key in KEYWORDS),
        tuple((_BELOW[key], wanted) for key, wanted in schema.items() if key in _BELOW),
        tuple(schema.get("required", ())),
        tuple((key, schema[key] if key != "not" else [schema[key]]) for key in _HELD if key in schema),
    )


def _place(node: Node) -> Place:
    return node.head if isinstance(node.value, dict | tuple) else node.place


def _told_once(here: list[_Fault], schema: Schema, node: Node) -> list[_Fault]:
    if not here or "errorMessage" not in schema:
        return here
    rule = Rule(schema["x-rule"]) if "x-rule" in schema else here[0].rule
    return [_Fault(_place(node), rule, schema["errorMessage"])]
