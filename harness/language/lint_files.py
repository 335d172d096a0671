"""The rules about files beside a ladder: what it names must be there and usable, before anything is sent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from harness.language.expressions import ExpressionError, check_pattern
from harness.language.findings import Finding, Rule, did_you_mean
from harness.language.source import parse
from harness.language.walk import checks_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from harness.language.drafts import Draft
    from harness.language.nodes import Node


def files(draft: Draft, folder: Path) -> list[Finding]:
    """``missing-file`` for documents' schemas and for the ladder of the rollback, and what is wrong inside of these.

    That is ``bad-pattern`` in a schema, and ``unknown-scenario`` for what ``rollback`` wants of its ladder.

    Args:
        draft: The ladder.
        folder: Where it lies.
    """
    return sorted({*_schemas(draft, folder), *_rollback(draft, folder)})


def _schemas(draft: Draft, folder: Path) -> Iterator[Finding]:
    for step in draft.steps():
        for check in checks_of(step):
            if name := check.get("schema"):
                yield from _schema(draft, name, folder)


def _schema(draft: Draft, name: Node, folder: Path) -> Iterator[Finding]:
    try:
        rules = json.loads((folder / name.value).read_text("utf-8"))
    except FileNotFoundError:
        yield _missing(draft, name, folder)
        return
    except (OSError, ValueError, RecursionError) as error:
        message = f"{name.value!r} cannot be read as JSON: {type(error).__name__}"
        yield draft.source.finding(name.place, Rule.MISSING_FILE, message)
        return
    if not isinstance(rules, dict | bool):
        yield draft.source.finding(name.place, Rule.MISSING_FILE, f"{name.value!r} is no JSON Schema")
        return
    for pattern in _patterns(rules):
        try:
            check_pattern(pattern)
        except ExpressionError as error:
            message = f"{name.value!r} has a pattern that is no RE2, {pattern!r}: {error}"
            yield draft.source.finding(name.place, Rule.BAD_PATTERN, message)


def _patterns(rules: Any) -> Iterator[str]:  # noqa: ANN401  # JSON values
    if isinstance(rules, list):
        for item in rules:
            yield from _patterns(item)
    if isinstance(rules, dict):
        if isinstance(pattern := rules.get("pattern"), str):
            yield pattern
        named = rules.get("patternProperties")
        yield from named if isinstance(named, dict) else ()
        for item in rules.values():
            yield from _patterns(item)


def _rollback(draft: Draft, folder: Path) -> Iterator[Finding]:
    rollback = draft.root.get("rollback")
    name = rollback.get("verify") if rollback else None
    if not rollback or not name:
        return
    if not (folder / name.value).is_file():
        yield _missing(draft, name, folder)
        return
    wanted = rollback.items("only")
    known = _scenarios_of(folder / name.value) if wanted else None
    for only in wanted if known is not None else ():
        if only.value not in (known or ()):
            message = f"{name.value!r} has no scenario {only.value!r}{did_you_mean(only.value, known or ())}"
            yield draft.source.finding(only.place, Rule.UNKNOWN_SCENARIO, message)


def _scenarios_of(path: Path) -> Collection[str] | None:
    """Ids of another ladder; ``None`` when it cannot be read that far, which is told where it is used."""
    try:
        root = parse(path.read_text("utf-8-sig"), path.name)[1]
    except (OSError, UnicodeDecodeError):
        return None
    return root.entries("scenarios") if root else None


def _missing(draft: Draft, name: Node, folder: Path) -> Finding:
    near = did_you_mean(name.value, [path.name for path in folder.iterdir()])
    return draft.source.finding(name.place, Rule.MISSING_FILE, f"there is no {name.value!r} beside this ladder{near}")
