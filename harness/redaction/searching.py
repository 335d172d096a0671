"""The whole search of a text: what is spelt out in it, and what every view of it spells out.

Two matchers share the work. One knows the needles as they are; the other knows them reduced to letters and digits, and
serves the view in which every separator is gone. A third, mostly empty, knows what has too few letters for that.
Long texts are searched in windows cut at fixed offsets, so that the result never depends on how the text arrived. The
doubt: a secret spread over more bytes than two windows share (32 KiB) is found only where its spelling is plain.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from harness.redaction.decoding import decoded, inflated, runs_in
from harness.redaction.fragments import public_texts
from harness.redaction.matcher import Matcher
from harness.redaction.pattern_search import AhoCorasick
from harness.redaction.redacted import MARKER_BYTES, SHORTEST, Found, HitClass, Span
from harness.redaction.views import letters_only, unescaped, without_gaps, without_line_ends

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from harness.redaction.decoding import Runs
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

_REFUSED: Final = b"Incorrect API key provided:"
_REFUSED_KEY: Final = re.compile(_REFUSED + rb"\s*((?!" + re.escape(MARKER_BYTES) + rb")[^\s\"'\\<>]*[^\s\"'\\<>.])")
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

    Attributes:
        plain: Finds what is spelt out, and fragments of it.
    """

    def __init__(self, needles: Needles, *, search: Callable[[Sequence[bytes]], PatternSearch] = AhoCorasick) -> None:
        public = public_texts()
        bare_public = frozenset(_long_enough(_letters(text) for text in public))
        texts = (needles.whole, needles.in_part)
        self.plain = Matcher(*texts, public=public, search=search)
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

    def is_in(self, data: bytes) -> bool:
        """Whether a search of all of ``data`` would find a needle or a fragment of one, as soon as that is known.

        Most of what holds one spells it out, and then no view of it need be made.
        """
        if any(self.plain.spans(text) for text in data.split(MARKER_BYTES)):
            return True
        found = self.search(data, final=True)
        return any(span.hit is not HitClass.MESSAGE for settled in found for span in settled.spans)

    def _spans(self, window: bytes) -> Iterator[Span]:
        if _REFUSED in window:
            yield from (Span(*found.span(1), HitClass.MESSAGE) for found in _REFUSED_KEY.finditer(window))
        allowance = _Allowance(MOST_READ, packed=_Allowance(MOST_READ))
        at = 0
        # No view may join what a marker parts or read its letters, or redacting twice would not be redacting once.
        for text in window.split(MARKER_BYTES):
            for start, end, hit in self._explore(text, LAYERS, allowance):
                yield Span(at + start, at + end, hit)
            at += len(text) + len(MARKER_BYTES)

    def _explore(self, text: bytes, layers: int, allowance: _Allowance) -> list[Span]:
        """Search a text, the same with escapes undone, layer by layer, and what is encoded in the first and last."""
        if not layers or not allowance.take(len(text)):
            return []
        spans = self._read(text)
        spans += self._open(text, layers - 1, allowance)
        undone = unescaped(text)
        if undone:
            spans += _mapped(self._undo(undone.text, layers - 1, allowance), undone, HitClass.ESCAPED)
        return spans

    def _undo(self, text: bytes, layers: int, allowance: _Allowance) -> list[Span]:
        if not allowance.take(len(text)):
            return []
        spans = self._read(text)
        undone = unescaped(text) if layers else None
        if undone is None:
            return spans + self._open(text, layers, allowance)
        return spans + _mapped(self._undo(undone.text, layers - 1, allowance), undone, HitClass.ESCAPED)

    def _read(self, text: bytes) -> list[Span]:
        spans = self.plain.spans(text)
        letters = letters_only(text)
        spans += _mapped(self._letters.spans(letters.text), letters, HitClass.BROKEN_UP)
        if self._signs:
            gapless = without_gaps(text)
            spans += _mapped(self._signs.spans(gapless.text), gapless, HitClass.BROKEN_UP)
        return spans

    def _open(self, text: bytes, layers: int, allowance: _Allowance) -> list[Span]:
        spans: list[Span] = []
        if not layers:
            return spans
        packed = allowance.packed or allowance
        for part in inflated(text):
            spans += _mapped(self._explore(part.text, layers, packed), part, HitClass.ENCODED)
        joined = without_line_ends(text)
        runs = runs_in(joined.text)
        if runs:
            spans += _mapped(self._decode(runs, layers, allowance), joined, HitClass.ENCODED)
        return spans

    def _decode(self, runs: Runs, layers: int, allowance: _Allowance) -> list[Span]:
        spans: list[Span] = []
        # Undoing escapes mostly leaves the runs as they are; the same once more holds no more than before.
        spelt = b" ".join(runs.texts)
        if allowance.barren.get(spelt, 0) >= layers:
            return spans
        for view in decoded(runs):
            spans += _mapped(self._explore(view.text, layers, allowance), view, HitClass.ENCODED)
        if not spans:
            allowance.barren[spelt] = layers
        return spans


@dataclass(slots=True)
class _Allowance:
    """Bytes that may still be read.

    Attributes:
        packed: What may be read of compressed parts, apart, so that no bomb takes the time of anything else.
        barren: Runs in which nothing was found, with the layers that were opened.
    """

    left: int
    packed: _Allowance | None = None
    barren: dict[bytes, int] = field(default_factory=dict)

    def take(self, size: int) -> bool:
        """Whether ``size`` bytes more may be read; nothing is nothing to read."""
        self.left -= size
        return size > 0 and self.left >= 0


def _mapped(spans: list[Span], view: View, hit: HitClass) -> list[Span]:
    # Many finds in a view come from one place of its source, and each would be mapped again by every view around it.
    return list({Span(*view.locate(start, end), max(hit, found)): None for start, end, found in spans})


def _letters(text: bytes) -> bytes:
    return letters_only(text).text


def _long_enough(texts: Iterable[bytes]) -> set[bytes]:
    return {text for text in texts if len(text) >= SHORTEST}


def _telling(texts: Iterable[bytes]) -> set[bytes]:
    return {text for text in _long_enough(texts) if len(text) >= _DIGITS_TELL or not text.isdigit()}


def _mostly_signs(text: bytes) -> bool:
    letters = _letters(text)
    return len(letters) * 3 < len(text) * 2 or not _telling({letters})
