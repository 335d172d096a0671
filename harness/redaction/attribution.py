"""Whose value it was: the variables whose values a text holds, asked only when something was replaced in it.

Each variable is searched for alone, in the text as it came and with every view, so the answer is as good as the search.
A finder is made when it is first needed; a run without a leak makes none. Two variables of one value are both named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.redaction.needles import needles_for
from harness.redaction.searching import AllViews

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from harness.redaction.pattern_search import PatternSearch
    from harness.redaction.secret import SecretSet


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

    def names_in(self, data: bytes, *, known: frozenset[str] = frozenset()) -> frozenset[str]:
        """Name the variables of which a value is in ``data``.

        Args:
            data: What was redacted, as it came.
            known: Names that need no search any more.
        """
        return frozenset(name for name in self._secrets.names - known if self._finder(name).is_in(data))

    def _finder(self, name: str) -> AllViews:
        if name not in self._finders:
            members = [member.secret for member in self._secrets if member.name == name]
            self._finders[name] = AllViews(needles_for(members), search=self._search)
        return self._finders[name]
