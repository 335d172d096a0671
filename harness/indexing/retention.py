"""Which runs may go. Pure.

Kept are the newest finished runs, whatever is running, and what is newer than the oldest that is kept. What a ledger
lists, or another kept run continues from, stays too: ``ladder verify`` could not tell a pruned run from one that was
made to disappear; and so does a run that another kept one has taken trials over from. With ``is_forced`` they go all
the same, and verifying the others then says that they are missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.indexing.words import FINISHED, RUNNING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from harness.indexing.facts import Facts


@dataclass(frozen=True, slots=True)
class Chained:
    """What holds runs together, all by folder.

    Attributes:
        listed: Those that the ledger names.
        needs: For each, those without which it is no evidence any more.
    """

    listed: Collection[str]
    needs: Mapping[str, Collection[str]]


@dataclass(frozen=True, slots=True)
class Retention:
    """What becomes of the runs; both newest first.

    Attributes:
        held: Those that would go if nothing were built on them.
    """

    going: tuple[Facts, ...]
    held: tuple[Facts, ...]


def decide(runs: Sequence[Facts], keep: int, chained: Chained, *, is_forced: bool) -> Retention:
    """Decide which runs go.

    Args:
        runs: All of them, newest first.
        keep: So many finished ones stay.
        chained: What holds them together.
        is_forced: Whether that counts for nothing.
    """
    old = _old(runs, keep)
    if is_forced:
        return Retention(tuple(old), ())
    names = {each.folder for each in old}
    staying = [each.folder for each in runs if each.folder not in names or each.folder in chained.listed]
    needed = _needed(staying, chained.needs)
    held = tuple(each for each in old if each.folder in needed)
    return Retention(tuple(each for each in old if each.folder not in needed), held)


def _old(runs: Sequence[Facts], keep: int) -> list[Facts]:
    """All that comes after the last finished run that is kept, but what is running."""
    places = [place for place, each in enumerate(runs) if each.condition == FINISHED]
    if keep > len(places):
        return []
    return [each for each in runs[places[keep - 1] + 1 if keep else 0 :] if each.condition != RUNNING]


def _needed(staying: Sequence[str], needs: Mapping[str, Collection[str]]) -> set[str]:
    """Those that stay, and all that they are built on."""
    needed: set[str] = set()
    waiting = list(staying)
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting += needs.get(name, ())
    return needed
