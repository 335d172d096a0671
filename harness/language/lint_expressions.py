"""Rules about JMESPath and RE2: what cannot be compiled, or could never give a value, is told before the climb."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.language.drafts import DraftStep
from harness.language.expressions import ROOTS, ExpressionError, check_expression, check_pattern
from harness.language.findings import Finding, Rule
from harness.language.walk import expressions_of, patterns_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.language.drafts import Draft
    from harness.language.nodes import Node, Place

_OF_THE_ANSWER = tuple(root for root in ROOTS if root != "doc")


def _all_steps(draft: Draft) -> Iterator[DraftStep]:
    yield from draft.steps()
    # Also those that nobody uses: a fault in one would wait there for its first user.
    for name, node in draft.root.entries("templates").items():
        yield DraftStep(name, node)


def paths(draft: Draft) -> Iterator[Finding]:
    """``bad-path``."""
    for step in _all_steps(draft):
        for node in expressions_of(step):
            yield from _path(draft, node, ROOTS)
        if step.poll and (unwrap := step.poll.get("unwrap")):
            yield from _path(draft, unwrap, _OF_THE_ANSWER)


def _path(draft: Draft, node: Node, roots: tuple[str, ...]) -> Iterator[Finding]:
    if "${" in node.value:
        message = "a path takes no ${…}; compare with eq, or use a capture"
        yield draft.source.finding(node.place, Rule.BAD_PATH, message)
        return
    try:
        check_expression(node.value, roots=roots)
    except ExpressionError as error:
        yield draft.source.finding(_inside(draft, node, error.offset), Rule.BAD_PATH, str(error))


def _inside(draft: Draft, node: Node, offset: int) -> Place:
    """The place of a character of a text, when the text stands in its line as it is, quoted or not."""
    line, column = node.place
    written = draft.source.lines[line - 1][column - 1 :]
    for opening in ("", '"', "'"):
        if written.startswith(opening + node.value):
            return line, column + len(opening) + offset
    return node.place


def patterns(draft: Draft) -> Iterator[Finding]:
    """``bad-pattern``."""
    for step in _all_steps(draft):
        for node in patterns_of(step):
            yield from _pattern(draft, node)


def _pattern(draft: Draft, node: Node) -> Iterator[Finding]:
    if "${" in node.value:
        message = "a pattern takes no ${…}; use contains or eq"
        yield draft.source.finding(node.place, Rule.BAD_PATTERN, message)
        return
    try:
        check_pattern(node.value)
    except ExpressionError as error:
        yield draft.source.finding(node.place, Rule.BAD_PATTERN, f"RE2 refuses this pattern: {error}")
