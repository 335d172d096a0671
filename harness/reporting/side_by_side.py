"""Where two JSON values or texts part: each place as a path, with what stands there on both sides. Pure."""

from __future__ import annotations

import json
from itertools import islice, zip_longest
from typing import TYPE_CHECKING, Any, Final

from harness.evidence.printable import one_line, shortened
from harness.reporting.changes import ABSENT

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_PLACES: Final = 5
"""Told of one document; a sixth one is not looked for."""

_LONGEST: Final = 160
_LACKING: Final = object()

Place = tuple[str, str, str]
"""Path, what was there, what is there."""


def places(before: Any, after: Any) -> tuple[Place, ...]:  # noqa: ANN401  # JSON values
    """The first places that differ, in the order of the document."""
    return tuple(islice(_places(before, after, ""), MOST_PLACES))


def shown(value: Any) -> str:  # noqa: ANN401  # JSON values
    """A value on one short line."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return shortened(one_line(text), _LONGEST)


def _places(before: Any, after: Any, path: str) -> Iterator[Place]:  # noqa: ANN401  # JSON values
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted({*before, *after}):
            inner = f"{path}.{key}" if path else str(key)
            yield from _places(before.get(key, _LACKING), after.get(key, _LACKING), inner)
    elif isinstance(before, list) and isinstance(after, list):
        for index, (one, other) in enumerate(zip_longest(before, after, fillvalue=_LACKING)):
            yield from _places(one, other, f"{path}[{index}]")
    elif isinstance(before, str) and isinstance(after, str) and "\n" in before + after:
        yield from _lines(before, after, path)
    elif not _same(before, after):
        yield shown(path), _told(before), _told(after)


def _lines(before: str, after: str, path: str) -> Iterator[Place]:
    pairs = zip_longest(before.split("\n"), after.split("\n"), fillvalue=_LACKING)
    for number, (one, other) in enumerate(pairs, start=1):
        if one != other:
            yield shown(f"{path} line {number}".strip()), _told(one), _told(other)


def _same(one: Any, other: Any) -> bool:  # noqa: ANN401  # JSON values
    """``true`` is not 1, and 1 is 1.0, as to every JSON reader."""
    return one is other or (isinstance(one, bool) == isinstance(other, bool) and one == other)


def _told(value: Any) -> str:  # noqa: ANN401  # JSON values
    return ABSENT if value is _LACKING else shown(value)
