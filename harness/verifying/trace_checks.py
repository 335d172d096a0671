"""Whether a case's trace is there, whole, watched throughout, and what the judge recorded of it in its own events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from harness.evidence.layout import RUN
from harness.evidence.records import to_document
from harness.traces.contents import unwatched
from harness.traces.own_spans import own_part
from harness.traces.pipeline import job_types_of
from harness.traces.records import HARNESS
from harness.traces.told import faults_of_event, faults_of_span, faults_of_write
from harness.verifying.comparing import differences
from harness.verifying.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from harness.traces.records import PointEvent, Span
    from harness.verifying.bundle import StoredCase

    Looks = Iterator[Finding | None]

OWN_STACK: Final = "stack"
"""What the judge started the backend with lies under this key; nothing, where it did not start it."""


def trace(case: StoredCase) -> Looks:
    """What was climbed has a trace of its own that is not empty; what was not climbed has none."""
    stored = case.trace
    if stored is None:
        begun = case.segment is not None
        yield Finding("trace-missing", case.path, "trace", "it was climbed and has no trace") if begun else None
        return
    if case.segment is None:
        yield Finding("events-missing", case.trace_path, "", "events.jsonl does not tell that it was climbed")
        return
    facts = (
        ("trace_id", stored.trace_id, case.record.trace_id),
        ("trace_id", stored.trace_id, case.segment.started.trace_id),
        ("case_id", stored.case_id, case.case_id),
    )
    for name, found, wanted in facts:
        yield None if found == wanted else Finding("trace-of-another", case.trace_path, name, f"expected {wanted}")
    is_empty = not stored.spans or not case.rows("execution_trace")
    yield Finding("trace-empty", case.path, "execution_trace", "what was climbed left events") if is_empty else None


def own_spans(case: StoredCase) -> Looks:
    """The judge's spans and events are those that follow from ``events.jsonl``."""
    stored, segment = case.trace, case.segment
    if stored is None or segment is None:
        return
    run_id = case.bundle.run.run_id
    own = own_part(segment.entries, climb_trace_id=segment.climb.trace_id if segment.climb else "", instance=run_id)
    wanted = {span.span_id: span for span in own.spans}
    yield from _spans(case, {span.span_id: span for span in stored.spans if span.service == HARNESS}, wanted)
    told = [to_document(each) for each in _in_order(stored.events) if each.instance == run_id]
    found = list(differences("events", told, [to_document(each) for each in _in_order(own.events)]))
    yield from [Finding("own-part-differs", case.trace_path, place, what) for place, what in found] or (None,)


def _in_order(events: Iterable[PointEvent]) -> list[PointEvent]:
    return sorted(events, key=lambda event: event.seq)


def _spans(case: StoredCase, stored: Mapping[str, Span], wanted: Mapping[str, Span]) -> Looks:
    for span_id in {**wanted, **stored}:
        place = f"span {span_id}"
        if span_id not in stored or span_id not in wanted:
            what = "the judge recorded it" if span_id in wanted else "the judge recorded no such span"
            yield Finding("own-part-differs", case.trace_path, place, what)
            continue
        pair = (to_document(stored[span_id]), to_document(wanted[span_id]))
        found = list(differences(place, *pair))
        yield from [Finding("own-part-differs", case.trace_path, where, what) for where, what in found] or (None,)


def told(case: StoredCase) -> Looks:
    """What is not the judge's own could have been told: it breaks no rule by which an answer is refused."""
    stored = case.trace
    if stored is None:
        return
    run_id = case.bundle.run.run_id
    found = [(f"span {each.span_id}", faults_of_span(each)) for each in stored.spans if each.service != HARNESS]
    found += [
        (f"point event {at}", faults_of_event(each))
        for at, each in enumerate(stored.events, start=1)
        if each.instance != run_id
    ]
    found += [(f"write {at}", faults_of_write(each)) for at, each in enumerate(stored.db_writes, start=1)]
    for place, faults in found:
        if stored.capture is None:
            yield Finding("not-told", case.trace_path, place, "the backend told nothing of this trace")
        told = [Finding("not-told", case.trace_path, f"{place} {name}", f"it {what}") for name, what in faults]
        yield from told or (None,)
    wanted = job_types_of(stored.pipelines)
    what = f"expected job_types {wanted}, found {case.record.job_types}"
    yield None if case.record.job_types == wanted else Finding("record-differs", RUN, case.record.folder, what)


def parents(case: StoredCase) -> Looks:
    """Every span's parent is in the trace, unless the trace itself says that it lacks records."""
    stored = case.trace
    if stored is None:
        return
    known = {span.span_id for span in stored.spans}
    lacks = stored.incomplete or any(stored.dropped.values())
    roots = 0
    for span in stored.spans:
        roots += span.parent_span_id is None
        is_there = span.parent_span_id in known or (span.parent_span_id is None and roots == 1)
        what = f"its parent {span.parent_span_id or ''} is not in the trace" if span.parent_span_id else "a second root"
        place = f"span {span.span_id}"
        yield None if is_there else Finding("parent-missing", case.trace_path, place, what, is_fault=not lacks)
    if roots == 0:
        yield Finding("parent-missing", case.trace_path, "", "no span is the root")


def capture(case: StoredCase) -> Looks:
    """It is known what was written to the database: without hooks, no writes says nothing."""
    stored = case.trace
    if stored is None:
        return
    why = unwatched(stored.capture, stored.dropped, why_untold=stored.why_untold)
    if not why:
        yield None
        return
    is_own = bool(case.bundle.run.settings.get(OWN_STACK))
    yield Finding("capture-inactive", case.trace_path, "capture", f"capture inactive ({why})", is_fault=is_own)
