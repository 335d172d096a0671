"""JSON redacted where it stands: the text is edited inside its strings and nowhere else.

So spacing, key order, duplicate keys and numbers such as 1E400 survive, and the result parses whenever the document
did. A string under a name that announces a secret is replaced whatever it is; every span that the search finds is cut
to the strings it touches and widened to whole escape sequences; a number that spells a secret becomes a string. Keys
that become the same are numbered. A document that was not read to its end, or has a million parts, is replaced as a
whole: nobody writes one that is worth the time. The doubt: a document that does not parse is no business of this one.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

from harness.redaction.json_tokens import Role, Token, has_too_many, tokens
from harness.redaction.redacted import MARKER, MARKER_BYTES, HitClass, Span, merged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

# Two halves of one character are one unit: a half that is left alone is no valid UTF-8 later.
_UNIT: Final = re.compile(rb"\\u[dD][89abAB][0-9A-Fa-f]{2}\\u[dD][c-fC-F][0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|\\.")


_BACKSLASH: Final = b"\\"
_LONGEST_UNIT: Final = 12


class _Edit(NamedTuple):
    start: int
    end: int
    text: bytes


def redact_json(data: bytes, spans: list[Span], count: Callable[[HitClass], None]) -> str:
    """Redact a document by name and by value; one that is too much to be read is replaced by a single string.

    Args:
        data: A document that a parser has accepted.
        spans: What was found in the whole of it, merged.
        count: Called with the class of each marker that is written.
    """
    kinds = {span.hit for span in spans}
    if HitClass.UNREAD in kinds or has_too_many(data):
        for hit in sorted(kinds or {HitClass.KEY}):
            count(hit)
        return json.dumps(MARKER)
    edits = _edits(data, spans, count)
    return _edited(data, edits).decode("utf-8", "surrogatepass")


def _edits(data: bytes, spans: list[Span], count: Callable[[HitClass], None]) -> list[_Edit]:
    edits: list[_Edit] = []
    keys: dict[int, list[tuple[Token, list[_Edit]]]] = defaultdict(list)
    for token, touching in _with_spans(data, spans):
        parts = _parts(data, token, touching)
        for part in parts:
            count(part.hit)
        made = [_Edit(part.start, part.end, _marker(token)) for part in parts]
        if token.role is Role.KEY:
            keys[token.owner].append((token, made))
        else:
            edits += made
    return [*edits, *(edit for siblings in keys.values() for edit in _renamed(data, siblings))]


def _with_spans(data: bytes, spans: list[Span]) -> Iterator[tuple[Token, list[Span]]]:
    """Every token with the spans that touch what is inside of it; both are in order, and spans do not overlap."""
    first = 0
    for token in tokens(data):
        start, end = _inside(token)
        while first < len(spans) and spans[first].end <= start:
            first += 1
        last = first
        while last < len(spans) and spans[last].start < end:
            last += 1
        yield token, spans[first:last]


def _inside(token: Token) -> tuple[int, int]:
    return (token.start, token.end) if token.role is Role.NUMBER else (token.start + 1, token.end - 1)


def _marker(token: Token) -> bytes:
    return b'"' + MARKER_BYTES + b'"' if token.role is Role.NUMBER else MARKER_BYTES


def _parts(data: bytes, token: Token, touching: list[Span]) -> list[Span]:
    """What is replaced inside a token."""
    start, end = _inside(token)
    if token.role is Role.ANNOUNCED:
        if data[start:end] == MARKER_BYTES:
            return []
        # One of our values under a telling key is no less a find.
        return [Span(start, end, min((span.hit for span in touching), default=HitClass.KEY))]
    if token.role is Role.NUMBER:
        return [Span(start, end, span.hit) for span in touching[:1]]
    cut = [Span(max(start, span.start), min(end, span.end), span.hit) for span in touching]
    return merged([_whole_units(data, span, start, end=end) for span in cut])


def _whole_units(data: bytes, span: Span, start: int, *, end: int) -> Span:
    """A part of a string from ``start`` to ``end``, widened to the escape sequences that its edges are inside of."""
    return Span(_unit_at(data, span.start, start)[0], min(end, _unit_at(data, span.end, start)[1]), span.hit)


def _unit_at(data: bytes, place: int, start: int) -> tuple[int, int]:
    """The escape sequence that a place is inside of, else the place; the string begins at ``start``."""
    at = data.find(_BACKSLASH, max(start, place - _LONGEST_UNIT + 1), place)
    if at >= 0:
        for unit in _UNIT.finditer(data, at + _is_escaped(data, at, start), place + _LONGEST_UNIT):
            if unit.start() < place < unit.end():
                return unit.span()
    return place, place


def _is_escaped(data: bytes, at: int, start: int) -> bool:
    """Whether an odd number of backslashes stands in front."""
    size, before = 0, _LONGEST_UNIT
    while size < at - start:
        part = data[max(start, at - before) : at]
        size = len(part) - len(part.rstrip(_BACKSLASH))
        if size < len(part):
            break
        before *= 2
    return size % 2 == 1


def _renamed(data: bytes, siblings: list[tuple[Token, list[_Edit]]]) -> Iterator[_Edit]:
    """The edits of one object's keys; a masked key that meets another of the same name gets a number."""
    taken = {data[token.start + 1 : token.end - 1] for token, made in siblings if not made}
    numbers: dict[bytes, int] = {}
    for token, made in siblings:
        if not made:
            continue
        start, end = token.start + 1, token.end - 1
        name = _edited(data[start:end], [_Edit(edit.start - start, edit.end - start, edit.text) for edit in made])
        number = numbers.get(name, 0) + 1
        while _numbered(name, number) in taken:
            number += 1
        numbers[name] = number
        taken.add(_numbered(name, number))
        yield _Edit(start, end, _numbered(name, number))


def _numbered(name: bytes, number: int) -> bytes:
    return name if number == 1 else b"%b-%d" % (name, number)


def _edited(data: bytes, edits: Iterable[_Edit]) -> bytes:
    pieces, at = [], 0
    for edit in sorted(edits):
        pieces += [data[at : edit.start], edit.text]
        at = edit.end
    return b"".join([*pieces, data[at:]])
