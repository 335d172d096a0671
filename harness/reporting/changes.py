"""What comparing two runs gives: sections in a fixed order, each with its changes, and whether any of them matters.

A change matters when it says that something else happened. What merely explains or accompanies it, such as another
commit, is told and counts for nothing, so that the same behaviour of two versions is no difference.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.evidence.records import to_document

if TYPE_CHECKING:
    from harness.reporting.standing import Standing

ABSENT = "absent"
"""Told in the place of what one side does not have."""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that differs.

    Attributes:
        where: Such as ``live/L05``, ``live/L05/result.json`` or ``worker image``.
        what: The part of it that differs; empty when it is the whole.
        before, after: What the first and the second run have there.
    """

    where: str
    what: str
    before: str
    after: str
    matters: bool = field(default=True, kw_only=True)


@dataclass(frozen=True, slots=True)
class Section:
    """One way of looking at both runs.

    Attributes:
        compared: How many things were looked at.
        changes: What differs; an exchange or a file may differ in several parts.
        rule: How it is decided whether something differs, in one sentence.
        is_by_part: Each change is of a thing of its own, and not a part of what ``where`` names.
    """

    name: str
    compared: int
    changes: tuple[Change, ...]
    rule: str
    is_by_part: bool = True

    @property
    def changed(self) -> int:
        """How many of the things that were looked at differ."""
        return len({(change.where, change.what if self.is_by_part else "") for change in self.changes})

    @property
    def matters(self) -> bool:
        """Whether anything in it says that something else happened."""
        return any(change.matters for change in self.changes)


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two runs, by the name that was asked for, and how far it can be believed."""

    name: str
    run_id: str
    standing: Standing


@dataclass(frozen=True, slots=True)
class Diff:
    """Two runs side by side."""

    before: Side
    after: Side
    sections: tuple[Section, ...]

    @property
    def unsound(self) -> tuple[Side, ...]:
        """Sides that are not evidence; what is compared with them proves nothing, least of all that nothing changed."""
        return tuple(side for side in (self.before, self.after) if not side.standing.is_sound)

    @property
    def matters(self) -> bool:
        """Whether something that matters changed, or cannot be known not to have."""
        return bool(self.unsound) or any(section.matters for section in self.sections)

    def document(self) -> dict[str, Any]:
        """For ``--json``."""
        sides = {"before": self.before, "after": self.after}
        told = {
            name: {"run": side.name, "run_id": side.run_id or None, **side.standing.document()}
            for name, side in sides.items()
        }
        sections = [_document(section) for section in self.sections]
        return {**told, "changed": self.matters, "sections": sections}


def _document(section: Section) -> dict[str, Any]:
    counts = {"compared": section.compared, "changed": section.changed, "matters": section.matters}
    return {"name": section.name, **counts, "rule": section.rule, "changes": to_document(section.changes)}
