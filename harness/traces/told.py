"""Reads what the backend told of a trace: foreign data, so that everything later code relies on is checked here.

What does not fit is damage and no trace: a subject that tells half of it wrongly is not believed the other half. Spans
that claim to be the judge's are refused. More records than anybody can look at are cut off, and the cut is counted.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, Final

from harness.evidence.records import DamagedRecordError, from_document
from harness.traces.pipeline import StepStatus
from harness.traces.records import HARNESS, SCHEMA, Outcome, Told

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.traces.records import DbWrite, PointEvent, Span

MAX_RECORDS: Final = 20_000
"""Spans, database writes and point events together."""

MAX_PIPELINES: Final = 1_000
MAX_DEPTH: Final = 32
"""Of a value in a pipeline or an attribute."""

LONGEST_TEXT: Final = 8_192
"""Characters of a name or value; our own backend cuts them at 512."""

CUT: Final = "judge"
"""Under this name the cut is counted."""

_LARGEST: Final = 1 << 63
_SPAN_ID: Final = re.compile(r"(?!0{16})[0-9a-f]{16}")
_TRACE_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_SCALARS: Final = (str, int, float, bool, type(None))


def read_told(document: object, trace_id: str) -> Told:
    """Read an answer of the trace API.

    Args:
        document: Its parsed body.
        trace_id: The trace that was asked for, dashed.

    Raises:
        DamagedRecordError: It is no ``trace/1``, of another trace, or a record in it cannot be right.
    """
    if not isinstance(document, dict) or document.get("schema_version") != SCHEMA:
        msg = f"$ is no {SCHEMA}"
        raise DamagedRecordError(msg)
    if document.get("trace_id") != trace_id:
        msg = "$.trace_id is that of another trace"
        raise DamagedRecordError(msg)
    taken = _cut(document)
    _check_values(taken)
    if isinstance(taken.get("spans"), list):
        taken["spans"] = [_with_step_status(span) for span in taken["spans"]]
    told = from_document(Told, taken)
    for where, fault in _faults(told):
        msg = f"$.{where} {fault}"
        raise DamagedRecordError(msg)
    return told


def _cut(document: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of ours, with no more records than allowed; writes come before events, since they matter more."""
    taken = {name: document[name] for name in Told.__dataclass_fields__ if name in document}
    left, cut = MAX_RECORDS, 0
    for name in ("spans", "db_writes", "events", "pipelines"):
        found = taken.get(name)
        if isinstance(found, list):
            kept = MAX_PIPELINES if name == "pipelines" else left
            taken[name] = found[:kept]
            cut += len(found) - len(taken[name])
            left -= 0 if name == "pipelines" else len(taken[name])
    dropped = taken.get("dropped")
    if cut and isinstance(dropped, dict):
        before = dropped.get(CUT)
        taken["dropped"] = dropped | {CUT: cut + (before if isinstance(before, int) else 0)}
    return taken


def _with_step_status(span: Any) -> Any:  # noqa: ANN401  # JSON values
    """A span that is a step of a pipeline says so beside its attributes; here it is one of them (§11)."""
    match span:
        case {"step_status": str(status), "attributes": dict(attributes)}:
            if status not in set(StepStatus):
                msg = f"$.spans has the step status {status[:40]!r}"
                raise DamagedRecordError(msg)
            return {**span, "attributes": {"evidence.step.status": status, **attributes}}
        case _:
            return span


def _check_values(document: object) -> None:
    """Refuse what could not be stored or read again: endless nesting and texts, and what nothing can spell."""
    waiting: list[tuple[object, int]] = [(document, 0)]
    while waiting:
        value, depth = waiting.pop()
        if fault := _fault_of(value, depth):
            msg = f"$ holds {fault}"
            raise DamagedRecordError(msg)
        if isinstance(value, dict):
            waiting += ((item, depth + 1) for pair in value.items() for item in pair)
        elif isinstance(value, list):
            waiting += ((item, depth + 1) for item in value)


def _fault_of(value: object, depth: int) -> str:
    if isinstance(value, str):
        return _fault_of_text(value)
    if isinstance(value, int):
        return "" if -_LARGEST <= value < _LARGEST else "a number of more than 64 bits"
    if isinstance(value, float):
        return "" if math.isfinite(value) else "a number that is none"
    return "values in values without end" if depth > MAX_DEPTH else ""


def _fault_of_text(text: str) -> str:
    if len(text) > LONGEST_TEXT:
        return f"a text of more than {LONGEST_TEXT} characters"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "half a character"
    return ""


def _faults(told: Told) -> Iterator[tuple[str, str]]:
    """What the types do not say, by place."""
    for at, span in enumerate(told.spans):
        yield from ((f"spans[{at}].{name}", fault) for name, fault in faults_of_span(span))
    for at, event in enumerate(told.events):
        yield from ((f"events[{at}].{name}", fault) for name, fault in faults_of_event(event))
    for at, write in enumerate(told.db_writes):
        yield from ((f"db_writes[{at}].{name}", fault) for name, fault in faults_of_write(write))
    yield from (("dropped", _NO_COUNT) for count in told.dropped.values() if count < 0)
    if told.capture.active and not told.capture.hooks:
        yield "capture", "is active without a hook"
    yield from ((f"pipelines[{at}]", "is no object") for at, it in enumerate(told.pipelines) if type(it) is not dict)


_NO_COUNT: Final = "is no count"
_NO_SPAN: Final = "is no span id"
_NO_TIME: Final = "is no time or duration"
_NO_SCALARS: Final = "are not texts, numbers, booleans or nulls"


def faults_of_span(span: Span) -> Iterator[tuple[str, str]]:
    """Why a span cannot have been told, each with the field that says so."""
    if not _SPAN_ID.fullmatch(span.span_id):
        yield "span_id", _NO_SPAN
    if span.parent_span_id is not None and not _SPAN_ID.fullmatch(span.parent_span_id):
        yield "parent_span_id", _NO_SPAN
    if not all(_is_time(ns) for ns in (span.start_ns, span.end_ns or 0, span.duration_ns or 0)):
        yield "start_ns", _NO_TIME
    if span.service == HARNESS:
        yield "service", "is the judge, who told no such thing"
    if any(count < 0 for count in (span.ordinal or 0, *span.dropped_counts.values())):
        yield "ordinal", _NO_COUNT
    if not _are_scalars(span.attributes):
        yield "attributes", _NO_SCALARS
    if not all(_TRACE_ID.fullmatch(link.trace_id) and _SPAN_ID.fullmatch(link.span_id) for link in span.links):
        yield "links", "are of no trace or span"


def faults_of_event(event: PointEvent) -> Iterator[tuple[str, str]]:
    """Why a point event cannot have been told."""
    if not _SPAN_ID.fullmatch(event.span_id):
        yield "span_id", _NO_SPAN
    if not _is_time(event.time_ns):
        yield "time_ns", _NO_TIME
    if not _are_scalars(event.attributes):
        yield "attributes", _NO_SCALARS


def faults_of_write(write: DbWrite) -> Iterator[tuple[str, str]]:
    """Why a database write cannot have been told."""
    if not _SPAN_ID.fullmatch(write.span_id):
        yield "span_id", _NO_SPAN
    if not (_is_time(write.started_ns) and _is_time(write.duration_ns)):
        yield "started_ns", _NO_TIME
    if any(count < 0 for count in (write.stmt_seq, write.batch_size, write.rows or 0, write.committed_rows or 0)):
        yield "rows", _NO_COUNT
    if write.committed_rows not in {None, write.rows if write.outcome is Outcome.COMMITTED else 0}:
        yield "committed_rows", f"cannot be of a statement that is {write.outcome}"
    found = write.fingerprint
    if found is not None and not (found.v > 0 and _SHA256.fullmatch(found.sha256)):
        yield "fingerprint", "is none"


def _is_time(ns: int) -> bool:
    # What 64 bits hold ends in the year 2262, so that every such time can be spelt.
    return ns >= 0


def _are_scalars(attributes: Mapping[str, Any]) -> bool:
    return all(isinstance(value, _SCALARS) for value in attributes.values())
