"""How many runs were green over time: a strip of bars for people who look, and the same numbers as a table. Pure.

A run counts when it has ended, is whole and gave an answer; one that is ERROR or INCONCLUSIVE says nothing about its
subject and is counted beside. The unit of time is the smallest one of which at most sixty cover all runs.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from harness.judging.trials import wilson
from harness.judging.verdict import GREEN, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from harness.console.asked import Filters
    from harness.console.listed import Row
    from harness.console.rendering import Json

MOST_BARS: Final = 60

_HOUR_US: Final = 3_600_000_000
_DAY_US: Final = 24 * _HOUR_US
_EPOCH: Final = date(1970, 1, 1)
_LATEST_US: Final = (date(9998, 12, 31) - _EPOCH).days * _DAY_US
"""A run that says it began later, or before 1970, counts there: no record can keep the others from being counted."""
_FIRST_MONDAY: Final = 4
"""1970-01-05 was one."""
_GAP: Final = 0.15
"""Of a bar's place."""
_UNDECIDED: Final = frozenset({Verdict.ERROR.value, Verdict.INCONCLUSIVE.value})


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


@dataclass(frozen=True, slots=True)
class Count:
    """Runs of one time."""

    green: int = 0
    red: int = 0
    undecided: int = 0

    @property
    def answered(self) -> int:
        """Those that say something about their subject."""
        return self.green + self.red


def pass_rate(rows: Sequence[Row], filters: Filters) -> Json:
    """Count the runs of a list.

    Args:
        rows: Those that passed the filters, newest first.
        filters: Which the address of each time carries on.
    """
    ended = [row for row in rows if row.is_finished and row.facts.verdict]
    if not ended:
        return {"unit": "", "bars": [], **_told(Count())}
    times = [max(0, min(_LATEST_US, int(row.facts.began_us))) for row in ended]
    unit = _unit_of(min(times), max(times))
    # Thousands of runs lie on a few hundred days, and a calendar is asked for each day once.
    grains = Counter((began // unit.grain, row.facts.verdict) for began, row in zip(times, ended, strict=True))
    places = {grain: unit.place(grain * unit.grain) for grain in {grain for grain, _ in grains}}
    bars: dict[int, Count] = {}
    for (grain, verdict), number in grains.items():
        bars[places[grain]] = _sum(bars.get(places[grain], Count()), _count(verdict, number))
    total = Count()
    for count in bars.values():
        total = _sum(total, count)
    first, last = min(bars), max(bars)
    width = 100 / (last - first + 1)
    return {
        "unit": unit.name,
        **_told(total),
        "bars": [
            {**_bar(place, bars[place], unit=unit, filters=filters), **_drawn(bars[place], place - first, width)}
            for place in sorted(bars)
        ],
    }


def _count(verdict: str, count: int) -> Count:
    """So many runs of one verdict."""
    if verdict in _UNDECIDED:
        return Count(undecided=count)
    return Count(green=count) if verdict in GREEN else Count(red=count)


def _sum(one: Count, other: Count) -> Count:
    return Count(one.green + other.green, one.red + other.red, one.undecided + other.undecided)


def _told(count: Count) -> Json:
    """The numbers, and the rate with its 95 % interval where there is one."""
    numbers = {"green": count.green, "answered": count.answered, "undecided": count.undecided}
    if not count.answered:
        return {**numbers, "rate": None, "words": "no answer"}
    low, high = wilson(count.green, count.answered)
    rate = count.green / count.answered
    return {**numbers, "rate": round(rate, 4), "low": round(low, 4), "high": round(high, 4), "words": _percent(rate)}


def _bar(place: int, count: Count, *, unit: Unit, filters: Filters) -> Json:
    begins, label = unit.begins(place)
    asked = replace(filters, first=begins.isoformat(), last=unit.ends(place).isoformat())
    return {"time": label, **_told(count), "href": asked.address("/")}


def _drawn(count: Count, at: int, width: float) -> Json:
    """Place and height in per cent; green stands at the bottom."""
    height = 100 * count.green / count.answered if count.answered else 0.0
    return {
        "x": round((at + _GAP / 2) * width, 3),
        "width": round(width * (1 - _GAP), 3),
        "y": round(100 - height, 2),
        "height": round(height, 2),
    }


def _percent(rate: float) -> str:
    """Never rounded to all or to none."""
    if rate in {0.0, 1.0}:
        return f"{rate:.0%}".replace("%", " %")
    return f"{min(99.9, max(0.1, 100 * rate)):.1f} %"


def _unit_of(first: int, last: int) -> Unit:
    return next((unit for unit in _UNITS if unit.place(last) - unit.place(first) < MOST_BARS), _UNITS[-1])


def _day(us: int) -> date:
    return _EPOCH + timedelta(days=us // _DAY_US)


def _first_of_month(place: int) -> date:
    return date(place // 12, place % 12 + 1, 1)


def _hour(place: int) -> tuple[date, str]:
    began = datetime.fromtimestamp(0, UTC) + timedelta(hours=place)
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
        _named(lambda place: _day(place * _DAY_US), "%Y-%m-%d"),
        lambda place: _day(place * _DAY_US),
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
        lambda us: _day(us).year * 12 + _day(us).month - 1,
        _named(_first_of_month, "%Y-%m"),
        lambda place: _first_of_month(place + 1) - timedelta(days=1),
    ),
    Unit(
        "year",
        _DAY_US,
        lambda us: _day(us).year,
        _named(lambda place: date(place, 1, 1), "%Y"),
        lambda place: date(place, 12, 31),
    ),
)
