"""The one way from bytes to what may be written: text, bytes, JSON and streams, with every known secret replaced.

It knows the values of one run and counts what it replaced, per source and class; it names the variables, and never
says what it found. It never learns from its own output. Redacting twice changes nothing, and the order of the secrets
does not matter. The doubt: what a stream replaced is counted and not attributed.
"""

from __future__ import annotations

from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Final

from harness.redaction.attribution import Attribution
from harness.redaction.findings import Findings
from harness.redaction.fragments import public_texts
from harness.redaction.json_redaction import redact_json
from harness.redaction.matcher import Matcher
from harness.redaction.needles import needles_for, utf8
from harness.redaction.pattern_search import AhoCorasick
from harness.redaction.redacted import HitClass, RedactedBytes, RedactedText
from harness.redaction.searching import AllViews, SpeltOut
from harness.redaction.stream import Stream

if TYPE_CHECKING:
    import builtins
    from collections.abc import Callable, Sequence

    from harness.redaction.pattern_search import PatternSearch
    from harness.redaction.searching import Finder
    from harness.redaction.secret import SecretSet


_HELD_A_SECRET: Final = frozenset(HitClass) - {HitClass.KEY}
"""What stands under a telling key is replaced whatever it is."""
_OF_A_VARIABLE: Final = _HELD_A_SECRET - {HitClass.MESSAGE}
"""A provider's message names a key, and not whose."""


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
        self._findings = Findings()
        self._attribution = Attribution(secrets, search)

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
        hits: list[HitClass] = []
        redacted = self._in_one_shot(data, hits.append)
        self._account(data, hits, source)
        return redacted

    def json(self, document: str, *, source: str = "") -> RedactedText:
        """Redact a JSON document by key and by value; it stays the same document in shape, order and numbers.

        A document that does not parse is redacted as text.
        """
        hits: list[HitClass] = []
        redacted = redact_json(document, self._all, hits.append)
        if redacted is None:
            return self.text(document, source=source)
        if hits:
            self._account(utf8(document), hits, source)
        return RedactedText(redacted)

    def line(self, document: str, *, source: str = "") -> RedactedText:
        """Look once more at a line of JSON whose parts have all been redacted: a second net, and a cheap one.

        Only what is spelt out, in whole or in part, is searched for; a line that holds any of it is redacted as
        ``json`` does, and every other comes back as it is.
        """
        if self._all.plain.spans(utf8(document)):
            return self.json(document, source=source)
        return RedactedText(document)

    def stream(self, layers: Layers = Layers.ALL, *, source: str = "") -> Stream:
        """Open a stream of bytes; feed it, write what it returns, and close it."""
        return Stream(self._finder(layers), lambda hit: self._findings.add(source, [hit]))

    def hits(self) -> dict[str, dict[str, int]]:
        """Replacements so far by source and class, for ``reports/redaction.json``; no value, no place, no length."""
        report: dict[str, dict[str, int]] = {}
        for source, hit, count in self._findings.counts():
            # A look at the findings is no finding: nothing is counted here.
            shown = self._in_one_shot(utf8(source), lambda _: None).decode("utf-8", "surrogatepass")
            counts = report.setdefault(shown, {})
            counts[hit.name.lower()] = counts.get(hit.name.lower(), 0) + count
        return report

    def count(self, prefix: str) -> int:
        """How many replacements were made under sources that begin with a prefix such as ``L01/``.

        What was replaced for its key alone is left out: a body may say ``"token"`` without holding a secret of ours.
        """
        return self._findings.count(prefix, _HELD_A_SECRET)

    def variables(self, prefix: str) -> tuple[str, ...]:
        """Names of the variables whose values were found under sources that begin with the prefix."""
        return self._findings.variables(prefix)

    def _in_one_shot(self, data: builtins.bytes, count: Callable[[HitClass], None]) -> RedactedBytes:
        stream = Stream(self._all, count)
        return RedactedBytes(stream.feed(data) + stream.close())

    def _account(self, data: builtins.bytes, hits: list[HitClass], source: str) -> None:
        if not hits:
            return
        self._findings.add(source, hits)
        if not _OF_A_VARIABLE.isdisjoint(hits):
            names = self._attribution.names_in(data, known=self._findings.named(source))
            self._findings.name(source, names)

    def _finder(self, layers: Layers) -> Finder:
        match layers:
            case Layers.ALL:
                return self._all
            case Layers.FRAGMENTS:
                return SpeltOut(self._all.plain)
            case Layers.SPELT_OUT:
                return self._spelt_out

    @cached_property
    def _spelt_out(self) -> Finder:
        return SpeltOut(Matcher(self._needles.whole, (), public=public_texts(), search=self._search))
