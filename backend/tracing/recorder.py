"""The recorder: starts and ends spans, takes events, pipelines and writes, and hands them to the thread that stores.

Recording never influences what is recorded. Nothing here raises, and nothing but ``stored`` waits: an error is counted
by the stage at which it happened and swallowed, and the trace then says what it lacks. Everything is made free of
secrets before it is queued. A recorder without a store gives out the same ids and keeps nothing.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter, OrderedDict
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, Final, ParamSpec, Protocol, TypeVar

import structlog

from backend.tracecontext import SpanContext, new_context
from backend.tracing.current import current_span, inside
from backend.tracing.families import Families
from backend.tracing.open_span import OpenSpan
from backend.tracing.spans import EventRecord
from backend.tracing.stores import UNWATCHED, Batch, trace_of
from backend.tracing.writer import BackgroundWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from backend.tracing.attributes import Cleaner
    from backend.tracing.pipeline import Pipeline
    from backend.tracing.records import CaptureState, DbDdl, DbWrite
    from backend.tracing.spans import Link, Place, Span
    from backend.tracing.stores import Record, TraceStore

log = structlog.get_logger(__name__)

FLUSH_S: Final = 5.0
"""How long the end of the process waits for the last records."""
_REMEMBERED_TRACES: Final = 4096


class Counts(Protocol):
    """Where losses are counted."""

    def trace_dropped(self, stage: str, number: int = 1) -> None:
        """Count records that were lost."""


class Losing(Protocol):
    """Whoever counts what goes wrong in it."""

    def lose(self, stage: str, trace_id: str | None = None, number: int = 1) -> None:
        """Count records that were lost at a stage."""


Owner = TypeVar("Owner", bound=Losing)
Given = ParamSpec("Given")


def guarded(
    stage: str,
) -> Callable[[Callable[Concatenate[Owner, Given], None]], Callable[Concatenate[Owner, Given], None]]:
    """Let a method of recording fail without harm: the failure is counted and goes no further."""

    def guard(method: Callable[Concatenate[Owner, Given], None]) -> Callable[Concatenate[Owner, Given], None]:
        @wraps(method)
        def guarded_method(self: Owner, /, *args: Given.args, **kwargs: Given.kwargs) -> None:
            try:
                method(self, *args, **kwargs)
            except Exception as error:  # noqa: BLE001  # whatever it is, no job shall suffer from it
                self.lose(stage)
                log.debug("trace.fault", stage=stage, error=type(error).__name__)

        return guarded_method

    return guard


@dataclass(frozen=True, slots=True)
class Limits:
    """What keeps recording small.

    Attributes:
        queued: Records that may wait to be stored.
        per_trace: Spans and events of one trace.
    """

    queued: int = 10_000
    per_trace: int = 10_000


@dataclass(frozen=True, slots=True)
class Opening:
    """What may be said of a span when it begins.

    Attributes:
        context: Ids that were given out before; made anew otherwise.
        start_ns: When it began, if that is some time ago; its duration is then not known by the monotonic clock.
    """

    attributes: Mapping[str, object] = field(default_factory=dict)
    links: tuple[Link, ...] = ()
    context: SpanContext | None = None
    start_ns: int | None = None


class Recorder:
    """The recorder of one process.

    Args:
        store: Where records go; ``None`` keeps nothing.
        cleaner: Takes out secrets.
        counts: Told of every loss.
        instance: Name of this process.
    """

    def __init__(
        self, store: TraceStore | None, cleaner: Cleaner, counts: Counts, *, instance: str, limits: Limits
    ) -> None:
        self._store, self._cleaner, self._counts = store, cleaner, counts
        self.instance = instance
        self.capture: Callable[[], CaptureState] = lambda: UNWATCHED
        self.listeners: list[Callable[[Sequence[Record]], None]] = []
        """Called with each batch that was stored, on the writer's thread."""
        self._limits, self._families = limits, Families()
        self._event_numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._sizes: OrderedDict[str, int] = OrderedDict()
        self._lost: dict[str, Counter[str]] = {}
        self._failing = False
        self._writer = BackgroundWriter("trace-writer", self._write, max_items=limits.queued)

    @property
    def on(self) -> bool:
        """Whether anything is kept."""
        return self._store is not None

    def start(self) -> None:
        """Begin to store."""
        if self.on:
            self._writer.start()

    def close(self) -> None:
        """Store what waits and stop; what cannot be stored in time is counted."""
        if not self.on:
            return
        if not self._quietly("flush", lambda: self._writer.close(FLUSH_S)):
            self.lose("flush")
        if self._lost:
            self._write(())

    # spans

    def open(self, place: Place, parent: SpanContext | None = None, opening: Opening | None = None) -> OpenSpan:
        """Begin a span; the caller ends it.

        Args:
            place: What it stands for.
            parent: The span that it hangs under; the current one by default, and a trace of its own without any.
            opening: What else is known.
        """
        opening = opening or Opening()
        context = opening.context
        if context is None:
            above = parent or current_span()
            context = above.child() if above is not None else new_context()
        span = OpenSpan(self, context, place, start_ns=opening.start_ns, links=opening.links)
        self._begin(span, opening.attributes)
        return span

    @contextmanager
    def span(
        self, place: Place, parent: SpanContext | None = None, opening: Opening | None = None
    ) -> Iterator[OpenSpan]:
        """A span around the block, and current within it; an exception is its error, and its absence success."""
        span = self.open(place, parent, opening)
        try:
            with inside(span.context):
                yield span
            span.settle()
        except BaseException as error:
            span.fail(type(error).__name__)
            raise
        finally:
            span.end()

    @guarded("span")
    def _begin(self, span: OpenSpan, attributes: Mapping[str, object]) -> None:
        if not self.on:
            return
        span.clean = self._cleaner
        span.set(attributes)
        birth = self._families.enter(span.context.span_id, span.context.parent_span_id, operation=span.place.operation)
        span.born(birth.ordinal, birth.trigger)
        span.recorded = self._admit(span.context.trace_id)
        if span.recorded:
            self._put(span.record())

    @guarded("span")
    def ended(self, span: OpenSpan) -> None:
        """Take the end of a span; called by the span itself."""
        span.concurrent = self._families.leave(span.context.span_id, span.context.parent_span_id)
        if span.recorded:
            self._put(span.record())

    @guarded("ingest")
    def take(self, spans: Iterable[Span]) -> None:
        """Take spans of another process as they are; they are clean already."""
        for span in spans:
            if self._admit(span.trace_id):
                self._put(span)

    # what happens within spans

    @guarded("event")
    def event(self, name: str, attributes: Mapping[str, object], span: SpanContext | None = None) -> None:
        """Note a point in time, within the current span or the given one; outside of every span it is no event."""
        context = span or current_span()
        if context is None or not self._admit(context.trace_id):
            return
        kept, dropped = self._cleaner.attributes(attributes)
        if dropped:
            self.lose("attribute", context.trace_id, dropped)
        number, clean_name = next(self._event_numbers), self._cleaner.name(name)
        ids = {"trace_id": context.trace_id, "span_id": context.span_id, "instance": self.instance}
        self._put(EventRecord(**ids, name=clean_name, time_ns=time.time_ns(), seq=number, attributes=kept))

    @guarded("pipeline")
    def pipeline(self, pipeline: Pipeline) -> None:
        """Take a pipeline as it is now."""
        self._put(pipeline.snapshot())

    # what the database was told (the sink of capture)

    @guarded("db_write")
    def db_write(self, write: DbWrite) -> None:
        """Take a write whose outcome is known; one outside of every trace belongs to nobody."""
        if write.trace_id is None or write.span_id is None or not self._admit(write.trace_id):
            return
        tables = None if write.tables is None else tuple(map(self._cleaner.name, write.tables))
        error_type = None if write.error_type is None else self._cleaner.name(write.error_type)
        self._put(replace(write, tables=tables, error_type=error_type))

    def db_ddl(self, ddl: DbDdl) -> None:
        """Note a schema change as an event."""
        if ddl.trace_id is None or ddl.span_id is None:
            return
        what = {"db.operation.name": ddl.command, "db.collection.name": ddl.name, "evidence.db.outcome": ddl.outcome}
        self.event("db.ddl", what, SpanContext(ddl.trace_id, ddl.span_id, 0))

    def dropped(self, stage: str) -> None:
        """Count a write that was not seen, or not whole."""
        self.lose(f"db_{stage}")

    # the way to the store

    def stored(self, timeout_s: float) -> bool:
        """Wait until everything that was recorded before has been stored, or could not be; ``False`` if it takes long.

        With ``timeout_s=0`` nothing is waited for, and the answer tells only how things stand.
        """
        return not self.on or self._quietly("flush", lambda: self._writer.flush(timeout_s))

    def _quietly(self, stage: str, action: Callable[[], bool]) -> bool:
        try:
            return action()
        except Exception as error:  # noqa: BLE001  # as in `guarded`
            self.lose(stage)
            log.debug("trace.fault", stage=stage, error=type(error).__name__)
            return False

    def _admit(self, trace_id: str) -> bool:
        """Count one more record of a trace, and refuse it when there are too many."""
        if not self.on:
            return False
        with self._lock:
            size = self._sizes.get(trace_id, 0) + 1
            self._sizes[trace_id] = size
            self._sizes.move_to_end(trace_id)
            if len(self._sizes) > _REMEMBERED_TRACES:
                self._sizes.popitem(last=False)
        if size > self._limits.per_trace:
            self.lose("limit", trace_id)
        return size <= self._limits.per_trace

    def _put(self, record: Record) -> None:
        if self.on and not self._writer.put(record):
            self.lose("queue", trace_of(record))

    def lose(self, stage: str, trace_id: str | None = None, number: int = 1) -> None:
        """Count records that were lost; with a trace id, the trace will say so."""
        try:
            self._counts.trace_dropped(stage, number)
        except Exception as error:  # noqa: BLE001  # a counter that cannot count is no reason to stop
            log.debug("trace.not_counted", stage=stage, error=type(error).__name__)
        if trace_id is not None:
            with self._lock:
                if trace_id in self._lost or len(self._lost) < _REMEMBERED_TRACES:
                    self._lost.setdefault(trace_id, Counter())[stage] += number

    def _write(self, records: Sequence[Record]) -> None:
        """Store one batch; on the writer's thread."""
        if self._store is None:
            return
        with self._lock:
            lost, self._lost = self._lost, {}
        try:
            self._store.store(Batch(records, self.capture(), self.instance, lost))
        except Exception as error:  # noqa: BLE001  # the next batch may succeed
            self._note_unstored(records, lost, error)
            return
        self._failing = False
        self._tell(records)

    @guarded("listener")
    def _tell(self, records: Sequence[Record]) -> None:
        for listener in self.listeners:
            listener(records)

    def _note_unstored(self, records: Sequence[Record], lost: Mapping[str, Counter[str]], error: Exception) -> None:
        for trace_id, number in Counter(map(trace_of, records)).items():
            self.lose("store", trace_id, number)
        with self._lock:
            for trace_id, stages in lost.items():
                self._lost.setdefault(trace_id, Counter()).update(stages)
        if not self._failing:
            # Once for each time it begins to fail: the counter tells how often.
            log.warning("trace.not_stored", error=type(error).__name__, records=len(records))
        self._failing = True
