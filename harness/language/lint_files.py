"""The rule about files beside a ladder: what it names must be there, before anything is sent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from harness.language.findings import Finding, Rule, did_you_mean
from harness.language.walk import checks_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.language.drafts import Draft
    from harness.language.nodes import Node


def files(draft: Draft, folder: Path) -> list[Finding]:
    """``missing-file`` for documents' schemas and for the ladder of the rollback.

    Args:
        draft: The ladder.
        folder: Where it lies.
    """
    return sorted({*_schemas(draft, folder), *_rollback(draft, folder)})


def _schemas(draft: Draft, folder: Path) -> Iterator[Finding]:
    for step in draft.steps():
        for check in checks_of(step):
            if name := check.get("schema"):
                try:
                    json.loads((folder / name.value).read_text("utf-8"))
                except FileNotFoundError:
                    yield _missing(draft, name, folder)
                except (OSError, ValueError) as error:
                    message = f"{name.value!r} cannot be read as JSON: {type(error).__name__}"
                    yield draft.source.finding(name.place, Rule.MISSING_FILE, message)


def _rollback(draft: Draft, folder: Path) -> Iterator[Finding]:
    name = (draft.root.get("rollback") or draft.root).get("verify")
    if name and not (folder / name.value).is_file():
        yield _missing(draft, name, folder)


def _missing(draft: Draft, name: Node, folder: Path) -> Finding:
    near = did_you_mean(name.value, [path.name for path in folder.iterdir()])
    return draft.source.finding(name.place, Rule.MISSING_FILE, f"there is no {name.value!r} beside this ladder{near}")
