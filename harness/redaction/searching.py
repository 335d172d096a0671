"""The whole search of a text: what is spelt out in it, and what every view of it spells out.

Two matchers share the work. One knows the needles as they are; the other knows them reduced to letters and digits, and
serves the view in which every separator is gone. A third, mostly empty, knows what has too few letters for that.
Long texts are searched in windows cut at fixed offsets, so that the result never depends on how the text arrived. The
doubt: a secret spread over more bytes than two windows share (32 KiB) is found only where its spelling is plain.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from harness.redaction.decoding import decoded, inflated, runs_in
from harness.redaction.effort import FOR_A_FIND, FOR_A_PART, FOR_AN_ESCAPE, MOST, UNPACKED_FOR_ONE, Effort, SpentError
from harness.redaction.fragments import public_texts
from harness.redaction.matcher import Matcher
from harness.redaction.pattern_search import AhoCorasick
from harness.redaction.redacted import MARKER_BYTES, SHORTEST, Found, HitClass, Span, merged
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
        """Tell what is settled, from the beginning on, in as many steps as it takes.

        Each step's spans that reach beyond its ``resume`` stand. Unless ``final``, the steps end where more data is
        needed, and the next search is to begin there.
        """
        yield from self._search(data, Effort(), final=final)

    def spans(self, data: bytes) -> list[Span]:
        """Search a whole text; what would take too long is taken for a secret."""
        found: list[Span] = []
        read = 0
        try:
            for settled in self._search(data, Effort(MOST), final=True):
                found += settled.spans
                read = settled.resume
        except SpentError:
            read = max([read, *(span.end for span in found)])
            return [*merged(found), Span(read, len(data), HitClass.UNREAD)]
        return merged(found)

    def is_in(self, data: bytes, effort: Effort | None = None) -> bool:
        """Whether a search of all of ``data`` would find a needle or a fragment of one, as soon as that is known.

        Most of what holds one spells it out, and then no view of it need be made.

        Args:
            data: What is searched.
            effort: What the search may cost; without it there is no bound.

        Raises:
            SpentError: It is used up.
        """
        effort = effort or Effort()
        if any(self.plain.spans(text, effort) for text in data.split(MARKER_BYTES)):
            return True
        found = self._search(data, effort, final=True)
        return any(span.hit is not HitClass.MESSAGE for settled in found for span in settled.spans)

    def _search(self, data: bytes, effort: Effort, *, final: bool) -> Iterator[Found]:
        at = 0
        while at < len(data) and (final or len(data) - at >= WINDOW_STEP + WINDOW_SHARED):
            window = data[at : at + WINDOW_STEP + WINDOW_SHARED]
            spans = [Span(at + start, at + stop, hit) for start, stop, hit in self._in_window(window, effort)]
            at = min(at + WINDOW_STEP, len(data))
            yield Found(spans, at)

    def _in_window(self, window: bytes, effort: Effort) -> Iterator[Span]:
        if _REFUSED in window:
            yield from (Span(*found.span(1), HitClass.MESSAGE) for found in _REFUSED_KEY.finditer(window))
        allowance = _Allowance(MOST_READ, effort, packed=_Allowance(MOST_READ, effort))
        at = 0
        # No view may join what a marker parts or read its letters, or redacting twice would not be redacting once.
        for text in window.split(MARKER_BYTES):
            # What is shorter holds no needle, whatever it is the spelling of.
            if len(text) >= SHORTEST:
                effort.spend(FOR_A_PART)
                for start, end, hit in self._explore(text, LAYERS, allowance):
                    yield Span(at + start, at + end, hit)
            at += len(text) + len(MARKER_BYTES)

    def _explore(self, text: bytes, layers: int, allowance: _Allowance) -> list[Span]:
        """Search a text, the same with escapes undone, layer by layer, and what is encoded in the first and last."""
        if not layers or not allowance.take(len(text)):
            return []
        spans = self._read(text, allowance)
        spans += self._open(text, layers - 1, allowance)
        undone = unescaped(text)
        if undone:
            allowance.effort.spend(undone.count * FOR_AN_ESCAPE)
            spans += allowance.mapped(self._undo(undone.text, layers - 1, allowance), undone, HitClass.ESCAPED)
        return spans

    def _undo(self, text: bytes, layers: int, allowance: _Allowance) -> list[Span]:
        if not allowance.take(len(text)):
            return []
        spans = self._read(text, allowance)
        undone = unescaped(text) if layers else None
        if undone is None:
            return spans + self._open(text, layers, allowance)
        allowance.effort.spend(undone.count * FOR_AN_ESCAPE)
        return spans + allowance.mapped(self._undo(undone.text, layers - 1, allowance), undone, HitClass.ESCAPED)

    def _read(self, text: bytes, allowance: _Allowance) -> list[Span]:
        spans = self.plain.spans(text, allowance.effort)
        letters = letters_only(text)
        spans += allowance.mapped(self._letters.spans(letters.text, allowance.effort), letters, HitClass.BROKEN_UP)
        if self._signs:
            gapless = without_gaps(text)
            spans += allowance.mapped(self._signs.spans(gapless.text, allowance.effort), gapless, HitClass.BROKEN_UP)
        return spans

    def _open(self, text: bytes, layers: int, allowance: _Allowance) -> list[Span]:
        spans: list[Span] = []
        if not layers:
            return spans
        packed = allowance.packed or allowance
        for part in inflated(text):
            # Unpacked it is already, whether or not it may still be read.
            allowance.effort.spend(len(part.text) // UNPACKED_FOR_ONE)
            spans += allowance.mapped(self._explore(part.text, layers, packed), part, HitClass.ENCODED)
        joined = without_line_ends(text)
        runs = runs_in(joined.text)
        if runs:
            spans += allowance.mapped(self._decode(runs, layers, allowance), joined, HitClass.ENCODED)
        return spans

    def _decode(self, runs: Runs, layers: int, allowance: _Allowance) -> list[Span]:
        spans: list[Span] = []
        # Undoing escapes mostly leaves the runs as they are; the same once more holds no more than before.
        spelt = b" ".join(runs.texts)
        if allowance.barren.get(spelt, 0) >= layers:
            return spans
        for view in decoded(runs):
            spans += allowance.mapped(self._explore(view.text, layers, allowance), view, HitClass.ENCODED)
        if not spans:
            allowance.barren[spelt] = layers
        return spans


@dataclass(slots=True)
class _Allowance:
    """Bytes that may still be read of one window.

    Attributes:
        effort: Of the text as a whole.
        packed: What may be read of compressed parts, apart, so that no bomb takes the time of anything else.
        barren: Runs in which nothing was found, with the layers that were opened.
    """

    left: int
    effort: Effort
    packed: _Allowance | None = None
    barren: dict[bytes, int] = field(default_factory=dict)

    def take(self, size: int) -> bool:
        """Whether ``size`` bytes more may be read; nothing is nothing to read."""
        self.effort.spend(size)
        self.left -= size
        return size > 0 and self.left >= 0

    def mapped(self, spans: list[Span], view: View, hit: HitClass) -> list[Span]:
        """What was found in a view, where it stands in the view's source."""
        self.effort.spend(len(spans) * FOR_A_FIND)
        # Many finds in a view come from one place of its source, and each would be mapped again by every view around.
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
