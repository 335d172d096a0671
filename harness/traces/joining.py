"""Joins what the judge recorded with what the backend told: one tree, one list of events, one of writes.

Where both claim a span, the judge's counts. Spans that were told may hang below the judge's; no point event that was
told is attached to them, while database writes are kept wherever they hang. What is left out is counted, and so is what
hangs on nothing.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from harness.traces.records import HARNESS, Trace
from harness.traces.walking import walk

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.traces.own_spans import OwnPart
    from harness.traces.records import DbWrite, PointEvent, Span, Told

DUPLICATE: Final = "duplicate"
"""Spans whose id was taken."""

ADRIFT: Final = "adrift"
"""Point events whose span nobody told or is the judge's own, or that claim to be of the judge's process."""

UNTOLD_PARENT: Final = "untold_parent"
"""Spans that were told and hang on nothing: a record is missing, and the trace says so."""


def join(own: OwnPart, told: Told | None, *, case_id: str, why_untold: str = "") -> Trace:
    """Join both parts of a trace.

    Args:
        own: The judge's.
        told: The backend's; ``None`` when it told nothing.
        case_id: The case that it is of.
        why_untold: Why there is nothing.
    """
    dropped = Counter(told.dropped) if told else Counter[str]()
    spans = _spans(own, told, dropped)
    places = {span.span_id: place for place, span in enumerate(spans)}
    if loose := sum(span.service != HARNESS and span.parent_span_id not in places for span in spans):
        dropped[UNTOLD_PARENT] += loose
    is_open = any(span.incomplete or span.end_ns is None for span in spans)
    return Trace(
        trace_id=own.trace_id,
        case_id=case_id,
        spans=spans,
        events=_events(own, told, places, dropped=dropped),
        db_writes=_writes(told, places),
        capture=told.capture if told else None,
        why_untold="" if told else why_untold,
        incomplete=is_open or bool(told and told.incomplete),
        dropped=dict(dropped),
        pipelines=told.pipelines if told else (),
    )


def _spans(own: OwnPart, told: Told | None, dropped: Counter[str]) -> tuple[Span, ...]:
    found = {span.span_id: span for span in own.spans}
    for span in told.spans if told else ():
        if span.span_id in found:
            dropped[DUPLICATE] += 1
        else:
            found[span.span_id] = span
    return tuple(turn.span for turn in walk(found.values()) if turn.is_entered)


def _events(
    own: OwnPart, told: Told | None, places: Mapping[str, int], *, dropped: Counter[str]
) -> tuple[PointEvent, ...]:
    judges, instances = {span.span_id for span in own.spans}, {span.instance for span in own.spans}
    found = list(own.events)
    for event in told.events if told else ():
        if event.span_id in judges or event.span_id not in places or event.instance in instances:
            dropped[ADRIFT] += 1
        else:
            found.append(event)
    return tuple(sorted(found, key=lambda event: (places[event.span_id], event.time_ns, event.seq)))


def _writes(told: Told | None, places: Mapping[str, int]) -> tuple[DbWrite, ...]:
    last = len(places)
    return tuple(
        sorted(
            told.db_writes if told else (),
            key=lambda write: (places.get(write.span_id, last), write.started_ns, write.txn_id, write.stmt_seq),
        )
    )
