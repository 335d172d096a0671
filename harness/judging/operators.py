"""The operators of checks, each on one value; null fails all of them but ``exists: false``. Pure.

Values are compared as JSON: ``true`` is not 1, but 1 is 1.0. Two kinds that cannot be compared do not hold, whatever
the operator, ``ne`` apart, which asks only for a value that is there and differs.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, Final

from harness.judging.results import Finding, Outcome, show
from harness.language.expressions import matches

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


def compare(path: str, value: Any, operators: Mapping[str, Any]) -> Finding:  # noqa: ANN401  # JSON values
    """Hold a value against all operators of an item; the first that does not hold is told.

    Args:
        path: What the value is, for the message.
        value: ``None`` for null.
        operators: Name → expected value; names are those of ``OPERATORS`` and ``exists``.

    Raises:
        ExpressionError: A pattern is no RE2.
    """
    for name, wanted in operators.items():
        if not holds(name, value, wanted):
            return Finding(Outcome.MISSED, path, f"{name} {show(wanted)}", show(value))
    wanted_all = ", ".join(f"{name} {show(wanted)}" for name, wanted in operators.items())
    return Finding(Outcome.HELD, path, wanted_all, show(value))


def holds(name: str, value: Any, wanted: Any) -> bool:  # noqa: ANN401  # JSON values
    """Whether one operator holds.

    Raises:
        ExpressionError: A pattern is no RE2.
    """
    if name == "exists":
        return (value is not None) is wanted
    return value is not None and OPERATORS[name](value, wanted)


def same(one: Any, other: Any) -> bool:  # noqa: ANN401  # JSON values
    """Whether two JSON values are equal; without recursion, since the subject decides how deep its documents are."""
    left = [(one, other)]
    while left:
        a, b = left.pop()
        if isinstance(a, list | tuple) and isinstance(b, list | tuple):
            if len(a) != len(b):
                return False
            left += zip(a, b, strict=True)
        elif isinstance(a, dict) and isinstance(b, dict):
            if a.keys() != b.keys():
                return False
            left += ((a[key], b[key]) for key in a)
        elif not _same_scalar(a, b):
            return False
    return True


def _same_scalar(a: Any, b: Any) -> bool:  # noqa: ANN401  # JSON values
    if _is_number(a) and _is_number(b):
        return bool(a == b)
    return type(a) is type(b) and bool(a == b)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _ordered(compares: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """Numbers by size and texts by code point, which for times in one zone is their order; nothing across kinds."""

    def hold(value: Any, wanted: Any) -> bool:  # noqa: ANN401  # JSON values
        alike = (_is_number(value) and _is_number(wanted)) or (isinstance(value, str) and isinstance(wanted, str))
        return alike and compares(value, wanted)

    return hold


def _is_list(value: object) -> bool:
    return isinstance(value, list | tuple)


def _one_of(value: Any, wanted: Any) -> bool:  # noqa: ANN401  # JSON values
    return _is_list(wanted) and any(same(value, item) for item in wanted)


def _length(value: Any, wanted: Mapping[str, Any]) -> bool:  # noqa: ANN401  # JSON values
    if not isinstance(value, str | list | tuple | dict):
        return False
    return all(holds(name, len(value), bound) for name, bound in wanted.items())


def _contains(value: Any, wanted: Any) -> bool:  # noqa: ANN401  # JSON values
    if isinstance(value, str):
        return isinstance(wanted, str) and wanted in value
    return _is_list(value) and any(same(item, wanted) for item in value)


def _contains_all(value: Any, wanted: Any) -> bool:  # noqa: ANN401  # JSON values
    return _is_list(wanted) and all(_contains(value, item) for item in wanted)


def _matches(value: Any, pattern: str) -> bool:  # noqa: ANN401  # JSON values
    return isinstance(value, str) and matches(pattern, value)


def _contains_match(value: Any, pattern: str) -> bool:  # noqa: ANN401  # JSON values
    items = value if _is_list(value) else [value]
    return any(_matches(item, pattern) for item in items)


def _one_each(value: Any, patterns: Sequence[str]) -> bool:  # noqa: ANN401  # JSON values
    """As many items as patterns, and an item of its own for each pattern.

    A pattern may match several items, so taking the first that fits is not enough: earlier choices are moved on when
    that frees an item (augmenting paths in the graph of patterns and items).
    """
    if not _is_list(value) or len(value) != len(patterns):
        return False
    fitting = [[at for at, item in enumerate(value) if _matches(item, pattern)] for pattern in patterns]
    taken: dict[int, int] = {}
    return all(_take(pattern, fitting, taken) for pattern in range(len(patterns)))


def _take(pattern: int, fitting: list[list[int]], taken: dict[int, int]) -> bool:
    """Give ``pattern`` an item, moving others on along the shortest way; ``taken`` is item → pattern."""
    came_from: dict[int, int] = {}
    waiting = [pattern]
    for mover in waiting:
        for item in fitting[mover]:
            if item in came_from:
                continue
            came_from[item] = mover
            if item not in taken:
                _move_along(item, came_from, taken)
                return True
            waiting.append(taken[item])
    return False


def _move_along(item: int, came_from: dict[int, int], taken: dict[int, int]) -> None:
    held = {pattern: at for at, pattern in taken.items()}
    free: int | None = item
    while free is not None:
        mover = came_from[free]
        taken[free] = mover
        free = held.get(mover)


OPERATORS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "eq": same,
    "ne": lambda value, wanted: not same(value, wanted),
    "in": _one_of,
    "gt": _ordered(operator.gt),
    "gte": _ordered(operator.ge),
    "lt": _ordered(operator.lt),
    "lte": _ordered(operator.le),
    "length": _length,
    "contains": _contains,
    "contains_all": _contains_all,
    "contains_match": _contains_match,
    "matches": _matches,
    "one_each": _one_each,
}
"""What each operator asks of a value that is there."""
