"""The JSON Schema (draft-07) of a case, made from its records: closed, every key required, for readers elsewhere.

``python -m harness.traces.case_schema`` writes it beside this module; a test compares the shipped file.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from harness.evidence.documents import pretty
from harness.evidence.schemas import DRAFT, record_schema
from harness.traces.case import Case

if TYPE_CHECKING:
    from jsonschema import Draft7Validator

FILE: Final = Path(__file__).parent / "case.schema.json"


def case_schema() -> dict[str, Any]:
    """Make the schema."""
    return {"$schema": DRAFT, "title": "cases/<case_id>.json of a run", **record_schema(Case)}


@cache
def validator() -> Draft7Validator:
    """Read the shipped schema, ready to judge many cases."""
    from jsonschema import Draft7Validator

    return Draft7Validator(json.loads(FILE.read_text(encoding="utf-8")))


def main() -> None:
    """Write the file."""
    FILE.write_text(pretty(case_schema()), encoding="utf-8")


if __name__ == "__main__":
    main()
