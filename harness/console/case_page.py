"""One scenario of a run: what it sent, got, checked, called and wrote, with the files that hold it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.console.case_steps import steps_of
from harness.console.case_tables import tables_of
from harness.console.case_texts import texts_of
from harness.console.climbed import climbed, find, page_names
from harness.console.picture import trace_picture
from harness.console.rendering import Page, address
from harness.evidence.layout import case_file
from harness.evidence.records import to_document
from harness.reporting.told_run import listed_files
from harness.reporting.words import took
from harness.traces.case_names import case_id_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.console.climbed import Climbed
    from harness.console.rendering import Json
    from harness.console.sources import Sources
    from harness.evidence.reading import RunEntry
    from harness.evidence.run_record import ScenarioRecord
    from harness.reporting.told_run import StoredFile


def case_page(sources: Sources, names: Mapping[str, str], here: str, *, fold: bool) -> Page:
    """The page.

    Raises:
        MissingError: There is no such run or scenario.
        EvidenceError: The source or the run cannot be read.
    """
    entry = sources.shelf.entry(names["run"])
    record = find(entry, names["scenario"])
    called = page_names(entry)
    made = sources.kept.made(
        entry, ("case", record.folder, str(fold)), lambda: case_document(entry, record, called, fold=fold)
    )
    trust = sources.trusted.of(entry).document()
    around = {"trust": trust, "condition": entry.condition.value}
    keep = sources.kept.drawn(entry, (here,), around)
    return Page("case", f"{record.id} {record.title}, run {entry.name}", {**made, **around}, here, keep=keep)


def case_document(entry: RunEntry, record: ScenarioRecord, called: Mapping[str, str], *, fold: bool) -> Json:
    """Everything of one scenario but its trust.

    Args:
        entry: The run.
        record: The scenario.
        called: ``page_names`` of the run.
        fold: Whether look-alikes of its trace become one row.
    """
    found = climbed(entry, record)
    name = called[record.folder]
    return {
        "run": entry.name,
        "run_href": address("runs", entry.name),
        "href": address("runs", entry.name, name),
        "id": name,
        "case_id": case_id_of(record.folder),
        "scenario": to_document(record),
        "facts": _facts(found),
        "errors": [why for why in (found.why if found.case is None else "", _events_lost(found)) if why],
        "capture": found.capture,
        "steps": steps_of(found.entries),
        "why_no_steps": found.why_no_events,
        "waterfall": trace_picture(found.trace, fold=fold) if found.trace else {"total": "", "rows": []},
        "why_no_waterfall": found.why_untraced,
        "is_folded": fold,
        **tables_of(found),
        **texts_of(entry, record),
        "files": _files(entry, found),
        **_neighbours(entry, record, called),
    }


def _events_lost(found: Climbed) -> str:
    return found.why_no_events if found.why_no_events and found.record.started_at else ""


def _facts(found: Climbed) -> list[list[str]]:
    record, case = found.record, found.case
    rows = [
        ["Started", record.started_at or "not climbed"],
        ["Duration", took(record.duration_s) if record.started_at else ""],
        ["Result", record.result_status],
        ["Main call", case.operation_name if case else ""],
        ["Trace", record.trace_id or "none"],
        ["Structure", case.determinism_hash if case else ""],
        ["Database capture", found.capture],
    ]
    return [row for row in rows if row[1]]


def _files(entry: RunEntry, found: Climbed) -> list[Json]:
    """What the manifest lists of the scenario; while a run is not sealed, nothing is listed and nothing served."""
    listed = listed_files(entry.folder)
    record = found.record
    paths = {*(f"{record.folder}/{name}" for name in record.files), case_file(case_id_of(record.folder))}
    paths |= set(found.case.evidence_files) if found.case else set()
    return [file_row(entry, path, listed.get(path)) for path in sorted(paths)]


def file_row(entry: RunEntry, path: str, listed: StoredFile | None) -> Json:
    """A file as the manifest lists it; one that it does not list is named, and has no page."""
    href = address("runs", entry.name, "files", *path.split("/")) if listed else ""
    known = (listed.size, listed.sha256) if listed else (None, None)
    return {"path": path, "size": known[0], "sha256": known[1], "href": href}


def _neighbours(entry: RunEntry, record: ScenarioRecord, called: Mapping[str, str]) -> Json:
    """The scenarios before and after, in the order of the climb."""
    found = entry.record.scenarios if entry.record else ()
    at = found.index(record)
    before = found[at - 1] if at else None
    after = found[at + 1] if at + 1 < len(found) else None
    named = (("previous", before), ("next", after))
    return {
        name: {"id": called[each.folder], "href": address("runs", entry.name, called[each.folder])} if each else None
        for name, each in named
    }
