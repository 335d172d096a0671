"""Text of a ladder to a tree of nodes that know their line and column.

YAML 1.1 has traps, and here each is closed: a key may stand once, ``on`` and ``yes`` are no keys, as values they are
texts, and so are dates and numbers like ``0o7`` or ``12:30``. Anchors and tags are refused, because templates are the
one way to say something once. The C loader does the reading; what it costs is measured in the tests' bench.
"""

from __future__ import annotations

import re
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

from harness.language.findings import Rule
from harness.language.nodes import Node, Source

if TYPE_CHECKING:
    from harness.language.findings import Finding
    from harness.language.nodes import Place

MAX_CHARACTERS: Final = 1_000_000
"""Far above any ladder: 500 steps have about 100,000."""

MAX_DEPTH: Final = 64
"""Far above any ladder too. Loader and rules go down by recursion, and the loader's own ends in a broken process."""

_TAG: Final = "tag:yaml.org,2002:"
_IMPLICIT_TAGS: Final = frozenset(
    _TAG + kind for kind in ("str", "int", "float", "bool", "null", "timestamp", "value", "merge")
)
"""What the loader takes a plain scalar for by YAML 1.1; read here by JSON's rules instead."""
_NUMBER: Final = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_MAX_DIGITS: Final = 40
_CONSTANTS: Final = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("null", "Null", "NULL", "~", ""), None),
}
"""The constants of YAML 1.2's core schema."""


def parse(text: str, file: str) -> tuple[Source, Node | None, list[Finding]]:
    """Read the text of one file.

    Returns:
        The lines; the root, or ``None`` when the text is no YAML; and the faults found so far.
    """
    import yaml

    source = Source(file, tuple(text.splitlines()))
    if len(text) > MAX_CHARACTERS:
        return source, None, [source.finding((1, 1), Rule.NOT_YAML, f"more than {MAX_CHARACTERS} characters")]
    try:
        if place := _too_deep(text):
            return source, None, [source.finding(place, Rule.NOT_YAML, f"nested more than {MAX_DEPTH} deep")]
        root = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        return source, None, [_syntax_error(source, error)]
    if root is None:
        return source, None, [source.finding((1, 1), Rule.NOT_YAML, "the file is empty")]
    reader = _Reader(source)
    return source, reader.read(root, None), reader.findings


def _too_deep(text: str) -> Place | None:
    """Where the nesting goes too deep; found on the events, which need no recursion."""
    import yaml

    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                return _place(event.start_mark)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    return None


def _syntax_error(source: Source, error: Exception) -> Finding:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    place = _place(mark)
    if "found another document" in problem:
        problem = "a second document starts here; a file holds one ladder"
    return source.finding(place, Rule.NOT_YAML, problem)


def _place(mark: Any) -> Place:  # noqa: ANN401  # a mark of the loader, of either kind, or None
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


class _Reader:
    """Turns the loader's nodes into ours; ``findings`` grows on the way."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.findings: list[Finding] = []
        self._seen: set[int] = set()

    def read(self, node: Any, key_place: Place | None) -> Node:  # noqa: ANN401  # a node of the loader, which has no common type
        place = (node.start_mark.line + 1, node.start_mark.column + 1)
        kind = node.id
        if kind == "scalar":
            return Node(self._scalar(node, place), place, key_place)
        # An alias is the very same object again, and may even hold itself.
        if id(node) in self._seen:
            message = "anchors and aliases are not part of the language; use a template"
            self._report(key_place or place, Rule.NOT_YAML, message)
            return Node(None, place, key_place)
        self._seen.add(id(node))
        if kind == "sequence":
            return Node(tuple([self.read(child, None) for child in node.value]), place, key_place)
        return Node(self._mapping(node), place, key_place)

    def _mapping(self, node: Any) -> dict[str, Node]:  # noqa: ANN401  # a node of the loader
        found: dict[str, Node] = {}
        for key, value in node.value:
            place = (key.start_mark.line + 1, key.start_mark.column + 1)
            name = str(key.value)
            if rule_and_message := _refused_key(key, name, found):
                self._report(place, *rule_and_message)
            else:
                found[name] = self.read(value, place)
        return found

    def _scalar(self, node: Any, place: Place) -> str | int | float | bool | None:  # noqa: ANN401  # a node of the loader
        if node.tag not in _IMPLICIT_TAGS:
            self._report(place, Rule.NOT_YAML, f"the tag {node.tag!r} is not part of the language")
            return None
        text: str = node.value
        return text if node.style else _constant_or_number(text)

    def _report(self, place: Place, rule: Rule, message: str) -> None:
        self.findings.append(self.source.finding(place, rule, message))


def _constant_or_number(text: str) -> str | int | float | bool | None:
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    # What JSON cannot carry stays a text: infinities here, and more digits than any number of ours needs.
    if len(text) > _MAX_DIGITS or not (number := _NUMBER.fullmatch(text)):
        return text
    if not (number[2] or number[3]):
        return int(text)
    return value if isfinite(value := float(text)) else text


def _refused_key(key: Any, name: str, found: dict[str, Node]) -> tuple[Rule, str] | None:  # noqa: ANN401  # a node of the loader
    if key.id != "scalar":
        return Rule.WRONG_TYPE, "a key is a text"
    if key.tag == _TAG + "bool":
        return Rule.BOOL_KEY, f"the key {name!r} is a boolean in YAML 1.1; write it in quotes, or use another word"
    if key.tag == _TAG + "merge":
        return Rule.NOT_YAML, "'<<' is not part of the language; use a template"
    if key.tag != _TAG + "str":
        return Rule.WRONG_TYPE, f"the key {name!r} is no text; write it in quotes"
    if name in found:
        first = found[name].head
        return Rule.DUPLICATE_KEY, f"the key {name!r} stands here a second time; first in line {first[0]}"
    return None
