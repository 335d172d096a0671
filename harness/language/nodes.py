"""Nodes: values of a file that know their line and column, so that every message can point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from harness.language.findings import Finding, Rule
from harness.language.model import Mark

if TYPE_CHECKING:
    from collections.abc import Iterator

Place = tuple[int, int]
"""Line and column, counted from 1."""


class Node(NamedTuple):
    """A value with its place.

    Attributes:
        value: ``dict[str, Node]``, ``tuple[Node, ...]`` or a scalar: ``str``, ``int``, ``float``, ``bool``, ``None``.
        key_place: Where the key stands under which the value was found.
    """

    value: Any
    place: Place
    key_place: Place | None = None

    def get(self, key: str) -> Node | None:
        """The node under a key; ``None`` when there is none, or when this is no mapping."""
        return self.value.get(key) if isinstance(self.value, dict) else None

    def entries(self, key: str) -> dict[str, Node]:
        """The mapping under a key; empty when there is none."""
        found = self.get(key)
        return found.value if found and isinstance(found.value, dict) else {}

    def items(self, key: str) -> tuple[Node, ...]:
        """The list under a key; empty when there is none."""
        found = self.get(key)
        return found.value if found and isinstance(found.value, tuple) else ()

    def text(self, key: str, default: str = "") -> str:
        """The text under a key."""
        found = self.get(key)
        return found.value if found and isinstance(found.value, str) else default

    @property
    def head(self) -> Place:
        """Where to point when the whole is meant: its key, else its beginning."""
        return self.key_place or self.place


@dataclass(frozen=True, slots=True)
class Source:
    """A file's name and lines, to turn places into marks and findings."""

    file: str
    lines: tuple[str, ...]

    def mark(self, place: Place) -> Mark:
        """The place with its file."""
        return Mark(self.file, *place)

    def finding(self, place: Place, rule: Rule, message: str) -> Finding:
        """A fault at a place, with the line it is on."""
        line = self.lines[place[0] - 1] if place[0] <= len(self.lines) else ""
        return Finding(self.mark(place), rule, message, line)


def plain(node: Node) -> Any:  # noqa: ANN401  # a JSON value
    """The value without places."""
    if isinstance(node.value, dict):
        return {key: plain(child) for key, child in node.value.items()}
    if isinstance(node.value, tuple):
        return [plain(child) for child in node.value]
    return node.value


def texts(node: Node) -> Iterator[Node]:
    """All texts at and below a node; keys are not among them."""
    if isinstance(node.value, str):
        yield node
    elif isinstance(node.value, dict | tuple):
        for child in node.value.values() if isinstance(node.value, dict) else node.value:
            yield from texts(child)
