"""Frozen dataclasses to JSON documents and back, checked by their annotations: the one codec of everything stored.

Writing never fails on a value that JSON can hold; numbers that it cannot (NaN, infinities) become texts. Reading is
strict about types and missing fields, because a damaged record must not look like another one; unknown keys are
ignored.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache
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
    return cast("T", _record(kind, document, where))


def _record(kind: Annotation, document: object, where: str) -> Json:
    given = _required(document, dict, where)
    hints = hints_of(kind)
    found: dict[str, Any] = {}
    for name, has_default in _names(kind).items():
        if name in given:
            found[name] = _value(hints[name], given[name], f"{where}.{name}")
        elif not has_default:
            msg = f"{where}.{name} is missing"
            raise DamagedRecordError(msg)
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


def _value(hint: Annotation, value: object, where: str) -> Json:
    if hint is Any:
        return value
    if get_origin(hint) in {Union, UnionType}:
        return None if value is None else _value(without_none(hint), value, where)
    if get_origin(hint) is not None:
        return _collection(hint, value, where)
    if is_dataclass(hint):
        return _record(hint, value, where)
    return _scalar(hint, value, where)


def _collection(hint: Annotation, value: object, where: str) -> Json:
    arguments = get_args(hint)
    origin: Annotation = get_origin(hint)
    if origin is tuple:
        items = _required(value, list, where)
        return tuple(_value(arguments[0], item, f"{where}[{place}]") for place, item in enumerate(items))
    pairs = _required(value, dict, where)
    return {key: _value(arguments[1], item, f"{where}.{key}") for key, item in pairs.items()}


def _scalar(hint: Annotation, value: object, where: str) -> Json:
    if issubclass(hint, Enum):
        return _member(hint, value, where)
    if hint is float and type(value) is int:
        return float(value)
    # True is an int to Python, and a count of True would be nonsense.
    if type(value) is not hint:
        raise _wrong(where, hint, value)
    return value


def _member(hint: Annotation, value: object, where: str) -> Json:
    try:
        return hint(value)
    except ValueError:
        raise _wrong(where, hint, value) from None


def _required(value: object, kind: type[T], where: str) -> T:
    if not isinstance(value, kind):
        raise _wrong(where, kind, value)
    return value


def _wrong(where: str, wanted: type, value: object) -> DamagedRecordError:
    return DamagedRecordError(f"{where} is not {wanted.__name__} but {type(value).__name__}")


def without_none(hint: Annotation) -> Annotation:
    """The one type beside ``None`` in an optional field."""
    (kind,) = (argument for argument in get_args(hint) if argument is not NoneType)
    return kind
