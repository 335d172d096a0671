"""``excerpt(doc)``: five lines about a result document, for a reader with ``grep`` (see ``docs/evidence/README.md``).

It trusts no shape: whatever the subject sent, there are five lines, and each begins with its name.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from harness.language.variables import as_text

if TYPE_CHECKING:
    from collections.abc import Mapping

_BREAK: Final = re.compile("[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
"""Whatever a reader may take for the end of a line (``str.splitlines``)."""


def excerpt(document: object) -> str:
    """The five lines, each with its newline; a document still wrapped by the file API is unwrapped first."""
    fields = _unwrapped(document)
    errors = _listed(fields.get("errors"))
    lines = {
        "status": _word(fields.get("status")),
        "summary": _word(fields.get("summary")),
        "created_files": ",".join(_listed(fields.get("created_files"))),
        "modified_files": ",".join(_listed(fields.get("modified_files"))),
        "first_error": errors[0] if errors else "none",
    }
    return "".join(f"{name}: {_one_line(value)}\n" for name, value in lines.items())


def _unwrapped(document: object) -> Mapping[str, Any]:
    if not isinstance(document, dict):
        return {}
    # A result never has a top-level `contents`, so nothing is mistaken for a wrapping here.
    contents = document.get("contents")
    if "status" in document or not isinstance(contents, str):
        return document
    try:
        inner = json.loads(contents)
    except ValueError:
        return document
    return inner if isinstance(inner, dict) else document


def _word(value: object) -> str:
    return "n/a" if value is None else as_text(value)


def _listed(value: object) -> list[str]:
    return [as_text(item) for item in value] if isinstance(value, list) else []


def _one_line(text: str) -> str:
    return _BREAK.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
