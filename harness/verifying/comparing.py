"""Two JSON values side by side: whether they are the same, and which part of a case is the first that is not."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Final

from harness.evidence.printable import one_line, shortened
from harness.traces.case_parts import digest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_ITEMS: Final[Mapping[str, str]] = {
    "execution_trace": "event",
    "db_writes": "write",
    "api_calls_used": "call",
    "assertions": "assertion",
    "synthetic_input": "input",
    "observed_output": "output",
    "events": "point event",
    "spans": "span",
    "trials": "trial",
}
"""Field of a case → what one of its items is called."""

_LONGEST: Final = 120
_LACKING: Final = object()


def same(one: object, other: object) -> bool:
    """Whether two JSON values are the same; ``true`` is not 1, and 1 is 1.0, as to every JSON reader."""
    return one == other and digest(one) == digest(other)


def part(path: Sequence[object]) -> str:
    """Name a place in a case: ``event 7 seq`` for the path ``execution_trace, 6, seq``."""
    if not path:
        return ""
    name, rest = str(path[0]), path[1:]
    if name in _ITEMS and rest and isinstance(rest[0], int):
        return " ".join([_ITEMS[name], str(rest[0] + 1), *map(str, rest[1:])])
    return " ".join([name, *map(str, rest)])


def differences(name: str, stored: Any, wanted: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401  # JSON values
    """The parts of a field that are not as wanted, each with what was expected; the items of a list one by one."""
    if isinstance(stored, list) and isinstance(wanted, list):
        for index, (one, other) in enumerate(zip_longest(stored, wanted, fillvalue=_LACKING)):
            if one is _LACKING or other is _LACKING:
                yield part((name, index)), f"{len(wanted)} are expected, {len(stored)} are there"
                return
            if not same(one, other):
                yield part((name, index, *_keys(one, other))), _told(one, other)
    elif not same(stored, wanted):
        yield part((name, *_keys(stored, wanted))), _told(stored, wanted)


def _keys(one: object, other: object) -> tuple[str, ...]:
    """The way to the only key in which two objects differ; empty when there are several, or none."""
    if not isinstance(one, dict) or not isinstance(other, dict):
        return ()
    differing = [key for key in {**one, **other} if not same(one.get(key), other.get(key))]
    return (shown(differing[0]), *_keys(one.get(differing[0]), other.get(differing[0]))) if len(differing) == 1 else ()


def _told(one: Any, other: Any) -> str:  # noqa: ANN401  # JSON values
    if isinstance(one, dict) and isinstance(other, dict):
        key = next((key for key in {**other, **one} if not same(one.get(key), other.get(key))), None)
        return _told(one.get(key), other.get(key))
    return f"expected {shown(other)}, found {shown(one)}"


def first_difference(stored: Any, wanted: Any) -> tuple[str, str]:  # noqa: ANN401  # JSON values
    """The first place in which two values that are not the same differ, however deep, and what was expected there."""
    way: list[str] = []
    while found := _first_below(stored, wanted):
        key, stored, wanted = found
        way.append(key)
    if isinstance(stored, list) and isinstance(wanted, list):
        return " ".join(way), f"{len(wanted)} are expected, {len(stored)} are there"
    return " ".join(way), f"expected {_spelt(wanted)}, found {_spelt(stored)}"


def _first_below(stored: Any, wanted: Any) -> tuple[str, Any, Any] | None:  # noqa: ANN401  # JSON values
    """The first item that differs; ``None`` where the values themselves do."""
    if isinstance(stored, dict) and isinstance(wanted, dict):
        keys = (key for key in {**wanted, **stored} if not same(stored.get(key, _LACKING), wanted.get(key, _LACKING)))
        return next(((shown(key), stored.get(key, _LACKING), wanted.get(key, _LACKING)) for key in keys), None)
    if isinstance(stored, list) and isinstance(wanted, list):
        pairs = enumerate(zip(stored, wanted, strict=False), start=1)
        return next(((str(at), *pair) for at, pair in pairs if not same(*pair)), None)
    return None


def _spelt(value: object) -> str:
    return "nothing" if value is _LACKING else shown(value)


def shown(value: object) -> str:
    """A value as one short line."""
    return shortened(one_line(value if isinstance(value, str) else repr(value)), _LONGEST)
