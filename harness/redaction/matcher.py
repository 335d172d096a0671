"""Which bytes of a text belong to a needle or to a fragment of one.

Only the head of each needle goes into the automaton: the rest is compared where a head was seen. That keeps it small
enough for the processor's cache, and tells how much of a stream may be let go: all but what could be the beginning of
a needle. It decides nothing about text that is not spelt out; that is the business of the views.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from harness.redaction.fragments import SEED, Fragmented
from harness.redaction.pattern_search import AhoCorasick
from harness.redaction.redacted import Found, HitClass, Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from harness.redaction.pattern_search import PatternSearch

HEAD: Final = 16


class _Target(Protocol):
    """What may stand where a pattern was seen."""

    def look(self, data: bytes, at: int, *, final: bool) -> Span | None:
        """The span around ``at``; one that ends beyond the data waits for more of it."""


class _Whole:
    __slots__ = ("_needle",)

    def __init__(self, needle: bytes) -> None:
        self._needle = needle

    def look(self, data: bytes, at: int, *, final: bool) -> Span | None:
        end = at + len(self._needle)
        if data.startswith(self._needle, at) or (not final and end > len(data) and self._needle.startswith(data[at:])):
            return Span(at, end, HitClass.VALUE)
        return None


class _Seed:
    __slots__ = ("_offset", "_source")

    def __init__(self, source: Fragmented, offset: int) -> None:
        self._source = source
        self._offset = offset

    def look(self, data: bytes, at: int, *, final: bool) -> Span | None:
        text, offset = self._source.text, self._offset
        before = _shared(data[max(0, at - offset) : at][::-1], text[:offset][::-1])
        after = SEED + _shared(data[at + SEED : at + len(text) - offset], text[offset + SEED :])
        start, end = at - before, at + after
        # At the edge of the data the fragment may go on; only a longer text tells.
        if not final and end == len(data) and offset + after < len(text):
            return Span(start, end + 1, HitClass.FRAGMENT)
        return Span(start, end, HitClass.FRAGMENT) if self._source.tells(offset - before, offset + after) else None


class Matcher:
    """Finds needles, and fragments of some texts.

    Args:
        whole: Needles of at least eight bytes.
        in_part: Texts of which fragments are searched.
        public: What is no fragment of a secret.
        search: The engine; tests pass the plain one.
    """

    def __init__(
        self,
        whole: Iterable[bytes],
        in_part: Iterable[bytes],
        *,
        public: frozenset[bytes],
        search: Callable[[Sequence[bytes]], PatternSearch] = AhoCorasick,
    ) -> None:
        targets: dict[bytes, list[_Target]] = {}
        for needle in sorted(whole):
            targets.setdefault(needle[:HEAD], []).append(_Whole(needle))
        for source in (Fragmented(text, public) for text in sorted(in_part)):
            for offset, seed in source.seeds():
                targets.setdefault(seed, []).append(_Seed(source, offset))
        self._targets = list(targets.values())
        self._search = search(list(targets)) if targets else None

    def find(self, data: bytes, *, final: bool) -> Found:
        """Search all of ``data``; ``final`` says that nothing follows it.

        Unless final, the result resumes at the first byte that may still turn out to be the start of a span.
        """
        resume = len(data) if final else max(0, len(data) - HEAD + 1)
        hits = self._search.hits(data) if self._search else ()
        return _settle(data, self._looked_at(data, hits, final=final), resume) if hits else Found([], resume)

    def spans(self, data: bytes) -> list[Span]:
        """Search a text that nothing follows."""
        hits = self._search.hits(data) if self._search else ()
        return _settle(data, self._looked_at(data, hits, final=True), len(data)).spans if hits else []

    def _looked_at(self, data: bytes, hits: Sequence[tuple[int, int, int]], *, final: bool) -> list[Span]:
        looked_at = (target.look(data, at, final=final) for number, at, _ in hits for target in self._targets[number])
        # Each seed of a fragment finds the same fragment.
        return list(dict.fromkeys(span for span in looked_at if span))


def _settle(data: bytes, spans: list[Span], resume: int) -> Found:
    waiting = [span.start for span in spans if span.end > len(data)]
    resume = min([resume, *waiting])
    return Found([_whole_characters(data, span) for span in spans if span.start < resume], resume)


def _whole_characters(data: bytes, span: Span) -> Span:
    """Widen to whole UTF-8 characters, so that text stays text: continuation bytes are 10xxxxxx."""
    start, end = span.start, span.end
    while start > 0 and start < len(data) and data[start] & 0xC0 == 0x80:  # noqa: PLR2004  # bit masks of UTF-8
        start -= 1
    while end < len(data) and data[end] & 0xC0 == 0x80:  # noqa: PLR2004  # bit masks of UTF-8
        end += 1
    return Span(start, end, span.hit)


def _shared(left: bytes, right: bytes) -> int:
    """Length of the common prefix."""
    if right.startswith(left):
        return len(left)
    return next((at for at, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right)))
