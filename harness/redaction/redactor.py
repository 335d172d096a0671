"""The one way from bytes to what may be written: text, bytes, JSON and streams, with every known secret replaced.

It knows the values of one run and counts what it replaced, per source and class. It never learns from its own output,
and it never says what it found. Redacting twice changes nothing, and the order of the secrets does not matter.
"""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING

from harness.redaction.fragments import public_texts
from harness.redaction.json_redaction import redact_json
from harness.redaction.matcher import Matcher
from harness.redaction.needles import needles_for, utf8
from harness.redaction.pattern_search import AhoCorasick
from harness.redaction.redacted import HitClass, RedactedBytes, RedactedText
from harness.redaction.searching import AllViews, SpeltOut
from harness.redaction.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from harness.redaction.pattern_search import PatternSearch
    from harness.redaction.searching import Finder
    from harness.redaction.secret import SecretSet


class Layers(StrEnum):
    """How deep a stream is searched."""

    SPELT_OUT = "spelt_out"
    """Spelt forms only, at 300 MB/s; holds back no more than the beginning of a form. For output watched live."""
    FRAGMENTS = "fragments"
    """Also parts of values, as promptly."""
    ALL = "all"
    """Also every view; holds back up to 256 KiB. For everything that is kept."""


class Redactor:
    """Replaces secrets by ``[REDACTED]``.

    Args:
        secrets: The values of this run.
        search: The engine that looks for needles; tests pass the one without dependencies.
    """

    def __init__(self, secrets: SecretSet, *, search: Callable[[Sequence[bytes]], PatternSearch] = AhoCorasick) -> None:
        self._needles = needles_for(member.secret for member in secrets)
        self._search = search
        self._all = AllViews(self._needles, search=search)
        self._hits: Counter[tuple[str, HitClass]] = Counter()

    @property
    def needle_count(self) -> int:
        """How many byte strings are searched for; recorded in the manifest."""
        return len(self._needles.whole)

    def text(self, text: str, *, source: str = "") -> RedactedText:
        """Redact a whole text.

        Args:
            text: Any string; lone surrogates stay as they are.
            source: What the hits are counted under: a path of ours or the name of a stream.
        """
        return RedactedText(self.bytes(utf8(text), source=source).decode("utf-8", "surrogatepass"))

    def bytes(self, data: bytes, *, source: str = "") -> RedactedBytes:
        """Redact a whole body, which is feeding a stream once."""
        stream = self.stream(source=source)
        return RedactedBytes(stream.feed(data) + stream.close())

    def json(self, document: str, *, source: str = "") -> RedactedText:
        """Redact a JSON document by key and by value; it stays the same document in shape, order and numbers.

        A document that does not parse is redacted as text.
        """
        redacted = redact_json(document, self._all, self._counter(source))
        return self.text(document, source=source) if redacted is None else RedactedText(redacted)

    def stream(self, layers: Layers = Layers.ALL, *, source: str = "") -> Stream:
        """Open a stream of bytes; feed it, write what it returns, and close it."""
        return Stream(self._finder(layers), self._counter(source))

    def hits(self) -> dict[str, dict[str, int]]:
        """Replacements so far by source and class, for ``reports/redaction.json``; no value, no place, no length."""
        report: dict[str, dict[str, int]] = {}
        for (source, hit), count in sorted(self._hits.items()):
            report.setdefault(self.text(source), {})[hit.name.lower()] = count
        return report

    def _counter(self, source: str) -> Callable[[HitClass], None]:
        def count(hit: HitClass) -> None:
            self._hits[source, hit] += 1

        return count

    def _finder(self, layers: Layers) -> Finder:
        if layers is Layers.ALL:
            return self._all
        in_part = self._needles.in_part if layers is Layers.FRAGMENTS else ()
        return SpeltOut(Matcher(self._needles.whole, in_part, public=public_texts(), search=self._search))
