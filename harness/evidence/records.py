"""Frozen dataclasses to JSON documents and back, checked by their annotations: the one codec of everything stored.

Writing never fails on a value that JSON can hold; numbers that it cannot (NaN, infinities) become texts. Reading is
strict about types and missing fields, because a damaged record must not look like another one; unknown keys are
ignored.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache, partial
from types import NoneType, UnionType
from typing import Any, Final, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from harness.language.model import Mark, Severity

T = TypeVar("T")

Json = Any
"""A value that JSON can hold."""

Annotation = Any
"""A type as an annotation names it."""


_IMPORTED_FOR_TYPES: Final = {"Mapping": Mapping, "Mark": Mark, "Severity": Severity}
"""Names that the judge's records import for the type checker only."""


_AS_THEY_ARE: Final = frozenset({str, int, bool, NoneType})


class DamagedRecordError(ValueError):
    """A document does not fit its record; the message says where."""


def to_document(value: object) -> Json:
    """Spell a record as JSON values: objects for dataclasses and mappings, arrays for tuples."""
    # Most values are these, and asking an abstract class first takes several times as long as all else.
    if type(value) in _AS_THEY_ARE:
        return value
    if isinstance(value, Mapping):
        return {str(key): to_document(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_document(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value):
        kind: Annotation = type(value)
        return {name: to_document(getattr(value, name)) for name in _names(kind)}
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def from_document(kind: type[T], document: object, where: str = "$") -> T:
    """Read a record.

    Raises:
        DamagedRecordError: A field is missing or has another type.
    """
    try:
        return cast("T", _record(kind, document))
    except _MisfitError as misfit:
        raise DamagedRecordError(f"{where}{''.join(reversed(misfit.path))}{misfit.what}") from None


class _MisfitError(Exception):
    """A value does not fit; its place is put together on the way out, since most values do fit.

    Attributes:
        path: Names and places, the innermost first.
    """

    def __init__(self, what: str, *path: str) -> None:
        super().__init__()
        self.what, self.path = what, [*path]


Reads = Callable[[Any], Any]
"""Makes a field's value of a JSON value, or raises a misfit."""


@cache
def _parts(kind: Annotation) -> tuple[tuple[str, type | None, Reads, bool], ...]:
    """How each field is read: its name, the type whose values are taken as they are, else by what, and its default."""
    hints = hints_of(kind)
    return tuple(
        (name, hints[name] if hints[name] in _AS_THEY_ARE else None, _reader(hints[name]), has_default)
        for name, has_default in _names(kind).items()
    )


def _record(kind: Annotation, document: object) -> Json:
    given = _required(document, dict)
    found: dict[str, Any] = {}
    for name, exact, read, has_default in _parts(kind):
        if name in given:
            value = given[name]
            if type(value) is not exact:
                try:
                    value = read(value)
                except _MisfitError as misfit:
                    misfit.path.append(f".{name}")
                    raise
            found[name] = value
        elif not has_default:
            raise _MisfitError(" is missing", f".{name}")
    return kind(**found)


@cache
def hints_of(kind: Annotation) -> Mapping[str, Any]:
    """Annotations of a record as types."""
    return get_type_hints(kind, localns=_IMPORTED_FOR_TYPES)


@cache
def _names(kind: Annotation) -> Mapping[str, bool]:
    """Field name → whether it has a default, in the order of the class."""
    found = fields(kind)
    return {field.name: field.default is not MISSING or field.default_factory is not MISSING for field in found}


@cache
def _reader(hint: Annotation) -> Reads:
    """How a value of an annotation is read; found out once, because asking types takes longer than reading."""
    if hint is Any:
        return lambda value: value
    origin: Annotation = get_origin(hint)
    if origin in {Union, UnionType}:
        inner = _reader(without_none(hint))
        return lambda value: None if value is None else inner(value)
    if origin is tuple:
        return partial(_items, _reader(get_args(hint)[0]))
    if origin is not None:
        return partial(_pairs, _reader(get_args(hint)[1]))
    if is_dataclass(hint):
        return partial(_record, hint)
    return partial(_member if issubclass(hint, Enum) else _scalar, hint)


def _items(read: Reads, value: object) -> Json:
    found: list[Json] = []
    try:
        for item in _required(value, list):
            found.append(read(item))  # noqa: PERF401  # its length tells which item does not fit
    except _MisfitError as misfit:
        # What is no list has no items, and so no place in it.
        if isinstance(value, list):
            misfit.path.append(f"[{len(found)}]")
        raise
    return tuple(found)


def _pairs(read: Reads, value: object) -> Json:
    found: dict[str, Json] = {}
    for key, item in _required(value, dict).items():
        try:
            found[key] = read(item)
        except _MisfitError as misfit:
            misfit.path.append(f".{key}")
            raise
    return found


def _scalar(hint: Annotation, value: object) -> Json:
    if hint is float and type(value) is int:
        try:
            return float(value)
        except OverflowError:
            raise _MisfitError(" is a number that no float holds") from None
    # True is an int to Python, and a count of True would be nonsense.
    if type(value) is not hint:
        raise _wrong(hint, value)
    return value


def _member(hint: Annotation, value: object) -> Json:
    try:
        return hint(value)
    except ValueError:
        raise _wrong(hint, value) from None


def _required(value: object, kind: type[T]) -> T:
    if not isinstance(value, kind):
        raise _wrong(kind, value)
    return value


def _wrong(wanted: type, value: object) -> _MisfitError:
    return _MisfitError(f" is not {wanted.__name__} but {type(value).__name__}")


def without_none(hint: Annotation) -> Annotation:
    """The one type beside ``None`` in an optional field."""
    (kind,) = (argument for argument in get_args(hint) if argument is not NoneType)
    return kind
