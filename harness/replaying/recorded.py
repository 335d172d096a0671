"""A run's trials as they lie on disk: each read by itself, so that a bad one hides no other.

The truth is ``traces/manifest.json``; a run from before it was written has one trial, whose log is that of the run. In
a sealed bundle every byte is held against its digests, so that what was changed is named and not shown. The doubt: of a
run that was killed nothing is sealed, so its bytes are believed as they are, and it is no evidence.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from harness.evidence.events import ClimbStarted, ScenarioStarted
from harness.evidence.faults import EvidenceError
from harness.evidence.guarded import stored_text
from harness.evidence.journal import iter_events
from harness.evidence.layout import CASES, EVENTS, LADDERS, RUN, STATE, TRACE_MANIFEST, evaluation_file, trace_file
from harness.evidence.paths import fault_of
from harness.evidence.reading import RunCondition, list_runs, load_run
from harness.evidence.records import DamagedRecordError
from harness.evidence.trial_records import TrialRecord, decode_traces
from harness.ids import is_id
from harness.replaying.played import PlayedScenario, play

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path
    from typing import Any

    from harness.evidence.checking import Fault
    from harness.evidence.reading import RunEntry
    from harness.evidence.run_record import RunRecord

_SHARED: Final = frozenset({RUN, TRACE_MANIFEST, STATE})
"""What every trial of a run hangs on."""

FULL: Final = "full"
METADATA_ONLY: Final = "metadata_only"

_RESTORE: Final = "restore the run from where it was published; `ladder verify RUN` tells what does not fit"


@dataclass(frozen=True, slots=True)
class RecordedTrial:
    """One trial.

    Attributes:
        scenarios: In order; empty when it cannot be read.
        why: Why it cannot be read; empty when it can.
        faults: Files of its own that are not as they were sealed.
        home: The run whose folder has its files: another one when it was taken over.
    """

    record: TrialRecord
    home: RunEntry
    scenarios: tuple[PlayedScenario, ...] = ()
    why: str = ""
    faults: tuple[Fault, ...] = ()

    @property
    def is_bad(self) -> bool:
        """Whether it is not what was recorded."""
        return bool(self.why or self.faults)


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """A run and its trials.

    Attributes:
        faults: Files that are not as they were sealed, those of the trials included.
        earlier: Captures that it took over from another run, by scenario.
    """

    entry: RunEntry
    record: RunRecord
    trials: tuple[RecordedTrial, ...]
    faults: tuple[Fault, ...]
    earlier: Mapping[str, Mapping[str, Any]]

    @property
    def is_sealed(self) -> bool:
        """Whether it has ended and counts as evidence."""
        return self.entry.condition is RunCondition.FINISHED

    @property
    def keeps_contents(self) -> bool:
        """Whether bodies and messages were kept."""
        return self.record.recorded == FULL

    @property
    def bad(self) -> tuple[RecordedTrial, ...]:
        """Trials that are not what was recorded."""
        return tuple(trial for trial in self.trials if trial.is_bad)

    @property
    def shared_faults(self) -> tuple[Fault, ...]:
        """Faults that are no trial's own."""
        own = {fault for trial in self.trials for fault in trial.faults}
        return tuple(fault for fault in self.faults if fault not in own)


def open_run(entry: RunEntry) -> RecordedRun:
    """Read a run with all its trials; one that cannot be read says why.

    Raises:
        EvidenceError: ``run-unreadable``; its record, or the list of its trials, cannot be read.
    """
    found = load_run(entry)
    records = trials_of(entry)
    trials = tuple(_trial_of(entry, each, found.faults) for each in records)
    if entry.condition is RunCondition.DAMAGED:
        raise EvidenceError("run-unreadable", f"{entry.folder}: {entry.why}", _RESTORE)
    climbed = {each.id for trial in trials for each in trial.scenarios if each.started}
    captures = found.state.captures if found.state else {}
    earlier = {name: values for name, values in captures.items() if name not in climbed}
    return RecordedRun(entry, found.record, trials, found.faults, earlier)


def trials_of(entry: RunEntry) -> tuple[TrialRecord, ...]:
    """Who the trials of a run are.

    Raises:
        EvidenceError: ``run-unreadable``.
    """
    path = entry.folder / TRACE_MANIFEST
    try:
        records = decode_traces(stored_text(path)).trials
    except FileNotFoundError:
        records = _untold(entry)
    except (OSError, UnicodeDecodeError, DamagedRecordError) as error:
        why = str(error) if isinstance(error, DamagedRecordError) else type(error).__name__
        raise EvidenceError("run-unreadable", f"{path}: {why}", _RESTORE) from error
    odd = next((each for each in records if not is_id(each.trace_id) or fault_of(each.log)), None)
    if odd:
        raise EvidenceError("run-unreadable", f"{path}: trial {odd.trial_index} has no id or no log of ours", _RESTORE)
    return records


def _untold(entry: RunEntry) -> tuple[TrialRecord, ...]:
    """The one trial of a run that has no list of them."""
    try:
        events = (each.event for each in iter_events(entry.folder / EVENTS))
        begun = next((each for each in events if isinstance(each, ClimbStarted)), None)
    except EvidenceError as error:
        raise EvidenceError("run-unreadable", error.message, _RESTORE) from error
    record = entry.record
    if begun is None or record is None or not is_id(begun.trace_id):
        return ()
    status = record.verdict.value if record.verdict else record.status.value
    told = {"status": status, "started_at": record.started_at, "duration_s": record.duration_s}
    return (TrialRecord(0, begun.trace_id, recorded=record.recorded, **told),)  # type: ignore[arg-type]


def _trial_of(entry: RunEntry, record: TrialRecord, faults: Iterable[Fault]) -> RecordedTrial:
    if record.run_id in {None, entry.run_id}:
        return _trial(entry, record, faults)
    home = next((each for each in list_runs(entry.folder.parent) if each.run_id == record.run_id), None)
    told = replace(record, folder="", log="")
    if home is None:
        return RecordedTrial(told, entry, why=f"it was climbed in run {record.run_id}, which is not there")
    try:
        known = next((each for each in trials_of(home) if each.trace_id == record.trace_id), None)
    except EvidenceError as error:
        return RecordedTrial(told, home, why=error.message)
    if known is None or known.sha256 != record.sha256:
        return RecordedTrial(told, home, why=f"run {home.name} does not hold the trial that was taken over from it")
    # There it lies under its own name; here it has its own number.
    there = _trial(home, known, load_run(home).faults)
    return replace(there, record=replace(known, trial_index=record.trial_index, run_id=record.run_id))


def _trial(entry: RunEntry, record: TrialRecord, faults: Iterable[Fault]) -> RecordedTrial:
    try:
        scenarios = tuple(play(iter_events(entry.folder / record.log)))
        why = _broken_trace(entry.folder, record, scenarios)
    except EvidenceError as error:
        scenarios, why = (), error.message.removeprefix(f"{entry.folder}/")
    own = {record.log, trace_file(record.trace_id), evaluation_file(record.trace_id)}
    own |= {trace_file(each.started.trace_id) for each in scenarios if each.started}
    mine = tuple(fault for fault in faults if fault.path in own or _is_below(fault.path, record))
    return RecordedTrial(record, entry, scenarios, why, mine)


def _is_below(path: str, record: TrialRecord) -> bool:
    if record.folder:
        case = f"{CASES}/{record.folder.replace('/', '-')}-"
        return path.startswith((f"{record.folder}/", case))
    # Of the only trial everything is its own but what the run as a whole hangs on.
    return path not in _SHARED and not path.startswith(f"{LADDERS}/")


def _broken_trace(folder: Path, record: TrialRecord, scenarios: Iterable[PlayedScenario]) -> str:
    """Why a trace of the trial cannot be read; those of a run that was killed may be missing."""
    named = [each.started.trace_id for each in scenarios if isinstance(each.started, ScenarioStarted)]
    for trace_id in (record.trace_id, *(each for each in named if each)):
        try:
            stored_trace(folder, trace_id)
        except EvidenceError as error:
            if error.reference == "trace-missing" and record.sha256 is None:
                continue
            return error.message.removeprefix(f"{folder}/")
    return ""


def stored_trace(folder: Path, trace_id: str) -> Mapping[str, Any]:
    """The document of a trace.

    Raises:
        EvidenceError: ``trace-missing`` or ``trace-damaged``.
    """
    from harness.evidence.documents import parse_object

    path = folder / trace_file(trace_id)
    if not is_id(trace_id):
        raise EvidenceError("trace-damaged", f"{folder / RUN}: a trace has no id of ours", _RESTORE)
    try:
        document = parse_object(stored_text(path))
    except FileNotFoundError:
        raise EvidenceError("trace-missing", f"{path} is not there", _RESTORE) from None
    except (OSError, UnicodeDecodeError, DamagedRecordError) as error:
        why = str(error) if isinstance(error, DamagedRecordError) else type(error).__name__
        raise EvidenceError("trace-damaged", f"{path}: {why}", _RESTORE) from error
    if document.get("schema_version") != "trace/1" or document.get("trace_id") != trace_id:
        message = f"{path}: it is of another schema, or holds another trace"
        raise EvidenceError("trace-damaged", message, _RESTORE)
    return document


def only(run: RecordedRun, trace_id: str) -> Iterator[RecordedTrial]:
    """The trial that a trace id means, with the one scenario alone whose trace it is; all of them for an empty one."""
    for trial in run.trials:
        if trace_id in {"", trial.record.trace_id}:
            yield trial
            continue
        scenarios = tuple(each for each in trial.scenarios if each.started and each.started.trace_id == trace_id)
        if scenarios:
            yield replace(trial, scenarios=scenarios)
