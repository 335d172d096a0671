"""Which bytes of a text belong to a needle or to a fragment of one.

Only the head of each needle goes into the automaton: the rest is compared where a head was seen. That keeps it small
enough for the processor's cache. A fragment is found by each of its seeds, and looked at once. It decides nothing about
text that is not spelt out; that is the business of the views.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from harness.redaction.effort import FOR_A_HIT, FOR_A_LOOK
from harness.redaction.fragments import SEED, Fragmented
from harness.redaction.pattern_search import AhoCorasick
from harness.redaction.redacted import HitClass, Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from harness.redaction.effort import Effort
    from harness.redaction.pattern_search import PatternSearch

HEAD: Final = 16
_FARTHEST: Final = 1 << 48
"""Beyond any place in a text."""


class _Whole:
    """A needle, of which the first bytes were seen."""

    __slots__ = ("_needle",)

    def __init__(self, needle: bytes) -> None:
        self._needle = needle

    def look(self, data: bytes, at: int) -> Span | None:
        """The span around ``at``."""
        return Span(at, at + len(self._needle), HitClass.VALUE) if data.startswith(self._needle, at) else None


class _Seed:
    """A text of which some bytes in a row were seen.

    Attributes:
        begin: Added to the place of a seed it gives one number for all seeds of one copy of the text, wherever the
            text would begin, and another for any other copy or text.
    """

    __slots__ = ("_offset", "_source", "begin")

    def __init__(self, number: int, source: Fragmented, offset: int) -> None:
        self.begin = number * _FARTHEST - offset
        self._source, self._offset = source, offset

    def look(self, data: bytes, at: int) -> tuple[Span, bool]:
        """What is the same around ``at``, and whether it tells anything."""
        text, offset = self._source.text, self._offset
        before = _shared(data[max(0, at - offset) : at][::-1], text[max(0, offset - at) : offset][::-1])
        after = SEED + _shared(data[at + SEED : at + len(text) - offset], text[offset + SEED :])
        tells = self._source.tells(offset - before, offset + after)
        return Span(at - before, at + after, HitClass.FRAGMENT), tells


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
        heads: dict[bytes, list[_Whole]] = {}
        for needle in sorted(whole):
            heads.setdefault(needle[:HEAD], []).append(_Whole(needle))
        seeds: dict[bytes, list[_Seed]] = {}
        for number, source in enumerate(Fragmented(text, public) for text in sorted(in_part)):
            for offset, seed in source.seeds():
                seeds.setdefault(seed, []).append(_Seed(number, source, offset))
        patterns = list(heads | seeds)
        self._heads = [heads.get(pattern, []) for pattern in patterns]
        self._seeds = [seeds.get(pattern, []) for pattern in patterns]
        self._search = search(patterns) if patterns else None

    def spans(self, data: bytes, effort: Effort) -> list[Span]:
        """Where needles and fragments are.

        Raises:
            SpentError: There are too many.
        """
        hits = self._search.hits(data) if self._search else ()
        if not hits:
            return []
        effort.spend(len(hits) * FOR_A_HIT)
        return [_whole_characters(data, span) for span in self._looked_at(data, hits, effort)]

    def _looked_at(self, data: bytes, hits: Sequence[tuple[int, int, int]], effort: Effort) -> Iterable[Span]:
        found: dict[Span, None] = {}
        compared: dict[int, Span] = {}
        for number, at, _ in hits:
            for seed in self._seeds[number]:
                known = compared.get(seed.begin + at)
                if known and known.start <= at < known.end:
                    continue
                effort.spend(FOR_A_LOOK)
                known, tells = seed.look(data, at)
                compared[seed.begin + at] = known
                if tells:
                    found[known] = None
            for needle in self._heads[number]:
                effort.spend(FOR_A_LOOK)
                if span := needle.look(data, at):
                    found[span] = None
        return found


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
    length = min(len(left), len(right))
    # What differs is found in one step: the highest bit that is not the same.
    differing = int.from_bytes(left[:length], "big") ^ int.from_bytes(right[:length], "big")
    return length - (differing.bit_length() + 7) // 8
