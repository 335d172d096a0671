"""One scenario of a run as it is stored: record, case, trace and events, each with why it is lacking."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from harness.console.refusals import MissingError
from harness.console.shelf import UNFINISHED
from harness.evidence.faults import EvidenceError
from harness.evidence.journal import iter_events
from harness.reporting.logs import logs_of
from harness.reporting.stored import LostError
from harness.reporting.told_run import stored_case
from harness.traces.case import CaseFacts, observed_case
from harness.traces.case_names import case_id_of
from harness.traces.reading import load_trace
from harness.traces.segments import segments

if TYPE_CHECKING:
    from harness.evidence.event_lines import Entry
    from harness.evidence.reading import RunEntry
    from harness.evidence.run_record import RunRecord, ScenarioRecord
    from harness.traces.case import Case
    from harness.traces.records import Trace


_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_TAKEN: Final = frozenset({"events", "export.html", "files"})
_TWIN: Final = ".json"


@dataclass(frozen=True, slots=True)
class Climbed:
    """Everything of one scenario.

    Attributes:
        case: ``None`` when there is none, and then ``why`` says why; likewise of the trace and the events.
        capture: Whether writes to the database were watched: ``active``, ``inactive`` or ``unknown``.
    """

    record: ScenarioRecord
    case: Case | None
    why: str
    trace: Trace | None
    why_untraced: str
    entries: tuple[Entry, ...]
    why_no_events: str

    @property
    def capture(self) -> str:
        """In one word."""
        if self.trace is None or self.trace.capture is None:
            return "unknown"
        return "active" if self.trace.capture.active else "inactive"


def page_names(entry: RunEntry) -> dict[str, str]:
    """Folder → what that scenario is called in addresses: its id, or that of its case where several have the same."""
    records = entry.record.scenarios if entry.record else ()
    count = Counter(each.id for each in records)
    return {each.folder: each.id if count[each.id] == 1 and _fits(each.id) else _by_case(each) for each in records}


def _fits(name: str) -> bool:
    """Whether a name in an address is that of a scenario, and not of something else below a run."""
    return bool(_NAME.fullmatch(name)) and name not in _TAKEN and not name.endswith(_TWIN)


def _by_case(record: ScenarioRecord) -> str:
    name = case_id_of(record.folder)
    # With that ending it would be the JSON of another one.
    return f"{name}_" if name.endswith(_TWIN) else name


def page_id(entry: RunEntry, record: ScenarioRecord) -> str:
    """What one scenario is called in addresses; ``page_names`` tells those of all at once."""
    return page_names(entry)[record.folder]


def find(entry: RunEntry, name: str) -> ScenarioRecord:
    """The scenario that an address names.

    Raises:
        MissingError: None is called so.
        EvidenceError: ``run-unreadable``.
    """
    if entry.record is None:
        raise EvidenceError("run-unreadable", f"run {entry.name}: {entry.why}", "the list of runs has the others")
    names = page_names(entry)
    named = (record for record in entry.record.scenarios if names[record.folder] == name)
    cased = (record for record in entry.record.scenarios if case_id_of(record.folder) == name)
    found = next(named, None) or next(cased, None)
    if found is None:
        raise MissingError("the run has no such scenario")
    return found


def climbed(entry: RunEntry, record: ScenarioRecord) -> Climbed:
    """Read everything of one scenario; never fails."""
    trace, why_untraced = _trace(entry, record)
    entries, why_no_events = _events(entry, record)
    case, why = _case(entry, record, trace=trace, entries=entries)
    return Climbed(record, case, why, trace, why_untraced, entries, why_no_events)


def _trace(entry: RunEntry, record: ScenarioRecord) -> tuple[Trace | None, str]:
    if not record.trace_id:
        return None, "it was not climbed"
    try:
        return load_trace(entry, record.trace_id).trace, ""
    except EvidenceError as error:
        return None, error.message.removeprefix(f"{entry.folder}/")


def _events(entry: RunEntry, record: ScenarioRecord) -> tuple[tuple[Entry, ...], str]:
    found: tuple[Entry, ...] = ()
    why = "" if record.started_at else "it was not climbed"
    for log in logs_of(entry.folder, _with_its_trial(entry.record, record)) if entry.record else ():
        try:
            for segment in segments(iter_events(log)):
                if segment.started.folder == record.folder:
                    found = segment.entries
        except EvidenceError as error:
            why = error.message.removeprefix(f"{entry.folder}/")
    return found, "" if found else why or "the log has no events of it"


def _with_its_trial(run: RunRecord, record: ScenarioRecord) -> RunRecord:
    """A run with no other trial than that of a scenario: there may be a thousand, and each has a log of its own."""
    return replace(run, trial_records=tuple(each for each in run.trial_records if _is_in(record.folder, each.folder)))


def _is_in(folder: str, trial: str) -> bool:
    return not trial or folder.startswith(f"{trial}/")


def _case(
    entry: RunEntry, record: ScenarioRecord, *, trace: Trace | None, entries: tuple[Entry, ...]
) -> tuple[Case | None, str]:
    if entry.condition in UNFINISHED:
        if not entries or entry.record is None:
            return None, "it has no events yet"
        return observed_case(CaseFacts(entry.record.run_id, record, case_id_of(record.folder)), entries, trace), ""
    try:
        return stored_case(entry.folder, record), ""
    except LostError as error:
        return None, str(error)
