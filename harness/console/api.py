"""What programs read below ``/evidence/api``: runs, their cases as they are stored, and the requests of the API.

A case is sent as the bytes that lie there, once they are what the manifest lists, so that a reader has what was sealed.
What has ended does not change: it is sent with its digest, and a list never is.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from importlib import resources
from typing import TYPE_CHECKING, Final

from harness.console.answers import spelt
from harness.console.case_tables import tables_of
from harness.console.climbed import climbed, page_names
from harness.console.refusals import MissingError
from harness.console.rendering import address
from harness.console.run_rows import facts_of_row, row_of
from harness.console.shelf import UNFINISHED, run_in
from harness.console.trace_page import trace_document
from harness.console.traces_page import traces_page
from harness.evidence.faults import EvidenceError
from harness.evidence.layout import case_file
from harness.evidence.reading import RunCondition
from harness.evidence.records import to_document
from harness.ids import is_id
from harness.reporting.stored import LostError, data_of
from harness.reporting.told_run import listed_files
from harness.traces.case import STATUS_OF
from harness.traces.case_names import case_id_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.console.listed import Listed, Row
    from harness.console.rendering import Json
    from harness.console.sources import Sources
    from harness.evidence.reading import RunEntry
    from harness.evidence.run_record import ScenarioRecord

PREFIX: Final = "/evidence/api"

Answer = tuple[bytes, str]
"""A body, and its digest where it cannot change; else an empty one."""


def runs(sources: Sources) -> Answer:
    """Every run, newest first; a damaged one says so and breaks no other."""
    listed = sources.shelf.listed()
    found = [_summary(row, listed) for row in listed.rows]
    return spelt({"runs": found, "count": len(found)}), ""


def run(sources: Sources, names: Mapping[str, str]) -> Answer:
    """One run.

    Raises:
        MissingError: There is none.
    """
    entry = sources.shelf.by_id(names["run"])
    told = {
        **_summary(row_of(entry), sources.shelf.listed()),
        "trust": sources.trusted.of(entry).document(),
        "record": to_document(entry.record) if entry.record else None,
    }
    return _ended(entry, spelt(told))


def cases(sources: Sources, names: Mapping[str, str]) -> Answer:
    """The cases of a run.

    Raises:
        MissingError: There is no such run.
        EvidenceError: ``run-unreadable``.
    """
    entry = sources.shelf.by_id(names["run"])
    listed = listed_files(entry.folder)
    found, names = [], page_names(entry)
    asked_as = _asked_as(row_of(entry), sources.shelf.listed())
    for record in _scenarios(entry):
        file = listed.get(case_file(case_id_of(record.folder)))
        page = address("runs", entry.name, names[record.folder])
        found.append({**_case_summary(record, asked_as), "page": page, "sha256": file.sha256 if file else None})
    told = {"run": entry.name, "run_id": entry.run_id, "cases": found, "count": len(found)}
    return _ended(entry, spelt(told))


def case(sources: Sources, names: Mapping[str, str]) -> Answer:
    """One case, as it is stored.

    Raises:
        MissingError: There is no such run or case, or it is not sealed yet.
        EvidenceError: ``case-unreadable`` or ``case-damaged``.
    """
    entry = sources.shelf.by_id(names["run"])
    known = {case_id_of(record.folder) for record in _scenarios(entry)}
    if names["case"] not in known or entry.condition in UNFINISHED:
        raise MissingError("the run has no such case")
    path = case_file(names["case"])
    hint = "`ladder verify --strict` tells what else does not fit"
    try:
        data = data_of(entry.folder, path)
    except LostError as error:
        raise EvidenceError("case-unreadable", f"run {entry.name}: {error}", hint) from None
    digest = hashlib.sha256(data).hexdigest()
    listed = listed_files(entry.folder).get(path)
    if listed is None or listed.sha256 != digest:
        raise EvidenceError("case-damaged", f"run {entry.name}: {path} is not as the manifest lists it", hint)
    return data, digest


def apis(sources: Sources, query: Mapping[str, str]) -> Answer:
    """What was called by a run: each route with how often, how it answered, and by which scenarios.

    Raises:
        MissingError: There is no such run, or none at all.
        EvidenceError: ``run-unreadable``.
    """
    entry = _named(sources, query.get("run", ""))
    told = sources.kept.made(entry, ("apis",), lambda: _called(entry))
    return spelt({"run": entry.name, "run_id": entry.run_id, "apis": told, "count": len(told)}), ""


def traces(sources: Sources, query: Mapping[str, str]) -> Answer:
    """The climbs of all runs, recent first, filtered and in pages like the page that shows them."""
    return spelt(traces_page(sources, query, "").document), ""


def trace(sources: Sources, names: Mapping[str, str]) -> Answer:
    """One trace: its pipelines, and its spans as rows.

    Raises:
        MissingError: No run holds it.
        EvidenceError: It cannot be read.
    """
    return spelt(trace_document(sources, names["trace"], fold=False)), ""


def ledger() -> Answer:
    """What exists: the paths of the published API description."""
    data = resources.files("harness.language").joinpath("api_paths.json").read_bytes()
    paths = json.loads(data)["paths"]
    return spelt({"paths": paths, "count": len(paths)}), ""


def _named(sources: Sources, name: str) -> RunEntry:
    if name:
        return sources.shelf.by_id(name)
    for row in sources.shelf.listed().rows:
        # One that went away since it was listed is passed over.
        if row.is_finished and (found := run_in(sources.shelf.root, row.name)):
            return found
    raise MissingError("no finished run is there")


def _called(entry: RunEntry) -> list[Json]:
    rows: dict[tuple[str, str], Json] = {}
    for record in _scenarios(entry):
        for call in tables_of(climbed(entry, record))["apis_used"]["rows"]:
            key = (call["method"], call["operation"] if call["operation"] != "unknown" else call["path"])
            row = rows.setdefault(key, {"count": 0, "statuses": Counter(), "cases": []})
            row["count"] += 1
            row["statuses"][str(call["status"])] += 1
            name = case_id_of(record.folder)
            row["cases"] += [] if name in row["cases"] else [name]
    return [{"method": method, "operation": operation, **row} for (method, operation), row in sorted(rows.items())]


def _summary(row: Row, listed: Listed) -> Json:
    facts = row.facts
    return {
        **facts_of_row(row),
        "why": facts.why,
        "signed": bool(facts.signature),
        "scenarios": int(facts.climbed) if facts.climbed else None,
        "href": f"{PREFIX}{address('runs', _asked_as(row, listed))}",
        "page": address("runs", row.name),
    }


def _asked_as(row: Row, listed: Listed) -> str:
    """By what a run is asked for: its id, or its folder where that is none of ours, or that of several runs."""
    run_id = row.facts.run_id
    is_its_own = is_id(run_id) and len(listed.called.get(run_id, ())) == 1
    return run_id if is_its_own else row.name


def _case_summary(record: ScenarioRecord, run: str) -> Json:
    name = case_id_of(record.folder)
    return {
        "case_id": name,
        "uc_id": record.id,
        "title": record.title,
        "folder": record.folder,
        "verdict": record.verdict.value,
        "status": STATUS_OF[record.verdict].value,
        "reason": record.reason,
        "trace_id": record.trace_id or None,
        "href": f"{PREFIX}{address('runs', run, 'cases', name)}",
    }


def _scenarios(entry: RunEntry) -> tuple[ScenarioRecord, ...]:
    if entry.record is None:
        raise EvidenceError("run-unreadable", f"run {entry.name}: {entry.why}", "the list of runs has the others")
    return entry.record.scenarios


def _ended(entry: RunEntry, body: bytes) -> Answer:
    return body, hashlib.sha256(body).hexdigest() if entry.condition is RunCondition.FINISHED else ""
