"""Keywords of JSON Schema that look at one value only: types, choices, patterns and bounds, told in plain words."""

from __future__ import annotations

import json
import operator
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from harness.language.findings import Rule, did_you_mean
from harness.language.nodes import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.language.nodes import Node

Told = list[tuple[Rule, str]]
"""Rule and message of each fault."""

_KINDS: Final[Mapping[str, tuple[str, Callable[[Any], bool]]]] = {
    "object": ("a mapping", lambda value: isinstance(value, dict)),
    "array": ("a list", lambda value: isinstance(value, tuple)),
    "string": ("a text", lambda value: isinstance(value, str)),
    "boolean": ("true or false", lambda value: isinstance(value, bool)),
    "number": ("a number", lambda value: isinstance(value, int | float) and not isinstance(value, bool)),
    "integer": (
        "a whole number",
        lambda value: not isinstance(value, bool) and isinstance(value, int | float) and value == int(value),
    ),
}
"""Type of a schema → how people call it, and the test for it."""


def _type(node: Node, wanted: str | list[str]) -> Told:
    kinds = [wanted] if isinstance(wanted, str) else wanted
    if any(_KINDS[kind][1](node.value) for kind in kinds):
        return []
    return [(Rule.WRONG_TYPE, f"expected {' or '.join(_KINDS[kind][0] for kind in kinds)}")]


def _const(node: Node, wanted: object) -> Told:
    same = _json(node) == json.dumps(wanted)
    return [] if same else [(Rule.BAD_VALUE, f"expected {_shown(wanted)}")]


def _enum(node: Node, wanted: list[Any]) -> Told:
    if _json(node) in [json.dumps(choice) for choice in wanted]:
        return []
    near = did_you_mean(node.value, [str(choice) for choice in wanted]) if isinstance(node.value, str) else ""
    return [(Rule.BAD_VALUE, f"expected one of {', '.join(map(_shown, wanted))}{near}")]


def _pattern(node: Node, wanted: str) -> Told:
    # In a schema "$" is the very end; in Python it is also what stands before a last newline.
    exact = re.sub(r"(?<!\\)\$$", r"\\Z", wanted)
    if not isinstance(node.value, str) or re.search(exact, node.value):
        return []
    return [(Rule.BAD_VALUE, f"{node.value[:80]!r} does not match {wanted}")]


def _number(node: Node) -> float | None:
    return node.value if _KINDS["number"][1](node.value) else None


def _size_of(kind: str) -> Callable[[Node], float | None]:
    return lambda node: len(node.value) if _KINDS[kind][1](node.value) else None


def _bound(
    measure: Callable[[Node], float | None], holds: Callable[[Any, Any], bool], words: str
) -> Callable[[Node, Any], Told]:
    def told(node: Node, wanted: float) -> Told:
        measured = measure(node)
        return [] if measured is None or holds(measured, wanted) else [(Rule.BAD_VALUE, words.format(wanted))]

    return told


def _unique(node: Node, _wanted: object) -> Told:
    if not isinstance(node.value, tuple):
        return []
    values = [_json(child) for child in node.value]
    twice = next((value for value, times in Counter(values).items() if times > 1), None)
    return [(Rule.BAD_VALUE, f"{twice} stands here twice")] if twice else []


def _json(node: Node) -> str:
    return json.dumps(plain(node), sort_keys=True)


def _shown(value: object) -> str:
    return repr(value) if isinstance(value, str) else json.dumps(value)


KEYWORDS: Final[Mapping[str, Callable[[Node, Any], Told]]] = {
    "type": _type,
    "const": _const,
    "enum": _enum,
    "pattern": _pattern,
    "uniqueItems": _unique,
    "minimum": _bound(_number, operator.ge, "expected at least {}"),
    "maximum": _bound(_number, operator.le, "expected at most {}"),
    "exclusiveMinimum": _bound(_number, operator.gt, "expected more than {}"),
    "minLength": _bound(_size_of("string"), operator.ge, "expected a text that is not empty"),
    "minItems": _bound(_size_of("array"), operator.ge, "expected a list that is not empty"),
    "minProperties": _bound(_size_of("object"), operator.ge, "expected a mapping that is not empty"),
}
"""Keyword → what is wrong with one node, its children left aside."""
