"""JSON Schemas (draft-07) of what is stored, made from the records themselves, for readers in other languages.

``python -m harness.evidence.schemas`` writes them beside this module; a test compares the shipped files.
"""

from __future__ import annotations

from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Any, Final, Union, get_args, get_origin

from harness.evidence import event_lines, manifest, run_record, state
from harness.evidence.documents import pretty
from harness.evidence.records import Annotation, hints_of, without_none

if TYPE_CHECKING:
    from collections.abc import Mapping

DRAFT: Final = "http://json-schema.org/draft-07/schema#"
FOLDER: Final = Path(__file__).parent

_SCALARS: Final[Mapping[Any, str]] = {str: "string", int: "integer", float: "number", bool: "boolean"}
_LINE: Final = {
    "v": {"const": event_lines.VERSION},
    "seq": {"type": "integer", "minimum": 1},
    "t": {"type": "number", "minimum": 0},
    "at": {"type": "string", "format": "date-time"},
}


def schemas() -> dict[str, dict[str, Any]]:
    """File name → schema."""
    records = {
        "run": (run_record.SCHEMA, run_record.RunRecord),
        "state": (state.SCHEMA, state.RunState),
        "manifest": (manifest.SCHEMA, manifest.Manifest),
    }
    found = {f"{name}.schema.json": _document(name, word, kind) for name, (word, kind) in records.items()}
    return found | {"events.schema.json": _events()}


def _document(name: str, word: str, kind: type) -> dict[str, Any]:
    body = record_schema(kind)
    body["properties"]["schema"] = {"const": word}
    body["required"] = sorted({*body["required"], "schema"})
    return {"$schema": DRAFT, "title": f"{name}.json of a run", **body}


def _events() -> dict[str, Any]:
    lines = [_line(word, kind) for word, kind in event_lines.KINDS.items()]
    return {"$schema": DRAFT, "title": "One line of events.jsonl", "oneOf": lines}


def _line(word: str, kind: type) -> dict[str, Any]:
    body = record_schema(kind)
    body["properties"] = {**_LINE, "type": {"const": word}, **body["properties"]}
    body["required"] = sorted({*body["required"], *_LINE, "type"})
    return {"title": (kind.__doc__ or "").partition("\n")[0], **body}


def record_schema(kind: Annotation) -> dict[str, Any]:
    """The schema of one record; keywords that stand beside a field's type (``Annotated``) are taken over."""
    hints = hints_of(kind)
    has_no_default = [each.name for each in fields(kind) if each.default is MISSING and each.default_factory is MISSING]
    return {
        "type": "object",
        "properties": {each.name: {**_schema(hints[each.name]), **_keywords(each.type)} for each in fields(kind)},
        "required": sorted(has_no_default),
        "additionalProperties": False,
    }


def _keywords(annotation: Annotation) -> Mapping[str, Any]:
    beside = getattr(annotation, "__metadata__", ())
    return beside[0] if beside else {}


def _schema(hint: Annotation) -> dict[str, Any]:
    if hint is Any:
        return {}
    if get_origin(hint) in {Union, UnionType}:
        return {"anyOf": [_schema(without_none(hint)), {"type": "null"}]}
    if get_origin(hint) is not None:
        return _collection(hint)
    if is_dataclass(hint):
        return record_schema(hint)
    return {"enum": [member.value for member in hint]} if issubclass(hint, Enum) else {"type": _SCALARS[hint]}


def _collection(hint: Annotation) -> dict[str, Any]:
    origin: Annotation = get_origin(hint)
    if origin is tuple:
        return {"type": "array", "items": _schema(get_args(hint)[0])}
    return {"type": "object", "additionalProperties": _schema(get_args(hint)[1])}


def main() -> None:
    """Write the files."""
    for name, schema in schemas().items():
        (FOLDER / name).write_text(pretty(schema), encoding="utf-8")


if __name__ == "__main__":
    main()
