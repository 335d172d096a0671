"""The order of a trace: parents before their children, siblings by ordinal, then by their start.

What the backend told is foreign: a parent may be missing, a span its own ancestor, a tree deeper than any stack. Every
span is walked through once all the same; those that hang on nothing come after the judge's own tree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.traces.records import HARNESS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from harness.traces.records import Span


@dataclass(frozen=True, slots=True)
class Turn:
    """A span that is entered, before everything below it, or left, after it.

    Attributes:
        above: The span that it was entered from; ``None`` at the top.
    """

    span: Span
    above: Span | None
    is_entered: bool


def walk(spans: Iterable[Span]) -> Iterator[Turn]:
    """Walk through a trace; of several spans with one id the first counts."""
    by_id: dict[str, Span] = {}
    for span in spans:
        by_id.setdefault(span.span_id, span)
    below: dict[str, list[Span]] = {}
    tops: list[Span] = []
    for span in by_id.values():
        parent = span.parent_span_id
        (tops if parent is None or parent not in by_id else below.setdefault(parent, [])).append(span)
    seen: set[str] = set()
    # What is left after the tops are circles of parents; each is entered where it began.
    for top in (*sorted(tops, key=_top_order), *sorted(by_id.values(), key=_top_order)):
        yield from _walk_below(top, below, seen)


def _walk_below(top: Span, below: dict[str, list[Span]], seen: set[str]) -> Iterator[Turn]:
    """Without recursion, since a told tree may be deeper than the interpreter's stack."""
    if top.span_id in seen:
        return
    seen.add(top.span_id)
    yield Turn(top, None, is_entered=True)
    path = [(top, _children(top, below))]
    while path:
        above, children = path[-1]
        child = next((each for each in children if each.span_id not in seen), None)
        if child is None:
            path.pop()
            yield Turn(above, path[-1][0] if path else None, is_entered=False)
            continue
        seen.add(child.span_id)
        yield Turn(child, above, is_entered=True)
        path.append((child, _children(child, below)))


def _children(span: Span, below: dict[str, list[Span]]) -> Iterator[Span]:
    return iter(sorted(below.get(span.span_id, ()), key=_sibling_order))


def _sibling_order(span: Span) -> tuple[bool, int, int, str]:
    return span.ordinal is None, span.ordinal or 0, span.start_ns, span.span_id


def _top_order(span: Span) -> tuple[bool, bool, int, str]:
    return span.service != HARNESS, span.parent_span_id is not None, span.start_ns, span.span_id
