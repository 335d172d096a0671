"""Units of time on a strip of bars: which one fits, what is called how, and on which days it begins and ends. Pure.

Times are whole microseconds since 1970 in UTC, within the calendar; what lies beyond it counts at its edge.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_BARS: Final = 60
"""Of a unit that fits; of years there may be more."""

_HOUR_US: Final = 3_600_000_000
_DAY_US: Final = 24 * _HOUR_US
_EPOCH: Final = date(1970, 1, 1)
_INSTANT: Final = datetime.fromtimestamp(0, UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_LATEST_US: Final = (date(9998, 12, 31) - _EPOCH).days * _DAY_US
"""A run that says it began later, or before 1970, counts there: no record can keep the others from being counted."""
_FIRST_MONDAY: Final = 4
"""1970-01-05 was one."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of time.

    Attributes:
        grain: Microseconds that never lie in two of its times; all units but the hour are made of days.
        place: Microseconds since 1970 → a whole number that grows by one from each such time to the next.
        begins: Such a number → its first day, and how it is called.
        ends: Such a number → its last day.
    """

    name: str
    grain: int
    place: Callable[[int], int]
    begins: Callable[[int], tuple[date, str]]
    ends: Callable[[int], date]


def within_calendar(us: int) -> int:
    """A time that has a name in every unit."""
    return max(0, min(_LATEST_US, us))


def unit_of(first: int, last: int) -> Unit:
    """The smallest unit of which few enough cover two times, in microseconds since 1970, and all between them."""
    return next((unit for unit in _UNITS if unit.place(last) - unit.place(first) < MOST_BARS), _UNITS[-1])


def us_of(text: str) -> int | None:
    """Microseconds since 1970 of an instant with its offset; ``None`` of anything else."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (found - _INSTANT) // _MICROSECOND if found.tzinfo else None


def day_of(us: int) -> date:
    """The day of a time within the calendar."""
    return _EPOCH + timedelta(days=us // _DAY_US)


def _first_of_month(place: int) -> date:
    return date(place // 12, place % 12 + 1, 1)


def _hour(place: int) -> tuple[date, str]:
    began = _INSTANT + timedelta(hours=place)
    return began.date(), f"{began:%Y-%m-%d %H}:00"


def _named(begins: Callable[[int], date], form: str) -> Callable[[int], tuple[date, str]]:
    return lambda place: (begins(place), begins(place).strftime(form))


def _monday(place: int) -> date:
    return _EPOCH + timedelta(days=7 * place + _FIRST_MONDAY)


_UNITS: Final = (
    Unit("hour", _HOUR_US, lambda us: us // _HOUR_US, _hour, lambda place: _hour(place)[0]),
    Unit(
        "day",
        _DAY_US,
        lambda us: us // _DAY_US,
        _named(lambda place: day_of(place * _DAY_US), "%Y-%m-%d"),
        lambda place: day_of(place * _DAY_US),
    ),
    Unit(
        "week",
        _DAY_US,
        lambda us: (us // _DAY_US - _FIRST_MONDAY) // 7,
        _named(_monday, "%G week %V"),
        lambda place: _monday(place) + timedelta(days=6),
    ),
    Unit(
        "month",
        _DAY_US,
        lambda us: day_of(us).year * 12 + day_of(us).month - 1,
        _named(_first_of_month, "%Y-%m"),
        lambda place: _first_of_month(place + 1) - timedelta(days=1),
    ),
    Unit(
        "year",
        _DAY_US,
        lambda us: day_of(us).year,
        _named(lambda place: date(place, 1, 1), "%Y"),
        lambda place: date(place, 12, 31),
    ),
)
