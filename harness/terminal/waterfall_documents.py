"""Traces for programs: the stored documents as they are, and beside them the rows that a picture is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.terminal.waterfall_rows import extent_of, rows_of
from harness.traces.contents import contents_of, pipeline_status

if TYPE_CHECKING:
    from harness.evidence.reading import RunEntry
    from harness.terminal.waterfall_rows import Extent, Row
    from harness.traces.reading import OneTrace, TracedClimb, TracedRun, TracedScenario

    Json = dict[str, Any]

_MS = 1_000_000


def trace_document(found: OneTrace, *, fold: bool) -> Json:
    """One trace."""
    record, trace = found.record, found.stored.trace
    extent = extent_of(trace)
    return {
        **_run(found.entry),
        "scenario": record.id if record else None,
        "folder": record.folder if record else None,
        "verdict": record.verdict if record else None,
        "trace": found.stored.document,
        "waterfall": [_row(row, extent) for row in rows_of(trace, fold=fold)],
    }


def run_document(run: TracedRun) -> Json:
    """A whole run, with the traces of its climbs; those of its scenarios are counted."""
    return {**_run(run.entry), "verdict": run.record.verdict, "climbs": [_climb(climb) for climb in run.climbs]}


def _run(entry: RunEntry) -> Json:
    return {"run": entry.name, "run_id": entry.run_id or None}


def _climb(climb: TracedClimb) -> Json:
    stored = climb.stored
    return {
        "part": climb.part,
        "trace_id": stored.trace.trace_id if stored else None,
        "pipeline_status": (pipeline_status(stored.trace) or None) if stored else None,
        "trace": stored.document if stored else None,
        "scenarios": [_scenario(each) for each in climb.scenarios],
    }


def _scenario(scenario: TracedScenario) -> Json:
    record = scenario.record
    told: Json = {
        "id": record.id,
        "folder": record.folder,
        "verdict": record.verdict,
        "started_at": record.started_at,
        "duration_s": record.duration_s,
        "trace_id": record.trace_id or None,
        "damaged": scenario.is_damaged,
        "why": scenario.why,
    }
    if scenario.stored is None:
        return told | {"spans": None, "writes": None, "committed": None, "capture_active": None}
    found = contents_of(scenario.stored.trace)
    counts = {"spans": found.spans, "writes": found.writes, "committed": found.committed}
    return told | counts | {"capture_active": found.is_watched}


def _row(row: Row, extent: Extent) -> Json:
    return {
        "depth": row.depth,
        "label": row.label,
        "layer": row.layer,
        "span_id": row.span_id,
        "offset_ms": extent.offset_ms(row.start_ns),
        "duration_ms": None if row.duration_ns is None else row.duration_ns / _MS,
        "marks": row.marks,
        "failure": row.failure or None,
        "count": row.count,
        "hidden_writes": row.hidden_writes,
    }
