"""A run as its reports tell it: its standing, its record, and of each scenario the case and the files.

It is read once, and every form is made from the same value. What cannot be read says so in its place and hides nothing
else. A run that was killed has no cases yet; they are made from its events, as far as those go.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from harness.evidence import layout
from harness.evidence.faults import EvidenceError
from harness.evidence.journal import iter_events
from harness.evidence.reading import RunCondition
from harness.evidence.records import DamagedRecordError, from_document
from harness.evidence.summary import parts
from harness.judging.documents import parse
from harness.judging.verdict import is_green
from harness.reporting.logs import logs_of
from harness.reporting.standing import Standing, standing_of
from harness.reporting.stored import LostError, object_of, text_of
from harness.reporting.trials import ToldTrials, trials_of
from harness.traces.case import Case, CaseFacts, observed_case
from harness.traces.case_names import case_id_of
from harness.traces.reading import load_trace
from harness.traces.segments import segments

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from harness.evidence.reading import RunEntry
    from harness.evidence.run_record import RunRecord, ScenarioRecord
    from harness.traces.records import Trace
    from harness.traces.segments import Segment

MOST_PARTS: Final = 12
"""Parts that are told with all their scenarios; a run of several trials has one or two for each of them."""

_UNFINISHED: Final = frozenset({RunCondition.PARTIAL, RunCondition.RUNNING})


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One artifact, as the manifest lists it; ``None`` where nothing lists it."""

    path: str
    size: int | None
    sha256: str | None


@dataclass(frozen=True, slots=True)
class ToldScenario:
    """One scenario.

    Attributes:
        case: What was observed; ``None`` when it cannot be read, and then ``why`` says why.
        is_watched: Whether database writes were watched; ``None`` when nothing is known of it.
    """

    record: ScenarioRecord
    case: Case | None
    files: tuple[StoredFile, ...]
    is_watched: bool | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class ToldRun:
    """A run; ``record`` is ``None`` when even that cannot be read.

    Attributes:
        parts: Folder of a part → its scenarios, in order; of many parts, those that are not green come first.
        left_out: Parts that are not told, because there are so many.
        trials: What several trials add up to, where there were several.
    """

    name: str
    standing: Standing
    record: RunRecord | None
    parts: Mapping[str, tuple[ToldScenario, ...]]
    left_out: int = 0
    trials: ToldTrials | None = None

    @property
    def scenarios(self) -> tuple[ToldScenario, ...]:
        """All of them, in order."""
        return tuple(each for found in self.parts.values() for each in found)


def told_run(entry: RunEntry) -> ToldRun:
    """Read a run for its reports; never fails."""
    standing, record = standing_of(entry), entry.record
    if record is None:
        return ToldRun(entry.name, standing, None, {})
    listed = listed_files(entry.folder)
    climbed = _climbed(entry, record) if entry.condition in _UNFINISHED else {}
    every = parts(record)
    told = {
        part: tuple(_scenario(entry, each, listed, climbed=climbed.get(each.folder)) for each in every[part])
        for part in _chosen(every)
    }
    return ToldRun(entry.name, standing, record, told, len(every) - len(told), trials_of(entry.folder, record))


def _chosen(every: Mapping[str, tuple[ScenarioRecord, ...]]) -> list[str]:
    """Many trials have many parts: the red ones are told first, the rest as far as there is room."""
    if len(every) <= MOST_PARTS:
        return list(every)
    return sorted(every, key=lambda part: all(is_green(each.verdict) for each in every[part]))[:MOST_PARTS]


def listed_files(folder: Path) -> Mapping[str, StoredFile]:
    """What the manifest lists, by path; nothing when it cannot be read."""
    try:
        found = object_of(folder, layout.MANIFEST).get("files")
    except LostError:
        return {}
    rows = [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []
    files = (StoredFile(row.get("path", ""), row.get("size"), row.get("sha256")) for row in rows)
    return {each.path: each for each in files if _is_whole(each)}


def _is_whole(file: StoredFile) -> bool:
    return isinstance(file.path, str) and type(file.size) is int and isinstance(file.sha256, str)


def stored_case(folder: Path, scenario: ScenarioRecord) -> Case:
    """Read the case of a scenario.

    Raises:
        LostError: It cannot be read, or is no case.
    """
    path = layout.case_file(case_id_of(scenario.folder))
    document = parse(text_of(folder, path))
    try:
        return from_document(Case, document)
    except DamagedRecordError as error:
        msg = f"{path} is no case: {error}"
        raise LostError(msg) from None


def stored_trace(entry: RunEntry, scenario: ScenarioRecord) -> Trace | None:
    """The trace of a scenario; ``None`` when there is none, or none that can be read."""
    try:
        return load_trace(entry, scenario.trace_id).trace if scenario.trace_id else None
    except EvidenceError:
        return None


def _scenario(
    entry: RunEntry, record: ScenarioRecord, listed: Mapping[str, StoredFile], *, climbed: Segment | None
) -> ToldScenario:
    paths = [f"{record.folder}/{name}" for name in record.files]
    files = tuple(listed.get(path, StoredFile(path, None, None)) for path in paths)
    trace = stored_trace(entry, record)
    is_watched = None if trace is None else bool(trace.capture and trace.capture.active)
    if entry.condition in _UNFINISHED:
        return ToldScenario(record, _case_of(entry, record, climbed, trace=trace), files, is_watched)
    try:
        return ToldScenario(record, stored_case(entry.folder, record), files, is_watched)
    except LostError as error:
        return ToldScenario(record, None, files, is_watched, str(error))


def _case_of(entry: RunEntry, record: ScenarioRecord, climbed: Segment | None, *, trace: Trace | None) -> Case | None:
    """The case of a run that has none yet; none of a scenario that was not reached."""
    if climbed is None or entry.record is None:
        return None
    return observed_case(CaseFacts(entry.record.run_id, record, case_id_of(record.folder)), climbed.entries, trace)


def _climbed(entry: RunEntry, record: RunRecord) -> Mapping[str, Segment]:
    """What the logs of an unfinished run tell, by folder; a line that cannot be read ends its log."""
    found: dict[str, Segment] = {}
    for log in logs_of(entry.folder, record):
        with suppress(EvidenceError):
            for segment in segments(iter_events(log)):
                found[segment.started.folder] = segment
    return found
