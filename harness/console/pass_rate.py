"""How many runs were green over time: a strip of bars for people who look, and the same numbers as a table. Pure.

A run counts when it has ended, is whole and gave an answer; one that is ERROR or INCONCLUSIVE says nothing about its
subject and is counted beside. The unit of time is the smallest one of which at most sixty cover all runs.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from harness.console.time_units import unit_of, within_calendar
from harness.judging.trials import wilson
from harness.judging.verdict import GREEN, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.console.asked import Filters
    from harness.console.listed import Row
    from harness.console.rendering import Json
    from harness.console.time_units import Unit

FEWEST_PLACES: Final = 12
"""On the strip, so that the bar of one hour does not fill it."""

_GAP: Final = 0.15
"""Of a bar's place."""
_UNDECIDED: Final = frozenset({Verdict.ERROR.value, Verdict.INCONCLUSIVE.value})


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
    times = [within_calendar(int(row.facts.began_us)) for row in ended]
    unit = unit_of(min(times), max(times))
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
    span = last - first + 1
    width = 100 / max(FEWEST_PLACES, span)
    return {
        "unit": unit.name,
        "is_short": span < FEWEST_PLACES,
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
