"""The order of scenarios: what needs what, directly or by way of others. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def reached(needs: Mapping[str, Sequence[str]], scenario: str) -> frozenset[str]:
    """All scenarios that one needs, directly or by way of others; itself only when it needs itself in a circle."""
    found: set[str] = set()
    waiting = list(needs.get(scenario, ()))
    while waiting:
        if (name := waiting.pop()) not in found:
            found.add(name)
            waiting += needs.get(name, ())
    return frozenset(found)


def circle(needs: Mapping[str, Sequence[str]], scenario: str) -> tuple[str, ...]:
    """A way from a scenario back to itself; empty when there is none."""
    ways: list[tuple[str, ...]] = [(scenario,)]
    seen: set[str] = set()
    while ways:
        way = ways.pop(0)
        for name in needs.get(way[-1], ()):
            if name == scenario:
                return (*way, name)
            if name not in seen:
                seen.add(name)
                ways.append((*way, name))
    return ()
