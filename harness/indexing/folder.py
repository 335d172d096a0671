"""Reads one run's folder for the index: the only module of it that opens files of runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.evidence.guarded import stored_text
from harness.evidence.layout import TRACE_MANIFEST
from harness.evidence.reading import RunCondition, read_entry
from harness.evidence.records import DamagedRecordError
from harness.evidence.trial_records import decode_traces
from harness.indexing.details import details_of
from harness.indexing.facts import contents_of, facts_of

if TYPE_CHECKING:
    from pathlib import Path

    from harness.evidence.reading import RunEntry
    from harness.indexing.rows import Read


def read_folder(folder: Path) -> Read:
    """Read what is told of a run; never fails. All of it is without a mark."""
    entry = read_entry(folder)
    return facts_of(entry, ""), contents_of(entry, "", _trials(entry)), details_of(entry, "")


def _trials(entry: RunEntry) -> list[str]:
    """Those of a run that goes on or was killed: its record tells them at its end only."""
    if entry.condition not in {RunCondition.RUNNING, RunCondition.PARTIAL}:
        return []
    try:
        return [each.trace_id for each in decode_traces(stored_text(entry.folder / TRACE_MANIFEST)).trials]
    except (OSError, UnicodeDecodeError, DamagedRecordError):
        return []
