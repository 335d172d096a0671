"""Where two traces of one scenario part: the first step, request or span that differs, by their normal forms. Pure.

A span that ended otherwise makes all those above it end otherwise, so the innermost difference is the one that is told.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Final

from harness.traces.normal_form import normal_form

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.traces.records import Trace

    Listed = Sequence[Mapping[str, Any]]

_NAMES: Final = ("evidence.step.id", "http.route", "url.path")
"""Attributes that tell one span of a name from another."""


def first_difference(one: Trace, other: Trace) -> str:
    """Name the first thing that differs, from the outermost span to it, such as ``call / step result / GET``.

    Returns:
        Empty when the two are alike.
    """
    left, right = normal_form(one)["spans"], normal_form(other)["spans"]
    found = _first(left, right, 0, below=-1)
    if found is None:
        return ""
    while (inner := _first(left, right, found + 1, below=_depth(left, right, found))) is not None:
        found = inner
    return " / ".join(_path(right if found < len(right) else left, found))


def _first(left: Listed, right: Listed, start: int, *, below: int) -> int | None:
    """The first place from ``start`` on where they differ, among what lies deeper than ``below``."""
    for at, (one, other) in enumerate(zip_longest(left[start:], right[start:]), start=start):
        if all(each is None or each["depth"] <= below for each in (one, other)):
            return None
        if one != other:
            return at
    return None


def _depth(left: Listed, right: Listed, at: int) -> int:
    depths = [spans[at]["depth"] for spans in (left, right) if at < len(spans)]
    return int(max(depths))


def _path(spans: Listed, at: int) -> list[str]:
    """Names from the second span down to one; the outermost is the scenario itself."""
    path = [_word(spans[at])]
    depth = spans[at]["depth"]
    for span in reversed(spans[:at]):
        if span["depth"] < depth:
            depth = span["depth"]
            path.append(_word(span))
    return list(reversed(path[:-1])) or path


def _word(span: Mapping[str, Any]) -> str:
    name = str(span["name"])
    told = next((str(span["attributes"][each]) for each in _NAMES if each in span["attributes"]), "")
    return name if told in {"", name} or name.endswith(told) else f"{name} {told}"
