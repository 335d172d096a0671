"""A run as one file that opens from disk: everything of its pages, its style inside, and nothing to be fetched.

Its policy allows that one style sheet by its hash, and nothing else. It passes the redactor, like all that leaves.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from importlib import resources
from itertools import groupby
from typing import TYPE_CHECKING, Any

from harness.console.case_page import case_document
from harness.console.climbed import page_names
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
    style = _squeezed(asset("console.css").decode() + _own_style())
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    run, cases = run_document(entry), _cases(entry)
    # Last, so that a run which went away meanwhile is not told as one without files.
    trust = sources.trusted.of(entry).document()
    told = _without_links({"run": run, "cases": cases, "lean": True})
    for each in (told["run"], *told["cases"]):
        each["trust"] = trust
    text = _lean(exported(told, style=style, policy=policy))
    name = f"ladder-{entry.name.replace(':', '')}.html"
    return Export(sources.redactor().text(text, source="export.html"), name, policy)


def _own_style() -> str:
    return resources.files("harness.console.page").joinpath("export.css").read_text(encoding="utf-8")


def _squeezed(style: str) -> str:
    """A style sheet without its comments and indentation."""
    return re.sub(r"\n\s*", "\n", re.sub(r"/\*.*?\*/", "", style, flags=re.DOTALL)).strip()


def _lean(text: str) -> str:
    """The same page in fewer bytes: without end tags that HTML does not ask for, and with quotes as they are in texts.

    Every ``<`` and ``>`` of a value is escaped, so what stands between a tag's end and the next one's start is text.
    """
    text = re.sub(r"</(?:td|th|tr|thead|tbody|li)>\n?", "", text)
    return re.sub(r">[^<>]*<", lambda found: found[0].replace("&#34;", '"').replace("&#39;", "'"), text)


def _cases(entry: RunEntry) -> list[Json]:
    records, called = entry.record.scenarios if entry.record else (), page_names(entry)
    return [_spanned(case_document(entry, record, called, fold=True)) for record in records]


def _spanned(case: Json) -> Json:
    """Rows of one answer tell their step and their file once."""
    table = case["produced_output"]
    groups = (list(found) for _, found in groupby(table["rows"], key=lambda row: (row["step"], row["file"])))
    rows = [{**row, "span": 0 if at else len(found)} for found in groups for at, row in enumerate(found)]
    return {**case, "produced_output": {**table, "rows": rows}}


def _without_links(value: Any) -> Any:  # noqa: ANN401  # JSON values
    """The same document with no address in it: a file that opens from disk has no server behind it."""
    if isinstance(value, dict):
        links = ("href", "run_href", "export_href", "events_href", "compare_href")
        return {key: "" if key in links else _without_links(inner) for key, inner in value.items()}
    return [_without_links(inner) for inner in value] if isinstance(value, list) else value
