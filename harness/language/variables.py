"""Variables: ``${x}`` in a text becomes a value. Pure.

A value that is exactly one ``${x}`` keeps its type, anything else becomes part of a text, and ``$${`` is a literal
``${``. What was captured is data and is never searched for variables again, so an answer of the subject cannot reach
into the ladder. A variable's own text may only use what lies outside of it, so that no chain can run in a circle. A
chain can still double with each link, so what one value may grow to is bounded; ``lint`` tells what it can foresee.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from harness.errors import UsageError
from harness.language.model import Check, CheckKind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_TOKEN: Final = re.compile(r"\$\$\{|\$\{([^{}]*)\}")
_ENVIRONMENT: Final = re.compile(r"env:([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?", re.DOTALL)


LONGEST: Final = 1 << 20
"""Characters of all texts that one value is made of; any request is far below."""


class Room:
    """How much a value may still grow while it is filled in.

    Attributes:
        left: Characters.
    """

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = LONGEST

    def take(self, size: int, name: str = "") -> None:
        """Count the characters of a text before it is filled in, or of what a variable holds.

        Raises:
            UsageError: ``value-too-long``.
        """
        self.left -= size
        if self.left < 0:
            where = f" with the variable {name!r}" if name else ""
            raise UsageError(
                "value-too-long",
                f"a value grows{where} to more than {LONGEST} characters as its variables are filled in",
                "use fewer references to references in vars and with, or capture less of an answer",
            )


class UnknownVariableError(LookupError):
    """A variable has no value: never captured, because its step did not run, or unknown.

    Attributes:
        name: As written between the braces.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"the variable {name!r} has no value")


def is_template(text: str) -> bool:
    """Whether a text of ``save`` is a template; any other is JMESPath."""
    return "${" in text


def references(text: str) -> list[str]:
    """What stands between the braces of each ``${…}``, in order."""
    return [found[1] for found in _TOKEN.finditer(text) if found[1] is not None]


def is_unclosed(text: str) -> bool:
    """Whether a ``${`` has no end, or braces inside."""
    return "${" in _TOKEN.sub("", text)


def environment_reference(name: str) -> tuple[str, str | None] | None:
    """The environment variable and the default that a reference names; ``None`` when it names no such variable."""
    found = _ENVIRONMENT.fullmatch(name)
    return (found[1], found[2]) if found else None


def fill(value: Any, lookup: Callable[[str], Any], room: Room | None = None) -> Any:  # noqa: ANN401  # JSON values
    """Replace every reference in a JSON value; keys of mappings are left alone.

    Args:
        value: Any JSON value.
        lookup: Name → value; whatever it raises comes out.
        room: Of the value that this one becomes a part of; its own where there is none.

    Raises:
        UsageError: ``value-too-long``.
    """
    room = room or Room()
    if isinstance(value, str):
        return _fill_text(value, lookup, room)
    if isinstance(value, dict):
        return {key: fill(item, lookup, room) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(fill(item, lookup, room) for item in value)
    return value


def _fill_text(text: str, lookup: Callable[[str], Any], room: Room) -> Any:  # noqa: ANN401  # JSON values
    room.take(len(text))
    whole = _TOKEN.fullmatch(text)
    if whole and whole[1] is not None:
        return lookup(whole[1])

    def insert(found: re.Match[str]) -> str:
        if found[1] is None:
            return "${"
        before = room.left
        inserted = as_text(lookup(found[1]))
        # What it was made of has been counted; an answer was captured and is counted here.
        room.take(max(0, len(inserted) - (before - room.left)), found[1])
        return inserted

    return _TOKEN.sub(insert, text)


def as_text(value: Any) -> str:  # noqa: ANN401  # JSON values
    """A value as part of a text: texts as they are, anything else as compact JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def fill_environment(value: Any, environ: Mapping[str, str]) -> Any:  # noqa: ANN401  # JSON values
    """Replace ``${env:NAME:-default}`` and leave other references as they are; the default also serves an empty one.

    Raises:
        UnknownVariableError: The variable is not set and has no default.
    """

    def lookup(name: str) -> str:
        if not (reference := environment_reference(name)):
            return f"${{{name}}}"
        if not (found := environ.get(reference[0]) or reference[1] or "") and reference[1] is None:
            raise UnknownVariableError(name)
        # The environment holds data: what looks like a reference there is none.
        return found.replace("${", "$${")

    if isinstance(value, str):
        return _TOKEN.sub(lambda found: found[0] if found[1] is None else lookup(found[1]), value)
    if isinstance(value, dict):
        return {key: fill_environment(item, environ) for key, item in value.items()}
    return [fill_environment(item, environ) for item in value] if isinstance(value, list) else value


@dataclass(frozen=True, slots=True)
class Scope:
    """Where names are looked up: ``with``, captures, the scenario's ``vars``, the ladder's ``vars``.

    Attributes:
        ladder: Top-level variables in the order of the file; each may use those above it.
        scenario: The scenario's variables.
        captures: What this scenario captured so far.
        reached: Captures of the scenarios reached through ``needs``, by scenario.
        step: ``with`` of the step.
    """

    ladder: Mapping[str, Any] = field(default_factory=dict)
    scenario: Mapping[str, Any] = field(default_factory=dict)
    captures: Mapping[str, Any] = field(default_factory=dict)
    reached: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    step: Mapping[str, Any] = field(default_factory=dict)

    def fill(self, value: Any, room: Room | None = None) -> Any:  # noqa: ANN401  # JSON values
        """Replace every reference in a JSON value.

        Args:
            value: Any JSON value.
            room: As for ``fill``.

        Raises:
            UnknownVariableError: A name has no value.
            UsageError: ``value-too-long``.
        """
        room = room or Room()
        return fill(value, lambda name: self._value(name, room), room)

    def value(self, name: str) -> Any:  # noqa: ANN401  # JSON values
        """The value of a name, such as ``pid`` or ``L01.pid``.

        Raises:
            UnknownVariableError: It has none.
            UsageError: ``value-too-long``.
        """
        return self._value(name, Room())

    def _value(self, name: str, room: Room) -> Any:  # noqa: ANN401  # JSON values
        scenario, dot, captured = name.partition(".")
        if dot:
            return _item(self.reached.get(scenario, {}), captured, name)
        if name in self.step:
            return replace(self, step={}).fill(self.step[name], room)
        if name in self.captures:
            return self.captures[name]
        if name in self.scenario:
            return replace(self, step={}, scenario={}).fill(self.scenario[name], room)
        above = list(self.ladder)[: list(self.ladder).index(name)] if name in self.ladder else []
        return Scope({key: self.ladder[key] for key in above}).fill(_item(self.ladder, name, name), room)


def _item(values: Mapping[str, Any], key: str, name: str) -> Any:  # noqa: ANN401  # JSON values
    if key not in values:
        raise UnknownVariableError(name)
    return values[key]


def fill_check(check: Check, scope: Scope) -> Check:
    """A check with its variables filled in. Paths, patterns and rubrics hold none, so they stay as they are.

    Raises:
        UnknownVariableError: A name has no value.
    """
    return replace(
        check,
        argument=_filled_argument(check, scope),
        operators={
            name: wanted if name in PATTERN_OPERATORS else scope.fill(wanted)
            for name, wanted in check.operators.items()
        },
        children=tuple(fill_check(child, scope) for child in check.children),
    )


def _filled_argument(check: Check, scope: Scope) -> Any:  # noqa: ANN401  # JSON values
    if check.kind is CheckKind.JUDGE:
        return check.argument | {name: scope.fill(check.argument[name]) for name in ("of", "tools")}
    return check.argument if check.kind in _WITHOUT_VARIABLES else scope.fill(check.argument)


PATTERN_OPERATORS: Final = frozenset({"matches", "contains_match", "one_each"})
_WITHOUT_VARIABLES: Final = frozenset({CheckKind.PATH, CheckKind.SCHEMA})
