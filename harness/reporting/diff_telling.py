"""A comparison as text for people: what changed, section by section, and in the last line what it comes to.

Everything that is quoted has been spelt out where it was taken from a run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from harness.reporting.standing import MOST_FAULTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.reporting.changes import Change, Diff, Section, Side

MOST_TOLD: Final = 30
"""Changes of one section; all of them are in ``--json``."""


def diff_text(found: Diff) -> str:
    """The whole comparison."""
    return "".join(f"{line}\n" for line in _lines(found))


def _lines(found: Diff) -> Iterator[str]:
    yield f"before: {found.before.name}"
    yield from _standing(found.before)
    yield f"after:  {found.after.name}"
    yield from _standing(found.after)
    for section in found.sections:
        yield ""
        yield from _section(section)
    yield ""
    yield _sum(found)


def _standing(side: Side) -> Iterator[str]:
    headline, *faults, signature = side.standing.lines
    yield f"  {headline} {signature}"
    yield from (f"    {fault}" for fault in faults[:MOST_FAULTS])


def _section(section: Section) -> Iterator[str]:
    yield f"{section.name}: {section.changed or 'none'} of {section.compared} changed"
    if section.changes:
        yield f"  ({section.rule})"
    yield from (f"  {_change(change)}" for change in section.changes[:MOST_TOLD])
    if len(section.changes) > MOST_TOLD:
        yield f"  and {len(section.changes) - MOST_TOLD} more"


def _change(change: Change) -> str:
    place = ": ".join(text for text in (change.where, change.what) if text)
    return f"{place}: {change.before} → {change.after}"


def _sum(found: Diff) -> str:
    changed = [section.name for section in found.sections if section.matters]
    unsound = [f"{side.name} is {side.standing.word}" for side in found.unsound]
    told = [f"changed: {', '.join(changed)}"] if changed else []
    told += [f"nothing is proven: {' and '.join(unsound)}"] if unsound else []
    return "; ".join(told) or "nothing that matters changed"
