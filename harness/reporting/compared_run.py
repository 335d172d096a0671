"""One side of a comparison: a run, or one of its trials, with the scenarios of both sides under the same names.

A scenario that was climbed in several trials has one name and several samples. What its steps sent and got is taken
from the event log, where bodies stand as they came.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from harness.errors import UsageError
from harness.evidence.events import StepObserved
from harness.evidence.faults import EvidenceError
from harness.evidence.journal import iter_events
from harness.evidence.layout import trial_folder
from harness.evidence.printable import one_line
from harness.evidence.resolving import resolve_run
from harness.reporting.changes import Side
from harness.reporting.logs import logs_of
from harness.reporting.standing import standing_of
from harness.reporting.stored import LostError
from harness.reporting.told_run import listed_files, stored_case
from harness.reporting.words import verdict_of
from harness.traces.case_calls import exchanges_of
from harness.traces.segments import segments

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from harness.evidence.events import Event, ExchangeMade
    from harness.evidence.reading import RunEntry
    from harness.evidence.run_record import RunRecord, ScenarioRecord
    from harness.reporting.told_run import StoredFile
    from harness.traces.case import Case

_TRIAL: Final = re.compile(r"(trials/[0-9]{3,})/(.+)", re.DOTALL)
_NUMBERED: Final = re.compile(r"(.*)#([0-9]{1,6})", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Told:
    """What an event log tells of one scenario.

    Attributes:
        exchanges: Of its own steps, in order.
        project: Path → SHA-256 of the project's files, as the judge last read them.
    """

    exchanges: tuple[ExchangeMade, ...] = ()
    project: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sample:
    """One scenario, climbed once.

    Attributes:
        entry: The run that it is of.
        case: ``None`` when it cannot be read, and then ``why`` says why.
        files: By name below its folder.
        told: What the event log tells of it.
    """

    entry: RunEntry
    record: ScenarioRecord
    case: Case | None
    files: Mapping[str, StoredFile]
    told: Told
    why: str = ""


@dataclass(frozen=True, slots=True)
class ComparedRun:
    """A run to be compared.

    Attributes:
        verdict: Of the run, or of the trial.
        scenarios: Folder without that of the trial → its samples, in the order of the run.
    """

    side: Side
    record: RunRecord
    verdict: str
    scenarios: Mapping[str, tuple[Sample, ...]]


@dataclass(frozen=True, slots=True)
class Pair:
    """A scenario that both sides climbed, with its samples."""

    name: str
    before: tuple[Sample, ...]
    after: tuple[Sample, ...]


def scenario_names(before: ComparedRun, after: ComparedRun) -> list[str]:
    """Those of either side, in the order of the first."""
    return list(dict.fromkeys((*before.scenarios, *after.scenarios)))


def climbed_pairs(before: ComparedRun, after: ComparedRun) -> list[Pair]:
    """Scenarios that both sides climbed; where one did not, the verdicts say so, and there is nothing to compare."""
    pairs = (Pair(name, *(_climbed(side, name) for side in (before, after))) for name in scenario_names(before, after))
    return [pair for pair in pairs if pair.before and pair.after]


def _climbed(side: ComparedRun, name: str) -> tuple[Sample, ...]:
    return tuple(each for each in side.scenarios.get(name, ()) if each.record.started_at)


def open_side(entries: Iterable[RunEntry], text: str) -> ComparedRun:
    """Find and read what is meant.

    Args:
        entries: All runs.
        text: A run as ``resolve_run`` takes it; ``RUN#NNN`` for one trial of it, counted from 0.

    Raises:
        UsageError: As ``resolve_run``; ``trial-unknown``.
        EvidenceError: As ``resolve_run``; ``run-unreadable``.
    """
    numbered = _NUMBERED.fullmatch(text)
    entry = resolve_run(entries, numbered[1] if numbered else text)
    if entry.record is None:
        raise EvidenceError("run-unreadable", f"{entry.folder}: {entry.why}", "`ladder runs` lists the others")
    trial = _trial(entry.record, int(numbered[2])) if numbered else ""
    side = Side(f"{entry.name}#{numbered[2]}" if numbered else entry.name, entry.run_id, standing_of(entry))
    status = next((each.status for each in entry.record.trial_records if trial and each.folder == trial), "")
    return ComparedRun(side, entry.record, status or verdict_of(entry.record), _scenarios(entry, entry.record, trial))


def _trial(record: RunRecord, index: int) -> str:
    folder = trial_folder(index)
    known = list(dict.fromkeys(found[1] for each in record.scenarios if (found := _TRIAL.fullmatch(each.folder))))
    if folder not in known:
        there = f"it has {len(known)}, counted from 0" if known else "it has no trials"
        raise UsageError("trial-unknown", f"{one_line(record.folder)} has no trial {index}", there)
    return folder


def _scenarios(entry: RunEntry, record: RunRecord, trial: str) -> Mapping[str, tuple[Sample, ...]]:
    listed, climbed = listed_files(entry.folder), _told(entry, record)
    samples: dict[str, tuple[Sample, ...]] = {}
    for each in record.scenarios:
        found = _TRIAL.fullmatch(each.folder)
        if not trial or (found and found[1] == trial):
            name = found[2] if found else each.folder
            sample = _sample(entry, each, listed, told=climbed.get(each.folder, Told()))
            samples[name] = (*samples.get(name, ()), sample)
    return samples


def _sample(entry: RunEntry, record: ScenarioRecord, listed: Mapping[str, StoredFile], *, told: Told) -> Sample:
    paths = {name: f"{record.folder}/{name}" for name in record.files}
    files = {name: listed[path] for name, path in paths.items() if path in listed}
    try:
        return Sample(entry, record, stored_case(entry.folder, record), files, told)
    except LostError as error:
        return Sample(entry, record, None, files, told, str(error))


def _told(entry: RunEntry, record: RunRecord) -> Mapping[str, Told]:
    """What the logs tell of each scenario, by folder; a line that cannot be read ends its log."""
    found: dict[str, Told] = {}
    for log in logs_of(entry.folder, record):
        with suppress(EvidenceError):
            for segment in segments(iter_events(log)):
                found[segment.started.folder] = Told(
                    tuple(exchanges_of(segment.entries)), _project(each.event for each in segment.entries)
                )
    return found


def _project(events: Iterable[Event]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for event in events:
        if isinstance(event, StepObserved):
            for changes in event.files.values():
                found = dict(changes.after)
    return found
