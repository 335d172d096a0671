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

from harness.console.time_units import day_of, within_calendar
from harness.evidence.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.console.rendering import Json

PAGE: Final = 50
LONGEST: Final = 200
_WORDS: Final = ("q", "status", "ladder", "scenario", "intent", "trigger")
_DAYS: Final = ("from", "to")


@dataclass(frozen=True, slots=True)
class Filters:
    """Which rows are wanted; empty fields want all.

    Attributes:
        q: Text that is searched.
        intent: A ladder, a mode, a type of job or a scenario.
        first, last: Days as ``YYYY-MM-DD``, both included.
        faults: What was asked for and cannot be meant.
    """

    q: str = ""
    status: str = ""
    ladder: str = ""
    scenario: str = ""
    intent: str = ""
    trigger: str = ""
    first: str = ""
    last: str = ""
    faults: tuple[str, ...] = ()

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Filters:
        """Read them from an address."""
        # A line feed or a tab would part what a run says, and a search would match across two things.
        given = {name: one_line(query.get(name, "")[:LONGEST].strip()) for name in (*_WORDS, *_DAYS)}
        days = {name: given[name] if _is_day(given[name]) else "" for name in _DAYS}
        faults = [f"{given[name]!r} is no date" for name in _DAYS if given[name] and not days[name]]
        if days["from"] and days["to"] and days["from"] > days["to"]:
            faults.append(f"{days['from']} is later than {days['to']}")
            days = dict.fromkeys(_DAYS, "")
        words = {name: given[name] for name in _WORDS}
        return cls(**words, first=days["from"], last=days["to"], faults=tuple(faults))

    @property
    def is_any(self) -> bool:
        """Whether anything is asked for."""
        return any(self.asked.values())

    @property
    def asked(self) -> dict[str, str]:
        """As they stand in an address."""
        words = {name: getattr(self, name) for name in _WORDS}
        return {**words, "from": self.first, "to": self.last}

    def on_day(self, began_us: int) -> bool:
        """Whether a time, in microseconds since 1970, lies in the days that are wanted, in UTC."""
        if not self.first and not self.last:
            return True
        day = day_of(within_calendar(began_us)).isoformat()
        return day >= self.first and (not self.last or day <= self.last)

    def address(self, path: str, **more: object) -> str:
        """The address of a list with these filters; ``more`` comes on top."""
        asked = {name: value for name, value in {**self.asked, **more}.items() if value}
        return f"{path}?{urlencode(asked)}" if asked else path

    def document(self) -> Json:
        """As they are told back."""
        return {**self.asked, "faults": list(self.faults)}


@dataclass(frozen=True, slots=True)
class Cut:
    """One page of a list."""

    rows: Sequence[Any]
    number: int
    pages: int
    total: int

    def document(self, path: str, filters: Filters, **more: str) -> Json:
        """Where it is, and the addresses of its neighbours."""
        links = {
            name: filters.address(path, **more, page=number) if 1 <= number <= self.pages else ""
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
