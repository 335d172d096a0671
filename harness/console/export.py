"""A run as one file that opens from disk: everything of its pages, its style inside, and nothing to be fetched.

Its policy allows that one style sheet by its hash, and nothing else. It passes the redactor, like all that leaves.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.console.case_page import case_document
from harness.console.rendering import asset, exported
from harness.console.run_page import run_document
from harness.evidence.faults import EvidenceError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.console.rendering import Json
    from harness.console.sources import Sources
    from harness.evidence.reading import RunEntry


@dataclass(frozen=True, slots=True)
class Export:
    """One file: its text, the name that it is saved under, and its policy."""

    text: str
    name: str
    policy: str


def export(sources: Sources, names: Mapping[str, str]) -> Export:
    """Make the file.

    Raises:
        MissingError: There is no such run.
        EvidenceError: ``run-unreadable``, or the source cannot be read.
    """
    entry = sources.shelf.entry(names["run"])
    if entry.record is None:
        raise EvidenceError("run-unreadable", f"run {entry.name}: {entry.why}", "the list of runs has the others")
    trust = sources.trusted.of(entry).document()
    style = asset("console.css").decode()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    run = {**run_document(entry), "trust": trust}
    text = exported(
        _without_links({"run": run, "cases": _cases(entry, trust), "lean": True}), style=style, policy=policy
    )
    name = f"ladder-{entry.name.replace(':', '')}.html"
    return Export(sources.redactor().text(text, source="export.html"), name, policy)


def _cases(entry: RunEntry, trust: Json) -> list[Json]:
    records = entry.record.scenarios if entry.record else ()
    return [{**case_document(entry, record, fold=True), "trust": trust} for record in records]


def _without_links(value: Any) -> Any:  # noqa: ANN401  # JSON values
    """The same document with no address in it: a file that opens from disk has no server behind it."""
    if isinstance(value, dict):
        links = ("href", "run_href", "export_href", "events_href", "compare_href")
        return {key: "" if key in links else _without_links(inner) for key, inner in value.items()}
    return [_without_links(inner) for inner in value] if isinstance(value, list) else value
