"""Redaction of bytes as they arrive; redacting a whole text is feeding the stream once.

It decides when bytes may leave: never before every span that starts in front of them is known, so that any way of
cutting the input gives the same output. A span that reaches into what is held back is written as one marker at its
beginning, and its rest is swallowed when it comes. It finds nothing itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.redaction.redacted import MARKER_BYTES, RedactedBytes, Span, merged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.redaction.redacted import HitClass
    from harness.redaction.searching import AllViews


class Stream:
    """One stream of bytes on its way out.

    Args:
        finder: What is searched for, and how.
        count: Called with the class of each marker that is written.
    """

    def __init__(self, finder: AllViews, count: Callable[[HitClass], None]) -> None:
        self._finder = finder
        self._count = count
        self._held = b""
        # Positions below count from the beginning of what is held.
        self._ahead: list[Span] = []
        self._covered = 0

    def feed(self, data: bytes) -> RedactedBytes:
        """Take bytes and return those that may be written now, which may be none."""
        return self._advance(data, final=False)

    def close(self) -> RedactedBytes:
        """Return what is left; the stream may not be fed again."""
        return self._advance(b"", final=True)

    def _advance(self, data: bytes, *, final: bool) -> RedactedBytes:
        held = self._held + data if self._held else data
        written: list[bytes] = []
        at = 0
        for found in self._finder.search(held, final=final):
            self._ahead += found.spans
            written += self._settled(held, at, found.resume)
            at = found.resume
        self._held = held[at:]
        self._covered = max(0, self._covered - at)
        self._ahead = [Span(span.start - at, span.end - at, span.hit) for span in self._ahead]
        return RedactedBytes(b"".join(written))

    def _settled(self, held: bytes, start: int, end: int) -> Iterator[bytes]:
        """What is written for the bytes from ``start`` to ``end``, in which no new span can begin any more."""
        at = max(start, self._covered)
        spans = merged(self._ahead)
        self._ahead = [span for span in spans if span.start >= end]
        for span in spans[: len(spans) - len(self._ahead)]:
            if span.start >= self._covered:
                self._count(span.hit)
                yield held[at : span.start]
                yield MARKER_BYTES
            at = self._covered = max(self._covered, span.end)
        yield held[at:end]
