"""What an address asks for: filters, the page of a list and the two runs of a comparison. Pure.

A form without scripts sends every field, empty ones too; an empty one filters nothing. A value that is none, such as a
date that no calendar has, is told and filters nothing out, so that a list is never empty because of a slip.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.console.rendering import Json

PAGE: Final = 50
LONGEST: Final = 200
_FIELDS: Final = ("q", "status", "intent", "from", "to")


@dataclass(frozen=True, slots=True)
class Filters:
    """Which rows are wanted; empty fields want all.

    Attributes:
        first, last: Days as ``YYYY-MM-DD``, both included.
        faults: What was asked for and cannot be meant.
    """

    q: str = ""
    status: str = ""
    intent: str = ""
    first: str = ""
    last: str = ""
    faults: tuple[str, ...] = ()

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Filters:
        """Read them from an address."""
        given = {name: query.get(name, "")[:LONGEST].strip() for name in _FIELDS}
        faults = tuple(
            f"{given[name]!r} is no date" for name in ("from", "to") if given[name] and not _is_day(given[name])
        )
        days = {name: given[name] if _is_day(given[name]) else "" for name in ("from", "to")}
        return cls(given["q"], given["status"], given["intent"], days["from"], days["to"], faults)

    @property
    def is_any(self) -> bool:
        """Whether anything is asked for."""
        return any((self.q, self.status, self.intent, self.first, self.last))

    def on_day(self, started_at: str) -> bool:
        """Whether a time lies in the days that are wanted; both are told in UTC."""
        day = started_at[:10]
        return (not self.first or day >= self.first) and (not self.last or day <= self.last)

    def document(self) -> Json:
        """As they are told back."""
        named = {"q": self.q, "status": self.status, "intent": self.intent, "from": self.first, "to": self.last}
        return {**named, "faults": list(self.faults)}


@dataclass(frozen=True, slots=True)
class Cut:
    """One page of a list."""

    rows: Sequence[Any]
    number: int
    pages: int
    total: int

    def document(self, path: str, filters: Filters, **more: str) -> Json:
        """Where it is, and the addresses of its neighbours."""
        asked = {name: value for name, value in filters.document().items() if value and name != "faults"} | more
        links = {
            name: f"{path}?{urlencode({**asked, 'page': number})}" if 1 <= number <= self.pages else ""
            for name, number in (("previous", self.number - 1), ("next", self.number + 1))
        }
        return {"number": self.number, "pages": self.pages, "total": self.total, **links}


def cut(rows: Sequence[Any], page: str) -> Cut:
    """The page of a list that is asked for; what is no page is the first, what lies behind the last is the last."""
    pages = max(1, math.ceil(len(rows) / PAGE))
    number = min(int(page), pages) if page.isascii() and page.isdigit() and len(page) < 9 else 1  # noqa: PLR2004  # a page that can be meant
    number = max(1, number)
    return Cut(rows[(number - 1) * PAGE : number * PAGE], number, pages, len(rows))


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
