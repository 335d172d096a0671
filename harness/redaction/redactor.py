"""The one way from bytes to what may be written: text, bytes, JSON and streams, with every known secret replaced.

It knows the values of one run and counts what it replaced, per source and class; it names the variables, and never
says what it found. It never learns from its own output. Redacting twice changes nothing, and the order of the secrets
does not matter. The doubt: what a stream replaced is counted and not attributed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from harness.redaction.attribution import Attribution
from harness.redaction.effort import Effort
from harness.redaction.findings import Findings
from harness.redaction.json_redaction import redact_json
from harness.redaction.json_tokens import may_announce
from harness.redaction.needles import needles_for, utf8
from harness.redaction.pattern_search import AhoCorasick
from harness.redaction.redacted import HitClass, RedactedBytes, RedactedText, replaced
from harness.redaction.searching import AllViews
from harness.redaction.stream import Stream

if TYPE_CHECKING:
    import builtins
    from collections.abc import Callable, Sequence

    from harness.redaction.pattern_search import PatternSearch
    from harness.redaction.redacted import Span
    from harness.redaction.secret import SecretSet


_HELD_A_SECRET: Final = frozenset(HitClass) - {HitClass.KEY}
"""What stands under a telling key is replaced whatever it is."""
_OF_A_VARIABLE: Final = _HELD_A_SECRET - {HitClass.MESSAGE, HitClass.UNREAD}
"""A provider's message names a key, and not whose."""


class Redactor:
    """Replaces secrets by ``[REDACTED]``.

    Args:
        secrets: The values of this run.
        search: The engine that looks for needles; tests pass the one without dependencies.
    """

    def __init__(self, secrets: SecretSet, *, search: Callable[[Sequence[bytes]], PatternSearch] = AhoCorasick) -> None:
        self._needles = needles_for(member.secret for member in secrets)
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
        """Redact a whole body, which gives what feeding a stream once gives."""
        spans = self._all.spans(data)
        self._account(data, spans, [span.hit for span in spans], source=source)
        return replaced(data, spans)

    def json(self, document: str, *, source: str = "") -> RedactedText:
        """Redact a JSON document by key and by value; it stays the same document in shape, order and numbers.

        A document that does not parse is redacted as text.
        """
        try:
            announced = may_announce(document)
        except (ValueError, RecursionError):
            return self.text(document, source=source)
        data = utf8(document)
        spans = self._all.spans(data)
        if not spans and not announced:
            return RedactedText(document)
        hits: list[HitClass] = []
        redacted = redact_json(data, spans, hits.append)
        self._account(data, spans, hits, source=source)
        return RedactedText(redacted)

    def line(self, document: str, *, source: str = "") -> RedactedText:
        """Look once more at a line of JSON whose parts have all been redacted: a second net, and a cheap one.

        Only what is spelt out, in whole or in part, is searched for; a line that holds any of it is redacted as
        ``json`` does, and every other comes back as it is.
        """
        if self._all.plain.spans(utf8(document), Effort()):
            return self.json(document, source=source)
        return RedactedText(document)

    def stream(self, *, source: str = "") -> Stream:
        """Open a stream of bytes; feed it, write what it returns, and close it. It holds back up to 256 KiB."""
        return Stream(self._all, lambda hit: self._findings.add(source, [hit]))

    def hits(self) -> dict[str, dict[str, int]]:
        """Replacements so far by source and class, for ``reports/redaction.json``; no value, no place, no length."""
        report: dict[str, dict[str, int]] = {}
        for source, hit, count in self._findings.counts():
            # A look at the findings is no finding: nothing is counted here.
            data = utf8(source)
            shown = replaced(data, self._all.spans(data)).decode("utf-8", "surrogatepass")
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

    def _account(self, data: builtins.bytes, spans: Sequence[Span], hits: Sequence[HitClass], *, source: str) -> None:
        if not hits:
            return
        self._findings.add(source, hits)
        whose = [span for span in spans if span.hit in _OF_A_VARIABLE]
        if whose and not _OF_A_VARIABLE.isdisjoint(hits):
            names = self._attribution.names_in(data, whose, known=self._findings.named(source))
            self._findings.name(source, names)
