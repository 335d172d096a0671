"""Whose value it was: the variables whose values a text holds, asked only when something was replaced in it.

Each variable is searched for alone, where something was replaced and with every view, so the answer is as good as the
search. A finder is made when it is first needed; a run without a leak makes none. Two variables of one value are both
named. The doubt: where a great deal was replaced, only the beginning of it is looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from harness.redaction.effort import Effort, SpentError
from harness.redaction.needles import needles_for
from harness.redaction.redacted import MARKER_BYTES, Span, merged
from harness.redaction.searching import AllViews

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from harness.redaction.pattern_search import PatternSearch
    from harness.redaction.secret import SecretSet

AROUND: Final = 64
"""Bytes on each side of what was replaced; an encoding may begin before the value that it holds."""
MOST_LOOKED_AT: Final = 256 << 10
MOST_EFFORT: Final = 48 << 20
"""For all variables together: about a second."""


class Attribution:
    """Names the variables behind the hits in a text.

    Args:
        secrets: The values of this run.
        search: The engine that looks for needles.
    """

    def __init__(self, secrets: SecretSet, search: Callable[[Sequence[bytes]], PatternSearch]) -> None:
        self._secrets = secrets
        self._search = search
        self._finders: dict[str, AllViews] = {}

    def names_in(self, data: bytes, spans: Iterable[Span], *, known: frozenset[str] = frozenset()) -> frozenset[str]:
        """Name the variables of which a value was replaced.

        Args:
            data: What was redacted, as it came.
            spans: What was replaced in it.
            known: Names that need no search any more.
        """
        text, effort, found = _around(data, spans), Effort(MOST_EFFORT), set()
        try:
            for name in sorted(self._secrets.names - known):
                if self._finder(name).is_in(text, effort):
                    found.add(name)
        except SpentError:
            pass
        return frozenset(found)

    def _finder(self, name: str) -> AllViews:
        if name not in self._finders:
            members = [member.secret for member in self._secrets if member.name == name]
            self._finders[name] = AllViews(needles_for(members), search=self._search)
        return self._finders[name]


def _around(data: bytes, spans: Iterable[Span]) -> bytes:
    """What was replaced, each kind of it once; no view joins what a marker parts."""
    wider = merged([Span(max(0, start - AROUND), end + AROUND, hit) for start, end, hit in spans])
    parts = dict.fromkeys(data[span.start : span.end] for span in wider)
    return MARKER_BYTES.join(parts)[:MOST_LOOKED_AT]
