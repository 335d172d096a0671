"""JSON redacted where it stands: the text is edited inside its strings and nowhere else.

So spacing, key order, duplicate keys and numbers such as 1E400 survive, and the result parses whenever the document
did. A string under a name that announces a secret is replaced whatever it is; every span that the search finds is cut
to the strings it touches and widened to whole escape sequences; a number that spells a secret becomes a string. Keys
that become the same are numbered. The doubt: a document that does not parse is no business of this module.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

from harness.redaction.json_tokens import Role, Token, may_announce, tokens
from harness.redaction.needles import utf8
from harness.redaction.redacted import MARKER_BYTES, HitClass, Span, merged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from harness.redaction.searching import Finder

# Two halves of one character are one unit: a half that is left alone is no valid UTF-8 later.
_UNIT: Final = re.compile(rb"\\u[dD][89abAB][0-9A-Fa-f]{2}\\u[dD][c-fC-F][0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|\\.")


class _Edit(NamedTuple):
    start: int
    end: int
    text: bytes


def redact_json(document: str, finder: Finder, count: Callable[[HitClass], None]) -> str | None:
    """Redact a document by name and by value; ``None`` when it is no JSON.

    Args:
        document: One JSON value with any white space around it.
        finder: Finds spans in the whole text.
        count: Called with the class of each marker that is written.
    """
    try:
        announced = may_announce(document)
    except (ValueError, RecursionError):
        return None
    data = utf8(document)
    spans = merged([span for found in finder.search(data, final=True) for span in found.spans])
    edits = _edits(data, spans, count) if spans or announced else []
    return _edited(data, edits).decode("utf-8", "surrogatepass") if edits else document


def _edits(data: bytes, spans: list[Span], count: Callable[[HitClass], None]) -> list[_Edit]:
    edits: list[_Edit] = []
    keys: dict[int, list[tuple[Token, list[_Edit]]]] = defaultdict(list)
    for token in tokens(data):
        parts = list(_parts(data, token, spans))
        for part in parts:
            count(part.hit)
        made = [_Edit(part.start, part.end, _marker(token)) for part in parts]
        if token.role is Role.KEY:
            keys[token.owner].append((token, made))
        else:
            edits += made
    return [*edits, *(edit for siblings in keys.values() for edit in _renamed(data, siblings))]


def _marker(token: Token) -> bytes:
    return b'"' + MARKER_BYTES + b'"' if token.role is Role.NUMBER else MARKER_BYTES


def _parts(data: bytes, token: Token, spans: list[Span]) -> Iterator[Span]:
    """What is replaced inside a token."""
    start, end = (token.start, token.end) if token.role is Role.NUMBER else (token.start + 1, token.end - 1)
    touching = [span for span in _overlapping(spans, start, end) if span.start < end and span.end > start]
    if token.role is Role.ANNOUNCED:
        if data[start:end] != MARKER_BYTES:
            # One of our values under a telling key is no less a find.
            yield Span(start, end, min((span.hit for span in touching), default=HitClass.KEY))
    elif token.role is Role.NUMBER:
        yield from (Span(start, end, span.hit) for span in touching[:1])
    elif touching:
        cut = [Span(max(start, span.start), min(end, span.end), span.hit) for span in touching]
        yield from merged([_whole_units(data, span, start, end=end) for span in cut])


def _overlapping(spans: list[Span], start: int, end: int) -> list[Span]:
    # Merged spans do not overlap, so at most one that begins before the token reaches into it.
    first = bisect_right(spans, start, key=lambda span: span.start)
    last = bisect_right(spans, end, key=lambda span: span.start)
    return spans[max(0, first - 1) : last]


def _whole_units(data: bytes, span: Span, start: int, *, end: int) -> Span:
    first, last = span.start, span.end
    if b"\\" in data[start:end]:
        for unit in _UNIT.finditer(data, start, end):
            if unit.start() < first < unit.end():
                first = unit.start()
            if unit.start() < last < unit.end():
                last = unit.end()
    return Span(first, last, span.hit)


def _renamed(data: bytes, siblings: list[tuple[Token, list[_Edit]]]) -> Iterator[_Edit]:
    """The edits of one object's keys; a masked key that meets another of the same name gets a number."""
    taken = {data[token.start + 1 : token.end - 1] for token, made in siblings if not made}
    for token, made in siblings:
        if not made:
            continue
        name = _edited(data[: token.end - 1], made)[token.start + 1 :]
        number = 1
        while _numbered(name, number) in taken:
            number += 1
        taken.add(_numbered(name, number))
        yield _Edit(token.start + 1, token.end - 1, _numbered(name, number))


def _numbered(name: bytes, number: int) -> bytes:
    return name if number == 1 else b"%b-%d" % (name, number)


def _edited(data: bytes, edits: Iterable[_Edit]) -> bytes:
    pieces, at = [], 0
    for edit in sorted(edits):
        pieces += [data[at : edit.start], edit.text]
        at = edit.end
    return b"".join([*pieces, data[at:]])
