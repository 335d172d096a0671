"""Where in a step expressions, patterns and templates stand, so that each rule looks at all of them, and only there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from harness.language.drafts import METHODS
from harness.language.expressions import EXCERPT
from harness.language.items import PROJECT
from harness.language.nodes import Node, texts
from harness.language.variables import PATTERN_OPERATORS, is_template

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from harness.language.drafts import DraftStep

NESTING: Final = ("any_of", "all_of", "not")
_LISTS: Final = ("expect", "until", "stop_if")
_WITH_OPTIONS: Final = ("headers", "files_changed", "container", "prints")
_SHOWN_TO_A_MODEL: Final = ("of", "tools")
_OF_A_PROJECT: Final = ("files_changed", "prints")
_WITHOUT_TEMPLATES: Final = frozenset(
    {"path", "status", "duration", "schema", "no_secrets", "judge", "severity", *NESTING, *PATTERN_OPERATORS}
)


def checks_in(nodes: Iterable[Node]) -> Iterator[Node]:
    """Each check of a list, and each one inside another."""
    for node in nodes:
        yield node
        for key in NESTING:
            yield from checks_in(node.items(key))


def checks_of(step: DraftStep) -> Iterator[Node]:
    """All checks of a step, conditions of a poll included."""
    for key in _LISTS:
        yield from checks_in(step.node.items(key))


def expressions_of(step: DraftStep) -> Iterator[Node]:
    """All JMESPath texts of a step but ``unwrap``, which knows no ``doc``."""
    for check in checks_of(step):
        if path := check.get("path"):
            yield path
        yield from (value for value in _judged(check) if not is_template(value.value))
    yield from step.node.entries("capture").values()
    for value in step.node.entries("save").values():
        if not is_template(value.value) and value.value != EXCERPT:
            yield value


def _judged(check: Node) -> Iterator[Node]:
    """What a model is shown: JMESPath or templates."""
    options = check.entries("judge")
    yield from (options[name] for name in _SHOWN_TO_A_MODEL if name in options)


def patterns_of(step: DraftStep) -> Iterator[Node]:
    """All RE2 patterns of a step."""
    for check in checks_of(step):
        for operators in _operators_of(check):
            for name in PATTERN_OPERATORS & operators.value.keys():
                yield from texts(operators.value[name])


def _operators_of(check: Node) -> Iterator[Node]:
    if check.get("path"):
        yield check
    for kind in _WITH_OPTIONS:
        yield from (option for option in check.entries(kind).values() if isinstance(option.value, dict))


def templates_of(step: DraftStep) -> Iterator[Node]:
    """All texts of a step in which ``${…}`` is filled in, but those of ``with`` and ``save``."""
    node = step.node
    for key in (*METHODS, "json", "headers", "fresh_after", "given", "docker_logs"):
        if found := node.get(key):
            yield from texts(found)
    if step.poll and (path := step.poll.get("get")):
        yield path
    if link := (node.get("given") or node).get("link"):
        yield from _implied_project(link)
    for check in checks_of(step):
        yield from _templates_in(check)


def _templates_in(check: Node) -> Iterator[Node]:
    yield from (value for value in _judged(check) if is_template(value.value))
    for key, value in check.value.items():
        if key in _WITH_OPTIONS:
            if key in _OF_A_PROJECT:
                yield from _implied_project(value)
            for option in value.value.values():
                yield from _filled(option)
        elif key not in _WITHOUT_TEMPLATES:
            yield from texts(value)


def _implied_project(options: Node) -> Iterator[Node]:
    if not options.get("project"):
        yield Node(PROJECT, options.head)


def _filled(option: Node) -> Iterator[Node]:
    if not isinstance(option.value, dict):
        yield from texts(option)
        return
    for name, wanted in option.value.items():
        if name not in PATTERN_OPERATORS:
            yield from texts(wanted)
