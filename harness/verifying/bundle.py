"""A bundle as it is read for verifying: each document once, strictly, and only when a check asks for it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from harness.evidence import layout
from harness.evidence.checking import Fault, faults_of
from harness.evidence.event_lines import decode
from harness.evidence.records import DamagedRecordError, from_document, to_document
from harness.evidence.run_record import RunRecord, ScenarioRecord, decode_run
from harness.sealing.envelope import UNSIGNED, Judged, judge
from harness.traces.case import Case, CaseFacts, observed_case
from harness.traces.case_names import case_id_of
from harness.traces.records import Trace
from harness.traces.segments import Segment, segments
from harness.verifying.findings import UnreadableError
from harness.verifying.opening import lines, read, text_of, value_of
from harness.verifying.surroundings import Believed, Surroundings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from harness.evidence.event_lines import Entry


class Bundle:
    """One run's folder."""

    def __init__(self, folder: Path, believed: Believed | None = None) -> None:
        self.folder = folder
        self.around = Surroundings(folder.parent, believed or Believed())

    @cached_property
    def file_faults(self) -> tuple[Fault, ...]:
        """What does not fit ``SHA256SUMS`` and the manifest."""
        return faults_of(self.folder)

    @cached_property
    def run(self) -> RunRecord:
        """The run's record.

        Raises:
            UnreadableError: It cannot be read.
        """
        try:
            return decode_run(text_of(self.data(layout.RUN), layout.RUN))
        except DamagedRecordError as error:
            raise UnreadableError("not-a-record", layout.RUN, str(error)) from None

    @cached_property
    def manifest(self) -> Mapping[str, Any]:
        """The manifest as JSON."""
        return self.object(layout.MANIFEST)

    @cached_property
    def files(self) -> tuple[Mapping[str, Any], ...]:
        """Entries of the manifest's list of files."""
        files = self.manifest.get("files")
        return tuple(each for each in files if isinstance(each, dict)) if isinstance(files, list) else ()

    @cached_property
    def listed(self) -> frozenset[str]:
        """Paths that the manifest lists."""
        return frozenset(path for each in self.files if isinstance(path := each.get("path"), str))

    @cached_property
    def digests(self) -> Mapping[str, Any]:
        """Digests of the cases' parts, by case."""
        cases = self.object(layout.CASE_DIGESTS).get("cases")
        if not isinstance(cases, dict):
            raise UnreadableError("not-a-record", layout.CASE_DIGESTS, "cases is no object")
        return cases

    @property
    def is_signed(self) -> bool:
        """Whether a signature lies there, or something in its place."""
        return os.path.lexists(self.folder / layout.ENVELOPE)

    @cached_property
    def signature(self) -> Judged:
        """What that signature is.

        Raises:
            UnreadableError: Envelope, manifest or keys cannot be read.
        """
        if not self.is_signed:
            return UNSIGNED
        return judge(self.data(layout.ENVELOPE), self.data(layout.MANIFEST), self.around.pinned.keys)

    def data(self, path: str) -> bytes:
        """The bytes of a file."""
        return read(self.folder, path)

    def value(self, path: str) -> Any:  # noqa: ANN401  # JSON values
        """A file as JSON."""
        return value_of(self.data(path), path)

    def object(self, path: str) -> Mapping[str, Any]:
        """A file as a JSON object."""
        found = self.value(path)
        if not isinstance(found, dict):
            raise UnreadableError("not-json", path, "it is no JSON object")
        return found

    def trace(self, trace_id: str) -> Trace:
        """A stored trace."""
        path = layout.trace_file(trace_id)
        try:
            return from_document(Trace, self.value(path))
        except DamagedRecordError as error:
            raise UnreadableError("not-a-record", path, str(error)) from None

    @property
    def logs(self) -> tuple[str, ...]:
        """Every log: that of the run, and those of its trials where there are several."""
        return tuple(dict.fromkeys((layout.EVENTS, *(trial.log for trial in self.run.trial_records))))

    def entries(self, log: str) -> Iterator[Entry]:
        """The events of a log, in order.

        Raises:
            UnreadableError: It cannot be read, or not to its end.
        """
        for number, line in lines(self.folder, log):
            try:
                entry = decode(text_of(line, log))
            except DamagedRecordError as error:
                raise UnreadableError("events-damaged", log, f"line {number}: {error}") from None
            if entry.seq != number:
                what = f"line {number}: its seq is {entry.seq}, so a line was lost, added or moved"
                raise UnreadableError("events-damaged", log, what)
            yield entry

    def cases(self) -> Iterator[StoredCase]:
        """The case of each scenario, in the order in which they were climbed, then those that were not climbed.

        A log that ends in the middle loses the events of the cases after that; their checks then say so.
        """
        left = {record.folder: record for record in self.run.scenarios}
        broken: UnreadableError | None = None
        for log in self.logs:
            try:
                for segment in segments(self.entries(log)):
                    if record := left.pop(segment.started.folder, None):
                        yield StoredCase(self, record, segment)
            except UnreadableError as error:
                broken = broken or error
        for record in left.values():
            yield StoredCase(self, record, None, broken=broken)


@dataclass
class StoredCase:
    """One case with everything that it can be made again from.

    Attributes:
        climbed: Its events; ``None`` when the log has none.
        broken: Why its events may be missing: a log that could not be read to its end.
    """

    bundle: Bundle
    record: ScenarioRecord
    climbed: Segment | None
    broken: UnreadableError | None = None

    @cached_property
    def case_id(self) -> str:
        """As the folder's name gives it."""
        return case_id_of(self.record.folder)

    @property
    def path(self) -> str:
        """Its file."""
        return layout.case_file(self.case_id)

    @property
    def trace_path(self) -> str:
        """The file of its trace."""
        return layout.trace_file(self.record.trace_id)

    @property
    def segment(self) -> Segment | None:
        """Its events.

        Raises:
            UnreadableError: A log could not be read to its end, and they are in none of the others.
        """
        if self.broken:
            raise self.broken
        return self.climbed

    @property
    def was_climbed(self) -> bool:
        """Whether anything was done for it, as the run's record tells."""
        return bool(self.record.trace_id or self.record.started_at)

    @cached_property
    def data(self) -> bytes:
        """The bytes of its file."""
        return self.bundle.data(self.path)

    @cached_property
    def document(self) -> Mapping[str, Any]:
        """Its file as JSON."""
        found = value_of(self.data, self.path)
        if not isinstance(found, dict):
            raise UnreadableError("not-json", self.path, "it is no JSON object")
        return found

    @cached_property
    def trace(self) -> Trace | None:
        """Its stored trace; ``None`` when nothing was climbed."""
        return self.bundle.trace(self.record.trace_id) if self.was_climbed else None

    @cached_property
    def derived(self) -> Mapping[str, Any]:
        """The case as it follows from run, events and trace."""
        facts = CaseFacts(self.bundle.run.run_id, self.record, self.case_id)
        made: Case = observed_case(facts, self.segment.entries if self.segment else (), self.trace)
        document: Mapping[str, Any] = to_document(made)
        return document

    def rows(self, name: str) -> list[Any]:
        """One of its lists; one that is none is empty, and the schema says so."""
        found = self.document.get(name)
        return found if isinstance(found, list) else []
