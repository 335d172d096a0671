r"""``result_excerpt.txt``: five lines about a result document, for a reader with ``grep``. Contract section 4.

A missing status or summary is ``n/a``, an empty list leaves nothing after the blank, no error is ``none``. A line end
inside a value is written ``\n``; the rarer ones that some readers break at are spelt out as well, so that there are
always five lines. It trusts no shape: a document that is no object, or has other types, gives an excerpt all the same.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

MISSING: Final = "n/a"
NO_ERROR: Final = "none"

# What str.splitlines breaks at.
_BREAK: Final = re.compile("[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")


def excerpt(document: object) -> str:
    """The five lines; a document still wrapped as ``{path, contents}`` by the file API is unwrapped first."""
    found = _unwrapped(document)
    errors = _items(found.get("errors"))
    lines = {
        "status": _word(found.get("status")),
        "summary": _word(found.get("summary")),
        "created_files": ",".join(_items(found.get("created_files"))),
        "modified_files": ",".join(_items(found.get("modified_files"))),
        "first_error": errors[0] if errors else NO_ERROR,
    }
    return "".join(f"{name}: {_BREAK.sub(_spelt, value)}\n" for name, value in lines.items())


def _unwrapped(document: object) -> dict[str, Any]:
    if not isinstance(document, dict):
        return {}
    contents = document.get("contents")
    # A result never has a top-level `contents`, so nothing is mistaken here.
    if "status" in document or not isinstance(contents, str):
        return document
    try:
        inner = json.loads(contents)
    except ValueError:
        return document
    return inner if isinstance(inner, dict) else document


def _word(value: object) -> str:
    return MISSING if value is None else _text(value)


def _items(value: object) -> list[str]:
    return [_text(item) for item in value] if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _spelt(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()
