"""The rule about ``judge``: each criterion has a name of its own, since a reply tells its score by that name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.language.findings import Finding, Rule
from harness.language.walk import checks_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.language.drafts import Draft
    from harness.language.nodes import Node


def criteria(draft: Draft) -> Iterator[Finding]:
    """``duplicate-key`` of the criteria of one check."""
    for step in draft.steps():
        for check in checks_of(step):
            if judge := check.get("judge"):
                yield from _named_twice(draft, judge)


def _named_twice(draft: Draft, judge: Node) -> Iterator[Finding]:
    names: set[str] = set()
    for criterion in judge.items("criteria"):
        name = criterion.value["name"]
        if name.value in names:
            yield draft.source.finding(name.place, Rule.DUPLICATE_KEY, f"the criterion {name.value!r} is there twice")
        names.add(name.value)
