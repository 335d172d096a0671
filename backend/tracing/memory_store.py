"""Traces in memory: for tests, and for a backend that shall leave nothing behind."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from backend.tracing.records import DbWrite
from backend.tracing.spans import EventRecord, Span, id_format
from backend.tracing.stores import IntentAverage, StoredTrace, TraceHead, TraceQuery, started_ns, trace_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from backend.tracing.pipeline import Pipeline
    from backend.tracing.records import CaptureState
    from backend.tracing.stores import Batch, Record


@dataclass(slots=True)
class _Trace:
    trace_id: str
    seq: int
    started_ns: int
    capture: CaptureState
    spans: dict[str, Span] = field(default_factory=dict)
    events: list[EventRecord] = field(default_factory=list)
    db_writes: list[DbWrite] = field(default_factory=list)
    pipelines: dict[str, Pipeline] = field(default_factory=dict)
    dropped: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def add(self, record: Record) -> None:
        self.started_ns = min(self.started_ns, started_ns(record))
        if isinstance(record, Span):
            self.spans[record.span_id] = _moved(self.spans.get(record.span_id), record)
        elif isinstance(record, EventRecord):
            self.events.append(record)
        elif isinstance(record, DbWrite):
            self.db_writes.append(record)
        elif not ((known := self.pipelines.get(record.pipeline_id)) and known.has_ended):
            self.pipelines[record.pipeline_id] = record.snapshot()

    def head(self) -> TraceHead:
        pipelines = sorted(self.pipelines.values(), key=lambda pipeline: (pipeline.started_at, pipeline.pipeline_id))
        return TraceHead(
            trace_id=self.trace_id,
            id_format=id_format(self.trace_id),
            started_ns=self.started_ns,
            seq=self.seq,
            pipelines=tuple(pipeline.snapshot() for pipeline in pipelines),
            incomplete=any(span.incomplete for span in self.spans.values()),
            capture=self.capture,
            dropped=dict(self.dropped),
        )


def _moved(present: Span | None, record: Span) -> Span:
    if present is None:
        return record
    if present.end_ns is not None or record.service != "backend":
        return present
    # Who goes on with a span after a restart does not know what it hangs under.
    parent = record.parent_span_id or present.parent_span_id
    ordinal = present.ordinal if record.ordinal is None else record.ordinal
    return replace(record, parent_span_id=parent, ordinal=ordinal)


class MemoryTraceStore:
    """A store that ends with its process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._traces: dict[str, _Trace] = {}
        self._seq = 0

    def store(self, batch: Batch) -> None:
        """Keep a batch."""
        with self._lock:
            for record in batch.records:
                trace = self._trace(trace_of(record), started_ns(record), batch.capture)
                trace.add(record)
                if not batch.capture.active:
                    # Of a trace that was not watched all the time, nobody can say that nothing else was written.
                    trace.capture = batch.capture
            for trace_id, stages in batch.lost.items():
                dropped = self._trace(trace_id, time.time_ns(), batch.capture).dropped
                for stage, number in stages.items():
                    dropped[stage] += number

    def _trace(self, trace_id: str, start_ns: int, capture: CaptureState) -> _Trace:
        if trace_id not in self._traces:
            self._seq += 1
            self._traces[trace_id] = _Trace(trace_id, self._seq, start_ns, capture)
        return self._traces[trace_id]

    def get(self, trace_id: str) -> StoredTrace | None:
        """One trace."""
        with self._lock:
            found = self._traces.get(trace_id)
            if found is None:
                return None
            spans = sorted(found.spans.values(), key=lambda span: (span.start_ns, span.span_id))
            events = sorted(found.events, key=lambda event: (event.time_ns, event.instance, event.seq))
            writes = sorted(found.db_writes, key=lambda write: (write.started_ns, write.txn_id, write.stmt_seq))
            return StoredTrace(found.head(), tuple(spans), tuple(events), tuple(writes))

    def get_all(self) -> tuple[TraceHead, ...]:
        """All traces, newest first."""
        with self._lock:
            heads = [trace.head() for trace in self._traces.values()]
        return tuple(sorted(heads, key=_position, reverse=True))

    def get_recent(self, limit: int = 10) -> tuple[TraceHead, ...]:
        """The newest traces."""
        return self.get_all()[:limit]

    def search(self, query: TraceQuery) -> tuple[TraceHead, ...]:
        """Traces that pass all filters, newest first."""
        return tuple(head for head in self.get_all() if _passes(head, query))[: query.limit]

    def pipeline(self, pipeline_id: str) -> Pipeline | None:
        """One pipeline."""
        with self._lock:
            found = (trace.pipelines.get(pipeline_id) for trace in self._traces.values())
            present = next((pipeline for pipeline in found if pipeline), None)
            return present.snapshot() if present else None

    def averages(self) -> tuple[IntentAverage, ...]:
        """Average durations by intent."""
        durations: dict[str, list[float]] = defaultdict(list)
        for head in self.get_all():
            for pipeline in head.pipelines:
                if pipeline.end_ns is not None:
                    durations[pipeline.trigger.intent_type].append((pipeline.end_ns - pipeline.start_ns) / 1e9)
        return tuple(IntentAverage(name, len(all_), sum(all_) / len(all_)) for name, all_ in sorted(durations.items()))

    def abandon(self, service_prefix: str, present: str) -> int:
        """Mark open spans of earlier processes."""
        with self._lock:
            return sum(_abandon(trace, service_prefix, present) for trace in self._traces.values())

    def prune(self, *, keep: int, before_ns: int) -> int:
        """Remove the oldest traces."""
        heads = self.get_all()
        kinds = ([head for head in heads if head.pipelines], [head for head in heads if not head.pipelines])
        surplus = [head for kind in kinds for head in kind[keep:]] + [
            head for head in heads if head.started_ns < before_ns
        ]
        doomed = {head.trace_id for head in surplus if all(pipeline.has_ended for pipeline in head.pipelines)}
        with self._lock:
            for trace_id in doomed:
                self._traces.pop(trace_id, None)
        return len(doomed)

    def clear(self) -> None:
        """Remove everything."""
        with self._lock:
            self._traces.clear()

    def close(self) -> None:
        """Nothing is held."""


def _position(head: TraceHead) -> tuple[int, int]:
    return head.started_ns, head.seq


def _passes(head: TraceHead, query: TraceQuery) -> bool:
    in_time = (query.since_ns is None or head.started_ns >= query.since_ns) and (
        query.until_ns is None or head.started_ns < query.until_ns
    )
    if not in_time or (query.after is not None and _position(head) >= query.after):
        return False
    if query.status is None and query.intent_type is None and query.source is None:
        return True
    return any(_matches(pipeline, query) for pipeline in head.pipelines)


def _matches(pipeline: Pipeline, query: TraceQuery) -> bool:
    wanted: Iterable[tuple[object, object]] = (
        (query.status, pipeline.pipeline_status),
        (query.intent_type, pipeline.trigger.intent_type),
        (query.source, pipeline.trigger.source),
    )
    return all(word is None or word == found for word, found in wanted)


def _abandon(trace: _Trace, service_prefix: str, present: str) -> bool:
    lost = [
        span
        for span in trace.spans.values()
        if span.end_ns is None and span.instance.startswith(service_prefix) and span.instance != present
    ]
    for span in lost:
        trace.spans[span.span_id] = replace(span, incomplete=True)
    return bool(lost)
