"""How two ladders differ in what is done, and in what is right: piece by piece, each hashed apart. Pure.

A piece is a step, what is said about a scenario, or what is said about the ladder. Comments, layout and the way
templates are cut are no difference. Where contents of the older one were not kept, only the rest can be compared.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from harness.language.digests import execution_digest, judging_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from harness.language.model import Ladder, Scenario


class Half(StrEnum):
    """The part of a ladder that a difference is in."""

    EXECUTION = "execution"
    JUDGING = "judging"


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference.

    Attributes:
        where: ``ladder``, a scenario, or a scenario and its step.
        what: In words.
    """

    half: Half
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.half} part: {self.where}: {self.what}"


LADDER: Final = "ladder"


def drift(old: Ladder, new: Ladder) -> tuple[Difference, ...]:
    """Every difference between two ladders, whose variables are filled in alike.

    Args:
        old: As it was climbed.
        new: What it is to be judged by.
    """
    return (
        *_compared(Half.EXECUTION, _executed(old), _executed(new)),
        *_compared(Half.JUDGING, _judged(old), _judged(new)),
    )


def _compared(half: Half, old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Difference]:
    for where in dict.fromkeys((*old, *new)):
        if where not in new:
            yield Difference(half, where, "is not there any more")
        elif where not in old:
            yield Difference(half, where, "is new")
        elif old[where] != new[where]:
            yield Difference(half, where, "is changed")


def _executed(ladder: Ladder) -> dict[str, str]:
    bare = _bare(ladder)
    found = {
        f"{LADDER} variables": execution_digest(replace(bare, variables=ladder.variables)),
        LADDER: execution_digest(replace(bare, mode=ladder.mode, secrets=ladder.secrets, rollback=ladder.rollback)),
        f"{LADDER} order": execution_digest(replace(bare, scenarios=tuple(map(_named, ladder.scenarios)))),
    }
    orders = {f"{each.id} order of steps": _order(each, bare) for each in ladder.scenarios}
    return found | _pieces(ladder, bare, execution_digest) | orders


def _judged(ladder: Ladder) -> dict[str, str]:
    bare = _bare(ladder)
    return {f"{LADDER} gate": judging_digest(replace(bare, proceed_on=ladder.proceed_on))} | _pieces(
        ladder, bare, judging_digest
    )


def _pieces(ladder: Ladder, bare: Ladder, digest: Callable[[Ladder], str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in ladder.scenarios:
        about = replace(each, steps=(), cleanup=())
        found[each.id] = digest(replace(bare, scenarios=(about,)))
        for step in (*each.steps, *each.cleanup):
            only = replace(_named(each), steps=(step,))
            found[f"{each.id} {step.id}"] = digest(replace(bare, scenarios=(only,)))
    for step in ladder.collect_on_fail:
        found[f"collect_on_fail {step.id}"] = digest(replace(bare, collect_on_fail=(step,)))
    return found


def _order(scenario: Scenario, bare: Ladder) -> str:
    names = [*(step.id for step in scenario.steps), *(f"finally {step.id}" for step in scenario.cleanup)]
    return execution_digest(replace(bare, secrets=tuple(names)))


def _named(scenario: Scenario) -> Scenario:
    """A scenario that says nothing but its id."""
    return replace(scenario, title="", needs=(), variables={}, evidence=(), steps=(), cleanup=(), notes=None, trials=1)


def _bare(ladder: Ladder) -> Ladder:
    """A ladder that says nothing."""
    return replace(
        ladder,
        variables={},
        secrets=(),
        proceed_on=frozenset(),
        scenarios=(),
        collect_on_fail=(),
        rollback=None,
        mode=next(iter(type(ladder.mode))),
    )
