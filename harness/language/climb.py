"""The order of scenarios: what needs what, directly or by way of others. Pure."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MOST_CIRCLES: Final = 10
"""Told at once; there may be as many as scenarios."""


def reached(needs: Mapping[str, Sequence[str]], scenario: str) -> frozenset[str]:
    """All scenarios that one needs, directly or by way of others; itself only when it needs itself in a circle."""
    found: set[str] = set()
    waiting = list(needs.get(scenario, ()))
    while waiting:
        if (name := waiting.pop()) not in found:
            found.add(name)
            waiting += needs.get(name, ())
    return frozenset(found)


class Order:
    """The order of all scenarios of a ladder, asked often: every answer is worked out once, for all scenarios together.

    Args:
        needs: In the order of the file; names that are no scenario are left out.

    Attributes:
        circles: Some ways from a scenario back to itself, no two through the same one; each scenario needs the next.
    """

    def __init__(self, needs: Mapping[str, Sequence[str]]) -> None:
        self._names = tuple(needs)
        self._places = {name: place for place, name in enumerate(needs)}
        known = {name: [need for need in wanted if need in needs] for name, wanted in needs.items()}
        self.circles = tuple(_circles(known))
        kept = known
        if self.circles:
            # Whoever is in a circle has a fault already; what is left tells enough of others.
            kept = {name: [need for need in known[name] if self.comes_before(need, name)] for name in known}
        # A number whose bits are places: thousands of scenarios that need one another would fill the memory with sets.
        self._reached: dict[str, int] = {}
        for name in TopologicalSorter(kept).static_order():
            found = 0
            for need in kept[name]:
                found |= self._reached[need] | 1 << self._places[need]
            self._reached[name] = found

    def comes_before(self, name: str, other: str) -> bool:
        """Whether a scenario stands above another in the file."""
        return self._places[name] < self._places[other]

    def reaches(self, scenario: str, other: str) -> bool:
        """Whether a scenario needs another, directly or by way of others."""
        return other in self._places and bool(self._reached[scenario] >> self._places[other] & 1)

    def reaches_any(self, scenario: str, others: int) -> bool:
        """Whether a scenario needs one of those whose ``bit`` is in a number."""
        return bool(self._reached[scenario] & others)

    def bit(self, scenario: str) -> int:
        """The number that stands for a scenario among others."""
        return 1 << self._places[scenario]

    def reached(self, scenario: str) -> Iterator[str]:
        """All that a scenario needs, in the order of the file."""
        left = self._reached[scenario]
        while left:
            lowest = left & -left
            yield self._names[lowest.bit_length() - 1]
            left ^= lowest


def _circles(needs: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, ...]]:
    left = {name: list(wanted) for name, wanted in needs.items()}
    for _ in range(MOST_CIRCLES):
        try:
            TopologicalSorter(left).prepare()
        except CycleError as error:
            # In the exception each is needed by the next.
            way = tuple(reversed(error.args[1]))
            yield way
            left |= {name: [] for name in way}
        else:
            return
