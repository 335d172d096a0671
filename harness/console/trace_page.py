"""One trace: what set it off, its steps in order, the picture of its flow, and its spans."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.console.climbed import page_id
from harness.console.flow import flow_of
from harness.console.picture import trace_picture
from harness.console.refusals import MissingError
from harness.console.rendering import Page, address
from harness.console.traces_page import BACKEND, ask_backend, recorded
from harness.evidence.faults import EvidenceError
from harness.evidence.records import DamagedRecordError, to_document
from harness.ids import is_id
from harness.traces.reading import load_trace
from harness.traces.records import Trace
from harness.traces.told import read_told

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from harness.console.rendering import Json
    from harness.console.sources import Sources
    from harness.evidence.reading import RunEntry
    from harness.evidence.run_record import ScenarioRecord


def trace_page(sources: Sources, names: Mapping[str, str], query: Mapping[str, str], *, here: str) -> Page:
    """The page.

    Raises:
        MissingError: No run holds such a trace.
        EvidenceError: It cannot be read, or ``backend-unreachable``.
    """
    trace_id = names["trace"]
    if not is_id(trace_id):
        raise MissingError("there is no such trace")
    fold = query.get("all") != "1"
    if query.get("source") == BACKEND:
        document = _of_backend(sources, trace_id, fold=fold)
    else:
        document = trace_document(sources, trace_id, fold=fold)
    href = address("traces", trace_id)
    return Page("trace", f"Trace {trace_id}", {**document, "href": href, "is_folded": fold}, here)


def trace_document(sources: Sources, trace_id: str, *, fold: bool) -> Json:
    """A recorded trace: that of a climb, which may still run, or that of a scenario.

    Raises:
        MissingError: No run holds it.
        EvidenceError: It cannot be read.
    """
    if not is_id(trace_id):
        raise MissingError("there is no such trace")
    row = next((each for each in recorded(sources) if each["trace_id"] == trace_id), None)
    if row is not None:
        entry = sources.shelf.entry(row["run"])
        if not row["is_stored"]:
            why = "the trace is stored when the climb has ended"
            return _document(trace_id, entry, [row["pipeline"]], trace=None, why=why, fold=fold)
        trace = load_trace(entry, trace_id).trace
        return _document(trace_id, entry, trace.pipelines, trace=trace, why="", fold=fold)
    holder = sources.shelf.holding(trace_id)
    record = _scenario(holder, trace_id) if holder else None
    if holder is None or record is None:
        raise MissingError("no run holds such a trace")
    found = load_trace(holder, trace_id).trace
    told = _document(trace_id, holder, found.pipelines, trace=found, why="", fold=fold)
    href = address("runs", holder.name, page_id(holder, record))
    return {**told, "scenario": {"id": record.id, "title": record.title, "href": href}}


def _scenario(entry: RunEntry, trace_id: str) -> ScenarioRecord | None:
    records = entry.record.scenarios if entry.record else ()
    return next((each for each in records if each.trace_id == trace_id), None)


def _document(  # noqa: PLR0913  # what a page tells
    trace_id: str, entry: RunEntry | None, pipelines: Iterable[Any], *, trace: Trace | None, why: str, fold: bool
) -> Json:
    told = [each for each in pipelines if isinstance(each, dict)]
    return {
        "trace_id": trace_id,
        "run": entry.name if entry else "",
        "run_href": address("runs", entry.name) if entry else "",
        "scenario": None,
        "pipelines": [{"pipeline": to_document(each), "flow": flow_of(each)} for each in told],
        "counts": {"spans": len(trace.spans), "events": len(trace.events), "writes": len(trace.db_writes)}
        if trace
        else None,
        "incomplete": bool(trace and trace.incomplete),
        "waterfall": trace_picture(trace, fold=fold) if trace else {"total": "", "rows": []},
        "why_no_waterfall": why,
    }


def _of_backend(sources: Sources, trace_id: str, *, fold: bool) -> Json:
    body = ask_backend(sources, f"/api/v1/traces/{trace_id}")
    try:
        told = read_told(body, trace_id)
    except DamagedRecordError as error:
        raise EvidenceError("backend-unreachable", f"the backend told no trace: {error}", "") from None
    trace = Trace(
        trace_id, "", told.spans, told.events, told.db_writes, told.capture, incomplete=told.incomplete
    ) if told.spans else None  # fmt: skip
    return _document(trace_id, None, told.pipelines, trace=trace, why="it holds no span yet", fold=fold)
