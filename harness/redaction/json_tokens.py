"""The strings and numbers of a JSON text with their places, and which strings a name announces as secret.

A flat walk with a stack of its own, so that depth costs no recursion. It expects a text that a parser has accepted and
decides only about names: a value under a secret name is secret with everything inside it, and so is the ``value`` of an
object whose ``name`` is such a header, as in HAR files.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import Enum, auto
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

from harness.redaction.keys import announces_secret, hints_at_secret, states_presence

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_TOKENS: Final = 1_000_000
"""Signs, strings and numbers, walked in about 2 s; a trace of 10,000 spans has half of that."""

_TOKEN: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+', re.DOTALL)


_QUOTE: Final = ord('"')


class Role(Enum):
    """What a token is to the redaction."""

    KEY = auto()
    VALUE = auto()
    ANNOUNCED = auto()
    """A string whose name says that it is secret, whatever it holds."""
    NUMBER = auto()


class Token(NamedTuple):
    """A string with its quotes, or a number.

    Attributes:
        owner: Number of the object or array that it stands in.
    """

    start: int
    end: int
    role: Role
    owner: int


@dataclass(slots=True)
class _Frame:
    """An object or array that is open."""

    number: int
    is_object: bool
    secret: bool
    at_value: bool = False
    key: str = ""
    key_announces: bool = False
    names_secret: bool = False

    def announces(self) -> bool:
        """Whether the value that stands here now is secret by its name."""
        return self.secret or self.key_announces or (self.names_secret and self.key == "value")

    def expects_key(self) -> bool:
        return self.is_object and not self.at_value


def may_announce(document: str) -> bool:
    """Whether a walk through the document may meet a name that announces a secret.

    Raises:
        ValueError: It is no JSON.
        RecursionError: It is too deep for the parser.
    """
    names: set[str] = set()

    def look(members: list[tuple[str, object]]) -> None:
        names.update([name for name, _ in members])

    json.loads(document, object_pairs_hook=look)
    if {"name", "value"} <= names:
        return True
    return hints_at_secret("\n".join(names)) and any(map(announces_secret, names))


def has_too_many(data: bytes) -> bool:
    """Whether a walk through a text would take too long."""
    return next(islice(_TOKEN.finditer(data), MOST_TOKENS, None), None) is not None


def tokens(data: bytes) -> Iterator[Token]:
    """Walk a JSON text.

    Args:
        data: UTF-8 that ``json.loads`` accepts.
    """
    frames = [_Frame(0, is_object=False, secret=False)]
    opened = 0
    for found in _TOKEN.finditer(data):
        match found[0]:
            case b"{" | b"[" as sign:
                opened += 1
                frames.append(_Frame(opened, is_object=sign == b"{", secret=frames[-1].announces()))
            case b"}" | b"]":
                frames.pop()
            case b":" | b"," as sign:
                frames[-1].at_value = sign == b":"
            case spelt:
                if role := _role(frames[-1], spelt):
                    yield Token(*found.span(), role, frames[-1].number)


def _role(frame: _Frame, spelt: bytes) -> Role | None:
    if spelt[0] != _QUOTE:
        return Role.NUMBER if spelt[0] in b"-0123456789" else None
    if frame.expects_key():
        frame.key = _content(spelt)
        frame.key_announces = announces_secret(frame.key)
        return Role.KEY
    if frame.is_object and frame.key == "name":
        frame.names_secret = announces_secret(_content(spelt))
    return Role.ANNOUNCED if frame.announces() and not states_presence(_content(spelt)) else Role.VALUE


def _content(spelt: bytes) -> str:
    """What a string says."""
    return str(json.loads(spelt)) if b"\\" in spelt else spelt[1:-1].decode("utf-8", "surrogatepass")
