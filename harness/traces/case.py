"""One case: what a scenario sent, got, asserted, called and wrote, as it was observed, in one closed record.

Everything comes from the run's own events and from the stored trace, so the same case can be made again from them; no
list is written by hand. A PASS that holds an assertion which did not hold contradicts itself and is refused. ``XFAIL``
is in the schema alone: no ladder expects a failure. The case is written before its bundle can be signed, so
``signature`` only says where the signature will be found.
"""

# Annotations are read at run time by the codec, so they are not deferred here.
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Final

from harness.evidence.event_lines import Entry
from harness.evidence.faults import EvidenceError
from harness.evidence.layout import DB_WRITES, EXECUTION_TRACE, trace_file
from harness.evidence.records import from_document
from harness.evidence.run_record import ScenarioRecord
from harness.judging.results import Outcome
from harness.judging.verdict import Verdict
from harness.language.model import Severity
from harness.traces.case_calls import assertions_of, calls_of, inputs_of, outputs_of
from harness.traces.case_main_call import main_call_of, stage_of
from harness.traces.case_records import (
    HEX_64,
    METHOD,
    TEXT,
    UNIQUE,
    ApiCall,
    Assertion,
    ReceivedOutput,
    SentInput,
    Stage,
    Status,
    TraceEvent,
    WriteRow,
)
from harness.traces.normal_form import structure_digest
from harness.traces.records import Trace
from harness.traces.segments import segments
from harness.traces.views import db_writes, execution_trace

SIGNATURE: Final[Mapping[str, str]] = {"covers": "manifest.json", "in": "manifest.dsse.json"}

STATUS_OF: Final[Mapping[Verdict, Status]] = {
    Verdict.PASS: Status.PASS,
    Verdict.LIMITED: Status.PASS,
    Verdict.FAIL: Status.FAIL,
    Verdict.ERROR: Status.ERROR,
    Verdict.INCONCLUSIVE: Status.ERROR,
    Verdict.BLOCKED: Status.SKIPPED,
    # Only several trials together are flaky; a single scenario that says so has not passed.
    Verdict.FLAKY: Status.FAIL,
}


@dataclass(frozen=True, slots=True)
class Case:
    """``cases/<case_id>.json``, with the 19 fields of trace model §8.2.

    Attributes:
        uc_id: The scenario's id.
        operation_name: Of the scenario's main call: its first request that changes something, else its first.
        determinism_hash: Digest of the trace's structure; empty when nothing was climbed.
        evidence_files: Paths below the run's folder, sorted.
    """

    run_id: Annotated[str, TEXT]
    case_id: Annotated[str, TEXT]
    uc_id: Annotated[str, TEXT]
    stage: Stage
    operation_name: str
    route_path: str
    api_method: Annotated[str, METHOD]
    request_fields: Annotated[tuple[str, ...], UNIQUE]
    response_fields: Annotated[tuple[str, ...], UNIQUE]
    synthetic_input: tuple[SentInput, ...]
    observed_output: tuple[ReceivedOutput, ...]
    assertions: tuple[Assertion, ...]
    status: Status
    determinism_hash: Annotated[str, HEX_64]
    signature: Annotated[Mapping[str, str], {"const": SIGNATURE}]
    evidence_files: Annotated[tuple[str, ...], UNIQUE]
    api_calls_used: tuple[ApiCall, ...]
    execution_trace: tuple[TraceEvent, ...]
    db_writes: tuple[WriteRow, ...]


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """What a case takes over from its run."""

    run_id: str
    record: ScenarioRecord
    case_id: str


def case_of(facts: CaseFacts, entries: Iterable[Entry], trace: Trace | None) -> Case:
    """Make the case of a scenario.

    Args:
        facts: From the run.
        entries: Of the run, or of the scenario alone; of several climbs in one folder the last counts.
        trace: As it is stored; ``None`` of a scenario that was not climbed.

    Raises:
        EvidenceError: ``case-contradicts``; it passed although an assertion did not hold.
    """
    case = observed_case(facts, entries, trace)
    lost = failing(case)
    if case.status is Status.PASS and lost:
        message = f"{facts.record.folder} is {facts.record.verdict}, although {lost[0].path} {lost[0].outcome}"
        raise EvidenceError("case-contradicts", message, "this is a fault of the harness: report it with events.jsonl")
    return case


def observed_case(facts: CaseFacts, entries: Iterable[Entry], trace: Trace | None) -> Case:
    """Make the case as the events tell it, contradictions included, for whoever looks for them."""
    record = facts.record
    own = _own_entries(record.folder, entries)
    main = main_call_of(own, trace)
    return Case(
        run_id=facts.run_id,
        case_id=facts.case_id,
        uc_id=record.id,
        stage=stage_of(own),
        operation_name=main.operation_name,
        route_path=main.route_path,
        api_method=main.api_method,
        request_fields=main.request_fields,
        response_fields=main.response_fields,
        synthetic_input=inputs_of(own),
        observed_output=outputs_of(own),
        assertions=assertions_of(own),
        status=STATUS_OF[record.verdict],
        determinism_hash=structure_digest(trace) if trace else "",
        signature=SIGNATURE,
        evidence_files=_files(record, trace),
        api_calls_used=calls_of(own),
        execution_trace=tuple(from_document(TraceEvent, each) for each in execution_trace(trace)) if trace else (),
        db_writes=tuple(from_document(WriteRow, each) for each in db_writes(trace)) if trace else (),
    )


def failing(case: Case) -> tuple[Assertion, ...]:
    """Assertions that should have failed the case and did not hold."""
    return tuple(
        each for each in case.assertions if each.severity is Severity.FAIL and each.outcome is not Outcome.HELD
    )


def _own_entries(folder: str, entries: Iterable[Entry]) -> tuple[Entry, ...]:
    found: tuple[Entry, ...] = ()
    for segment in segments(entries):
        if segment.started.folder == folder:
            found = segment.entries
    return found


def _files(record: ScenarioRecord, trace: Trace | None) -> tuple[str, ...]:
    names = {*record.files, EXECUTION_TRACE, DB_WRITES} if trace else {*record.files}
    made = {f"{record.folder}/{name}" for name in names}
    return tuple(sorted(made | ({trace_file(trace.trace_id)} if trace else set())))
