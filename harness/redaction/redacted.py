"""The types that only this package makes, so that an unredacted write is a type error.

It decides nothing. The doubt that remains: a ``NewType`` is kept by the type checker and by review, not at run time.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Final, NamedTuple, NewType

if TYPE_CHECKING:
    from collections.abc import Iterable

RedactedText = NewType("RedactedText", str)
"""Text that has passed a redactor; writers of evidence, terminal, logs and reports accept nothing else."""

RedactedBytes = NewType("RedactedBytes", bytes)
"""The same for bytes: archive members, streams and bodies that need not be text."""

MARKER: Final = "[REDACTED]"
"""No quote and no backslash in it, so that it stands inside any JSON string."""

MARKER_BYTES: Final = MARKER.encode()

SHORTEST: Final = 8
"""Characters; a shorter value tears ordinary words apart, and is refused before a run begins."""


class HitClass(IntEnum):
    """How a secret was found; the lower number wins where two ways found the same place."""

    VALUE = 0
    FRAGMENT = 1
    BROKEN_UP = 2
    ESCAPED = 3
    ENCODED = 4
    MESSAGE = 5
    UNREAD = 6
    """Not found: the text would have taken too long to be searched to its end, and the rest was replaced unread."""
    KEY = 7


class Span(NamedTuple):
    """Bytes from ``start`` to ``end`` (exclusive) that must not be written."""

    start: int
    end: int
    hit: HitClass


class Found(NamedTuple):
    """What a search of some bytes has settled.

    Attributes:
        spans: In any order; they may overlap.
        resume: Every span that starts before it is among ``spans``; from it the next search must start.
    """

    spans: list[Span]
    resume: int


def replaced(data: bytes, spans: Iterable[Span]) -> RedactedBytes:
    """Put a marker for each span.

    Args:
        data: What was searched.
        spans: All that was found, merged.
    """
    pieces, at = [], 0
    for span in spans:
        pieces += [data[at : span.start], MARKER_BYTES]
        at = span.end
    return RedactedBytes(b"".join([*pieces, data[at:]]))


def merged(spans: list[Span]) -> list[Span]:
    """Join spans that overlap; without it nested, overlapping or prefix-sharing secrets leave their tails behind."""
    joined: list[Span] = []
    for span in sorted(spans):
        if joined and span.start < joined[-1].end:
            last = joined[-1]
            joined[-1] = Span(last.start, max(last.end, span.end), min(last.hit, span.hit))
        else:
            joined.append(span)
    return joined
