"""Stored traces of a run: found by what a person typed, read as what strangers may have put there, never believed.

A run counts as traced when it holds one trace file at least. One scenario's trace that cannot be read is told beside
the others, so that a damaged file hides nothing else; asked for by itself, it is an error.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from harness.errors import UsageError
from harness.evidence.documents import parse_object
from harness.evidence.faults import EvidenceError
from harness.evidence.guarded import stored_text
from harness.evidence.layout import RUN, TRACES, part_of, trace_file
from harness.evidence.printable import one_line, shortened
from harness.evidence.records import DamagedRecordError, from_document
from harness.evidence.resolving import newest_run, resolve_run
from harness.ids import is_id
from harness.traces.records import SCHEMA, Trace

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.evidence.reading import RunEntry
    from harness.evidence.run_record import RunRecord, ScenarioRecord

CLIMB_LINK: Final = "climb"
"""Reason of the link from a scenario's root to the climb that it is a step of."""

MAX_BYTES: Final = 256 << 20
_MAX_LISTED: Final = 40
_LONGEST: Final = 200
_TRACE_ID: Final = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class StoredTrace:
    """A trace, and the document that it was read from."""

    trace: Trace
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TracedScenario:
    """A scenario of a run and its trace.

    Attributes:
        why: Why there is no trace; empty when there is one.
        is_damaged: A trace should be there and cannot be read.
    """

    record: ScenarioRecord
    stored: StoredTrace | None
    why: str = ""
    is_damaged: bool = False


@dataclass(frozen=True, slots=True)
class TracedClimb:
    """One part of a run, such as ``live``; ``stored`` is the climb's own trace, if it is there."""

    part: str
    stored: StoredTrace | None
    scenarios: tuple[TracedScenario, ...]


@dataclass(frozen=True, slots=True)
class TracedRun:
    """All parts of a run, in the order in which they were climbed."""

    entry: RunEntry
    record: RunRecord
    climbs: tuple[TracedClimb, ...]

    @property
    def is_damaged(self) -> bool:
        """Whether a trace cannot be read."""
        return any(each.is_damaged for climb in self.climbs for each in climb.scenarios)


@dataclass(frozen=True, slots=True)
class OneTrace:
    """One trace of a run; ``record`` is ``None`` when it is not that of a scenario."""

    entry: RunEntry
    record: ScenarioRecord | None
    stored: StoredTrace

    @property
    def is_damaged(self) -> bool:
        """A trace that cannot be read is none."""
        return False


def open_traces(entries: Sequence[RunEntry], run: str, scenario: str) -> TracedRun | OneTrace:
    """Find what is meant.

    Args:
        entries: All runs, newest first.
        run: A run, or a trace id; empty for the newest run.
        scenario: Its id or its folder; empty for the whole run.

    Raises:
        UsageError: As ``resolve_run``; ``scenario-unknown`` or ``scenario-ambiguous``.
        EvidenceError: As ``resolve_run``; ``run-unreadable``, ``traces-missing``, ``trace-missing``, ``trace-damaged``.
    """
    if not scenario and _TRACE_ID.fullmatch(run) and not _is_run(entries, run):
        return _by_trace_id(entries, run)
    entry = resolve_run(entries, run) if run else newest_run(entries)
    if entry.record is None:
        raise EvidenceError("run-unreadable", f"{entry.folder}: {entry.why}", "`ladder runs` lists the others")
    if scenario:
        return _one(entry, find_scenario(entry.record, scenario))
    return _whole(entry, entry.record)


def find_scenario(record: RunRecord, name: str) -> ScenarioRecord:
    """The scenario of a run that an id or a folder names.

    Raises:
        UsageError: ``scenario-unknown``, which names those that are there, or ``scenario-ambiguous``.
    """
    found = [each for each in record.scenarios if name in {each.id, each.folder}]
    if len(found) == 1:
        return found[0]
    if found:
        message = f"{_safe(name)} was climbed {len(found)} times: {_listed(each.folder for each in found)}"
        raise UsageError("scenario-ambiguous", message, "name its folder")
    there = _listed(each.id for each in record.scenarios) or "none has ended"
    raise UsageError("scenario-unknown", f"the run has no scenario {_safe(name)}", f"there are: {there}")


def load_trace(entry: RunEntry, trace_id: str) -> StoredTrace:
    """Read one trace of a run.

    Raises:
        EvidenceError: ``trace-missing``, or ``trace-damaged`` with file and reason.
    """
    path = entry.folder / trace_file(trace_id)
    if not is_id(trace_id):
        raise EvidenceError("trace-damaged", f"{entry.folder / RUN}: {_safe(trace_id)!r} is no trace id", _RESTORE)
    try:
        _refuse_odd_files(entry, trace_id)
        document = parse_object(stored_text(path))
        trace = from_document(Trace, document)
        _refuse_other(trace, trace_id)
    except FileNotFoundError:
        raise EvidenceError("trace-missing", f"{path} is not there", "`ladder show` tells what the run holds") from None
    except (OSError, UnicodeDecodeError, DamagedRecordError) as error:
        reason = (error.strerror if isinstance(error, OSError) else str(error)) or type(error).__name__
        raise EvidenceError("trace-damaged", f"{path}: {_safe(reason)}", _RESTORE) from error
    return StoredTrace(trace, document)


def _refuse_odd_files(entry: RunEntry, trace_id: str) -> None:
    if (entry.folder / TRACES).is_symlink():
        msg = f"{TRACES} is a link"
        raise DamagedRecordError(msg)
    if (entry.folder / trace_file(trace_id)).lstat().st_size > MAX_BYTES:
        msg = f"it has more than {MAX_BYTES} bytes"
        raise DamagedRecordError(msg)


def _refuse_other(trace: Trace, trace_id: str) -> None:
    if trace.schema_version != SCHEMA:
        msg = f"schema {trace.schema_version!r} is not {SCHEMA}"
        raise DamagedRecordError(msg)
    if trace.trace_id != trace_id:
        msg = f"it holds the trace {trace.trace_id!r}"
        raise DamagedRecordError(msg)
    if not trace.spans:
        msg = "it holds no span"
        raise DamagedRecordError(msg)


def _is_run(entries: Iterable[RunEntry], text: str) -> bool:
    return any(text == entry.run_id for entry in entries)


def _by_trace_id(entries: Iterable[RunEntry], text: str) -> OneTrace:
    trace_id = str(uuid.UUID(text))
    for entry in entries:
        if (entry.folder / trace_file(trace_id)).exists():
            records = entry.record.scenarios if entry.record else ()
            record = next((each for each in records if each.trace_id == trace_id), None)
            return OneTrace(entry, record, load_trace(entry, trace_id))
    raise EvidenceError("trace-missing", f"no run holds a trace {trace_id}", "`ladder runs` lists the runs")


def _one(entry: RunEntry, record: ScenarioRecord) -> OneTrace:
    if not (entry.folder / TRACES).exists():
        raise _untraced(entry)
    if not record.trace_id:
        message = f"{_safe(record.id)} has no trace: {_safe(record.reason or 'it was not climbed')}"
        raise EvidenceError("trace-missing", message, "`ladder show` tells how the run ended")
    return OneTrace(entry, record, load_trace(entry, record.trace_id))


def _whole(entry: RunEntry, record: RunRecord) -> TracedRun:
    found = [_traced(entry, each) for each in record.scenarios]
    if not any(each.stored or each.is_damaged for each in found) or not (entry.folder / TRACES).exists():
        raise _untraced(entry)
    parts: dict[str, list[TracedScenario]] = {}
    for each in found:
        parts.setdefault(part_of(each.record.folder), []).append(each)
    climbs = (TracedClimb(part, _climb(entry, members), tuple(members)) for part, members in parts.items())
    return TracedRun(entry, record, tuple(climbs))


def _untraced(entry: RunEntry) -> EvidenceError:
    message = f"run {entry.name} ({entry.condition}) holds no traces"
    return EvidenceError("traces-missing", message, "`ladder show` tells what it holds")


def _traced(entry: RunEntry, record: ScenarioRecord) -> TracedScenario:
    if not record.trace_id:
        return TracedScenario(record, None, "not climbed")
    try:
        return TracedScenario(record, load_trace(entry, record.trace_id))
    except EvidenceError as error:
        return TracedScenario(record, None, error.message.removeprefix(f"{entry.folder}/"), is_damaged=True)


def _climb(entry: RunEntry, members: Iterable[TracedScenario]) -> StoredTrace | None:
    """The climb's own trace, which the roots of its scenarios name; what is lacking there hides no scenario."""
    roots = (each.stored.trace.root for each in members if each.stored)
    named = {link.trace_id for root in roots for link in root.links if link.reason == CLIMB_LINK}
    for trace_id in sorted(named):
        try:
            return load_trace(entry, trace_id)
        except EvidenceError:
            continue
    return None


def _listed(names: Iterable[str]) -> str:
    known = [_safe(name) for name in names]
    more = f" and {len(known) - _MAX_LISTED} more" if len(known) > _MAX_LISTED else ""
    return ", ".join(known[:_MAX_LISTED]) + more


def _safe(text: str) -> str:
    return shortened(one_line(text), _LONGEST)


_RESTORE: Final = "restore the run from where it was published; `ladder show` tells what else does not fit"
