"""What is made of all events when a run has ended: its cases, the traces of its climbs, and everything as OTLP.

The log is read back once, a scenario at a time, so that no run holds its events in memory.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from harness.evidence.documents import pretty
from harness.evidence.events import ClimbStarted, ScenarioStarted
from harness.evidence.journal import iter_events
from harness.evidence.layout import CASE_DIGESTS, EVENTS, OTLP_LOGS, OTLP_TRACES, case_file, trace_file
from harness.evidence.manifest import CaseSeal, CaseSeals
from harness.evidence.records import from_document, to_document
from harness.traces.case import CaseFacts, case_of
from harness.traces.case_names import case_id_of
from harness.traces.case_parts import digests_document
from harness.traces.climb_trace import climb_record, told_climbs
from harness.traces.otlp import otlp_line, otlp_log_line
from harness.traces.records import Trace
from harness.traces.segments import segments

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.evidence.bundle import Staging
    from harness.evidence.run_record import ClimbRecord, RunRecord, ScenarioRecord
    from harness.redaction.redactor import Redactor
    from harness.traces.segments import Segment


def write_cases(staging: Staging, record: RunRecord, redactor: Redactor) -> CaseSeals:
    """Write a case for each scenario of the record, and the digests of all; gives what the manifest holds of them.

    Raises:
        EvidenceError: ``case-contradicts``; a scenario passed although a check did not hold.
    """
    by_folder = {each.folder: each for each in record.scenarios}
    for log in _logs(record):
        for each in segments(iter_events(staging.folder / log)):
            if found := by_folder.pop(each.started.folder, None):
                _write_case(staging, record, redactor, found=(found, each))
    for unclimbed in by_folder.values():
        _write_case(staging, record, redactor, found=(unclimbed, None))
    digests = digests_document(_Stored(staging, [case_id_of(each.folder) for each in record.scenarios]))
    staging.write(CASE_DIGESTS, redactor.json(pretty(digests), source=CASE_DIGESTS))
    seals = {
        name: CaseSeal(each["structure_digest"], each["content_digest"]) for name, each in digests["cases"].items()
    }
    return CaseSeals(seals, digests["run_digest"])


def _write_case(
    staging: Staging, record: RunRecord, redactor: Redactor, *, found: tuple[ScenarioRecord, Segment | None]
) -> None:
    scenario, segment = found
    trace = _stored(staging, segment.started.trace_id) if segment else None
    facts = CaseFacts(record.run_id, scenario, case_id_of(scenario.folder))
    case = case_of(facts, segment.entries if segment else (), trace)
    path = case_file(facts.case_id)
    staging.write(path, redactor.json(pretty(to_document(case)), source=path))


class _Stored(Mapping[str, bytes]):
    """Case id → the bytes of its file, read when it is asked for."""

    def __init__(self, staging: Staging, names: Sequence[str]) -> None:
        self._staging, self._names = staging, names

    def __getitem__(self, name: str) -> bytes:
        return self._staging.files.read(case_file(name))

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _stored(staging: Staging, trace_id: str) -> Trace:
    return from_document(Trace, json.loads(staging.files.read(trace_file(trace_id))))


def _logs(record: RunRecord) -> tuple[str, ...]:
    """Every log of a run: that of the run, and those of its trials where there are several."""
    return tuple(dict.fromkeys((EVENTS, *(trial.log for trial in record.trial_records))))


def write_climbs(staging: Staging, log: str, redactor: Redactor) -> tuple[ClimbRecord, ...]:
    """Write the trace of each climb that a log tells of; gives what the run's record tells of them."""
    found = told_climbs(iter_events(staging.folder / log))
    for each in found:
        path = trace_file(each.trace.trace_id)
        staging.write(path, redactor.json(pretty(to_document(each.trace)), source=path))
    return tuple(map(climb_record, found))


def write_otlp(staging: Staging, record: RunRecord, redactor: Redactor) -> None:
    """Write all traces of the run in the form of OTLP/JSON files."""
    spans, logs = staging.log(OTLP_TRACES), staging.log(OTLP_LOGS)
    told = {"version": record.harness_version, "run_id": record.run_id}
    for trace in _traces(staging, record):
        # Every text in it has passed the redactor before.
        spans.append(redactor.line(otlp_line(trace, **told), source=OTLP_TRACES))
        logs.append(redactor.line(otlp_log_line(trace, **told), source=OTLP_LOGS))


def _traces(staging: Staging, record: RunRecord) -> Iterator[Trace]:
    """Every trace of the run: each climb, and then its scenarios."""
    for log in _logs(record):
        for entry in iter_events(staging.folder / log):
            if isinstance(entry.event, ClimbStarted | ScenarioStarted):
                yield _stored(staging, entry.event.trace_id)
