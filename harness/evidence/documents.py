"""JSON documents of ours on disk: how they are spelt, and what a text must be to be one of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from harness.evidence.records import DamagedRecordError

if TYPE_CHECKING:
    from collections.abc import Mapping


def pretty(document: Mapping[str, Any]) -> str:
    """Spell a document for people and programs: indented, in the order given, with a final line feed."""
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def of_schema(text: str, schema: str) -> Mapping[str, Any]:
    """Parse a document that says which schema it follows.

    Raises:
        DamagedRecordError: It is no JSON object of that schema; a newer one is not guessed at.
    """
    document = parse_object(text)
    if document.get("schema") != schema:
        msg = f"schema {document.get('schema')!r} is not {schema}"
        raise DamagedRecordError(msg)
    return document


def parse_object(text: str) -> dict[str, Any]:
    """Parse a JSON object.

    Raises:
        DamagedRecordError: It is none.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        msg = f"no JSON: {error}"
        raise DamagedRecordError(msg) from None
    if not isinstance(document, dict):
        msg = "no JSON object"
        raise DamagedRecordError(msg)
    return document
