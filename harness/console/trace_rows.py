"""Pipelines: the climbs of all runs, as the index tells them of runs that have ended, else from a run's own events.

A list of them opens no file of a run whose record tells its climbs. Of any other run, one that goes on or was killed,
only the lines of its log that begin or end something are read, and of a climb that has ended its own trace.
"""

from __future__ import annotations

import json
import os
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from harness.console.observed_pipelines import observed_pipelines
from harness.console.rendering import address
from harness.console.shelf import UNFINISHED, run_in
from harness.console.stamps import stamp_of
from harness.evidence.faults import EvidenceError
from harness.evidence.guarded import stored_text
from harness.evidence.layout import TRACE_MANIFEST, trace_file
from harness.evidence.reading import RunCondition, read_entry
from harness.evidence.records import DamagedRecordError, to_document
from harness.evidence.trial_records import decode_traces
from harness.ids import is_id
from harness.judging.verdict import Verdict
from harness.reporting.logs import logs_of
from harness.reporting.stored import LostError, object_of
from harness.traces.pipeline import step_status

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from harness.console.listed import Row
    from harness.console.rendering import Json
    from harness.console.shelf import Shelf
    from harness.evidence.events import ClimbStarted
    from harness.evidence.reading import RunEntry
    from harness.evidence.run_record import RunRecord


MOST_TRIALS: Final = 100
"""Of a run that goes on: the newest ones."""

_BAD: Final = frozenset({"FAIL", "BLOCKED"})


class Pipelines:
    """The pipelines of runs; used by several threads at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[object, list[Json]]] = {}
        self._told: dict[str, tuple[str, list[Json]]] = {}

    def all(self, shelf: Shelf) -> list[Json]:
        """Those of every run, recent first, without their steps' details.

        Raises:
            EvidenceError: The source cannot be read.
        """
        listed = shelf.listed()
        return listed.made("pipelines", lambda: self._all(shelf.root, listed.rows))

    def _all(self, root: Path, rows: Iterable[Row]) -> list[Json]:
        before, now = self._told, {}
        found: list[Json] = []
        for row in rows:
            if row.is_finished and row.details.climbs:
                held = before.get(row.name)
                told = held if held and held[0] == row.facts.mark != "" else (row.facts.mark, _told(row))
                now[row.name] = told
                found += told[1]
            else:
                found += self._of_row(root, row)
        # Whoever is quicker is right: all of it can be made again.
        self._told = now
        return sorted(found, key=lambda each: str(each["started_at"]), reverse=True)

    def _of_row(self, root: Path, row: Row) -> list[Json]:
        folder = root / row.facts.folder
        told = self.of(read_entry(folder))
        if os.path.lexists(folder):
            return told
        # It went away, or got its final name, while it was read: that is no damage.
        entry = run_in(root, row.name)
        return self.of(entry) if entry else []

    def of(self, entry: RunEntry) -> list[Json]:
        """Those of one run, the latest first; a run whose log cannot be read has one that says so."""
        stamp = (entry.folder, stamp_of(entry.folder))
        with self._lock:
            kept = self._kept.get(entry.name)
        if kept and kept[0] == stamp and entry.condition not in UNFINISHED:
            return kept[1]
        found = list(reversed(list(_pipelines(entry))))
        with self._lock:
            self._kept[entry.name] = stamp, found
        return found


def _told(row: Row) -> list[Json]:
    """The climbs of a run that has ended, as the index tells them."""
    return [_told_climb(row, climb) for climb in reversed(json.loads(row.details.climbs))]


def _told_climb(row: Row, climb: Json) -> Json:
    steps = [{"name": name, "status": step_status(Verdict(verdict)).value} for name, verdict in climb["steps"]]
    return {
        "run": row.name,
        "run_href": address("runs", row.name),
        "part": climb["part"],
        "mode": climb["mode"],
        "trace_id": climb["trace_id"],
        "href": address("traces", climb["trace_id"]),
        "is_stored": True,
        "why": "",
        "status": climb["status"],
        "intent": climb["ladder"],
        "source": row.details.trigger,
        "started_at": climb["started_at"],
        "completed_at": climb["finished_at"],
        "steps": steps,
        "failing_step": climb["failing"],
        "reason": climb["reason"],
        "job_types": climb["job_types"],
    }


def _pipelines(entry: RunEntry) -> Iterator[Json]:
    if entry.record is None:
        yield _unreadable(entry, entry.why)
        return
    for log in logs_of(entry.folder, _with_trials(entry, entry.record)):
        try:
            yield from _of_log(entry, log)
        except (EvidenceError, DamagedRecordError, OSError) as error:
            yield _unreadable(entry, f"{log.name}: {error}")


def _with_trials(entry: RunEntry, record: RunRecord) -> RunRecord:
    """The record of a run that has not ended, with the trials that were begun so far: it tells them at its end only."""
    if entry.condition not in UNFINISHED or record.trials == 1:
        return record
    try:
        told = decode_traces(stored_text(entry.folder / TRACE_MANIFEST))
    except (OSError, UnicodeDecodeError, DamagedRecordError):
        return record
    return replace(record, trial_records=told.trials[-MOST_TRIALS:])


def _of_log(entry: RunEntry, log: Path) -> Iterator[Json]:
    is_running = entry.condition is RunCondition.RUNNING
    for started, pipeline in observed_pipelines(log, is_running=is_running):
        stored = _stored(entry, started.trace_id)
        told = stored or to_document(pipeline)
        yield _row(entry, started, told, is_stored=stored is not None)


def _stored(entry: RunEntry, trace_id: str) -> Json | None:
    """The pipeline of a climb's own trace; ``None`` while there is none, and of one that cannot be read."""
    if not is_id(trace_id):
        return None
    try:
        pipelines = object_of(entry.folder, trace_file(trace_id)).get("pipelines")
    except LostError:
        return None
    first = pipelines[0] if isinstance(pipelines, list) and pipelines else None
    return first if isinstance(first, dict) and isinstance(first.get("steps"), list) else None


def _row(entry: RunEntry, started: ClimbStarted, told: Json, *, is_stored: bool) -> Json:
    return {
        "run": entry.name,
        "run_href": address("runs", entry.name),
        "part": started.part,
        "mode": started.mode,
        "trace_id": started.trace_id,
        "href": address("traces", started.trace_id),
        "is_stored": is_stored,
        "why": "",
        **facts_of_pipeline(told),
        "pipeline": told,
    }


def facts_of_pipeline(told: Json) -> Json:
    """What a list shows of a pipeline, wherever it is from."""
    trigger: Any = told.get("trigger")
    steps: Any = told.get("steps")
    rows = [step for step in steps if isinstance(step, dict)] if isinstance(steps, list) else []
    bad = next((step for step in rows if str(step.get("status")) in _BAD), None)
    final = _text(told.get("final_error"))
    return {
        "status": str(told.get("pipeline_status") or "unknown"),
        "intent": str(told.get("intent_type") or "unknown"),
        "source": str(trigger.get("source") or "unknown") if isinstance(trigger, dict) else "unknown",
        "started_at": str(told.get("started_at") or ""),
        "completed_at": _text(told.get("completed_at")),
        "steps": [{"name": str(each.get("agent_name")), "status": str(each.get("status"))} for each in rows],
        "failing_step": str(bad.get("agent_name")) if bad else None,
        "reason": str(bad.get("error_message") or final or "") if bad else final,
        "job_types": [],
    }


def _text(value: object) -> str | None:
    """A value that should be a text, and may be anything where somebody else wrote it."""
    return None if value is None else str(value)


def _unreadable(entry: RunEntry, why: str) -> Json:
    return {
        "run": entry.name,
        "run_href": address("runs", entry.name),
        "part": "",
        "mode": "",
        "trace_id": "",
        "href": "",
        "is_stored": False,
        "why": why,
        **facts_of_pipeline({"pipeline_status": "damaged", "started_at": entry.name}),
        "pipeline": None,
    }
