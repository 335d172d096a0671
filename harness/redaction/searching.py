"""The whole search of a text: what is spelt out in it, and what every view of it spells out.

Two matchers share the work. One knows the needles as they are; the other knows them reduced to letters and digits, and
serves the view in which every separator is gone. A third, mostly empty, knows what has too few letters for that.
Long texts are searched in windows cut at fixed offsets, so that the result never depends on how the text arrived. The
doubt: a secret spread over more bytes than two windows share (32 KiB) is found only where its spelling is plain.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from harness.redaction.decoding import decoded, inflated
from harness.redaction.fragments import public_texts
from harness.redaction.matcher import Matcher
from harness.redaction.pattern_search import AhoCorasick
from harness.redaction.redacted import MARKER_BYTES, SHORTEST, Found, HitClass, Span
from harness.redaction.views import letters_only, unescaped, without_gaps, without_line_ends

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from harness.redaction.needles import Needles
    from harness.redaction.pattern_search import PatternSearch
    from harness.redaction.views import View

WINDOW_STEP: Final = 224 << 10
WINDOW_SHARED: Final = 32 << 10
"""Bytes that a window shares with the next one; a key of 164 characters, each with a colour code, takes 2 KiB."""

LAYERS: Final = 5
"""Texts within one another: a base64 of a gzip of JSON in JSON has five."""
MOST_READ: Final = 16 << 20
"""Bytes of views read for one window; compressed bombs end here."""

_DIGITS_TELL: Final = 16
"""Digits alone that make a needle once separators are gone; fewer could be a date and a time."""

_REFUSED_KEY: Final = re.compile(
    rb"Incorrect API key provided:\s*((?!" + re.escape(MARKER_BYTES) + rb")[^\s\"'\\<>]*[^\s\"'\\<>.])"
)
"""Providers show the head and the tail of a refused key, too short to be a fragment."""


class Finder(Protocol):
    """Finds spans in bytes that may go on."""

    def search(self, data: bytes, *, final: bool) -> Iterator[Found]:
        """Tell what is settled, from the beginning on, in as many steps as it takes.

        Each step's spans that reach beyond its ``resume`` stand. Unless ``final``, the steps end where more data is
        needed, and the next search is to begin there.
        """


@dataclass(frozen=True, slots=True)
class SpeltOut:
    """Finds what a matcher knows, and holds back no more than a beginning of it: for output that is watched live."""

    matcher: Matcher

    def search(self, data: bytes, *, final: bool) -> Iterator[Found]:
        """See ``Finder``."""
        yield self.matcher.find(data, final=final)


class AllViews:
    """Finds in the text and in all views of it, window by window.

    Args:
        needles: What is searched for.
        search: The engine of the matchers.
    """

    def __init__(self, needles: Needles, *, search: Callable[[Sequence[bytes]], PatternSearch] = AhoCorasick) -> None:
        public = public_texts()
        bare_public = frozenset(_long_enough(_letters(text) for text in public))
        texts = (needles.whole, needles.in_part)
        self._plain = Matcher(*texts, public=public, search=search)
        bare = (_telling(_letters(text) for text in some) for some in texts)
        self._letters = Matcher(*bare, public=bare_public, search=search)
        # Mostly empty, and then no time is spent on it: needles of which too few letters are left to be found by them.
        signs = [_long_enough(without_gaps(text).text for text in some if _mostly_signs(text)) for some in texts]
        self._signs = Matcher(*signs, public=public, search=search) if any(signs) else None

    def search(self, data: bytes, *, final: bool) -> Iterator[Found]:
        """See ``Finder``."""
        at = 0
        while at < len(data) and (final or len(data) - at >= WINDOW_STEP + WINDOW_SHARED):
            window = data[at : at + WINDOW_STEP + WINDOW_SHARED]
            spans = [Span(at + start, at + stop, hit) for start, stop, hit in self._spans(window)]
            at = min(at + WINDOW_STEP, len(data))
            yield Found(spans, at)

    def _spans(self, window: bytes) -> Iterator[Span]:
        yield from (Span(*found.span(1), HitClass.MESSAGE) for found in _REFUSED_KEY.finditer(window))
        allowance = _Allowance(MOST_READ, packed=_Allowance(MOST_READ))
        at = 0
        # No view may join what a marker parts or read its letters, or redacting twice would not be redacting once.
        for text in window.split(MARKER_BYTES):
            yield from (Span(at + start, at + end, hit) for start, end, hit in self._explore(text, LAYERS, allowance))
            at += len(text) + len(MARKER_BYTES)

    def _explore(self, text: bytes, layers: int, allowance: _Allowance) -> Iterator[Span]:
        """Search a text, the same with escapes undone, layer by layer, and what is encoded in the first and last."""
        if not layers or not allowance.take(len(text)):
            return
        yield from self._read(text)
        yield from self._open(text, layers - 1, allowance)
        undone = unescaped(text)
        if undone is None:
            return
        yield from _mapped(self._undo(undone.text, layers - 1, allowance), undone, HitClass.ESCAPED)

    def _undo(self, text: bytes, layers: int, allowance: _Allowance) -> Iterator[Span]:
        if not allowance.take(len(text)):
            return
        yield from self._read(text)
        undone = unescaped(text) if layers else None
        if undone is None:
            yield from self._open(text, layers, allowance)
        else:
            yield from _mapped(self._undo(undone.text, layers - 1, allowance), undone, HitClass.ESCAPED)

    def _read(self, text: bytes) -> Iterator[Span]:
        yield from self._plain.find(text, final=True).spans
        letters = letters_only(text)
        yield from _mapped(self._letters.find(letters.text, final=True).spans, letters, HitClass.BROKEN_UP)
        if self._signs:
            gapless = without_gaps(text)
            yield from _mapped(self._signs.find(gapless.text, final=True).spans, gapless, HitClass.BROKEN_UP)

    def _open(self, text: bytes, layers: int, allowance: _Allowance) -> Iterator[Span]:
        packed = allowance.packed or allowance
        for part in inflated(text):
            yield from _mapped(self._explore(part.text, layers, packed), part, HitClass.ENCODED)
        joined = without_line_ends(text)
        for view in decoded(joined.text):
            inside = _mapped(self._explore(view.text, layers, allowance), view, HitClass.ENCODED)
            yield from _mapped(inside, joined, HitClass.ENCODED)


@dataclass(slots=True)
class _Allowance:
    """Bytes that may still be read.

    Attributes:
        packed: What may be read of compressed parts, apart, so that no bomb takes the time of anything else.
    """

    left: int
    packed: _Allowance | None = None

    def take(self, size: int) -> bool:
        """Whether ``size`` bytes more may be read; nothing is nothing to read."""
        self.left -= size
        return size > 0 and self.left >= 0


def _mapped(spans: Iterator[Span] | list[Span], view: View, hit: HitClass) -> Iterator[Span]:
    for span in spans:
        start, end = view.locate(span.start, span.end)
        yield Span(start, end, max(hit, span.hit))


def _letters(text: bytes) -> bytes:
    return letters_only(text).text


def _long_enough(texts: Iterable[bytes]) -> set[bytes]:
    return {text for text in texts if len(text) >= SHORTEST}


def _telling(texts: Iterable[bytes]) -> set[bytes]:
    return {text for text in _long_enough(texts) if len(text) >= _DIGITS_TELL or not text.isdigit()}


def _mostly_signs(text: bytes) -> bool:
    letters = _letters(text)
    return len(letters) * 3 < len(text) * 2 or not _telling({letters})
