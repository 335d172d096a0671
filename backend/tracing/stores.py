"""What a store of traces takes and gives; one is in memory, one in the database, and both behave alike.

A store is append-only to its readers: an open span may be ended and a running pipeline moved on, by the recorder alone,
and what has ended never changes again. A span of another service (the worker) never touches one that is there already.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from backend.tracing.pipeline import Pipeline
from backend.tracing.records import CaptureState, DbWrite
from backend.tracing.spans import EventRecord, Span

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from backend.tracing.pipeline import PipelineStatus, Source

Record = Span | EventRecord | Pipeline | DbWrite
"""What is stored; a span and a pipeline more than once, as they go on."""

UNWATCHED: Final = CaptureState(hooks=(), active=False, version=0)
"""Nobody watches the database."""


def started_ns(record: Record) -> int:
    """When what a record tells of began."""
    if isinstance(record, EventRecord):
        return record.time_ns
    return record.started_ns if isinstance(record, DbWrite) else record.start_ns


def trace_of(record: Record) -> str:
    """The trace that a record belongs to; a write outside of every trace is never stored."""
    assert record.trace_id is not None  # noqa: S101  # the recorder takes no others
    return record.trace_id


@dataclass(frozen=True, slots=True)
class Batch:
    """Records in the order in which they were made.

    Attributes:
        capture: Whether the database was watched in the process that made them.
        instance: That process.
        lost: Records that could not be kept since the last batch, by trace and stage.
    """

    records: Sequence[Record]
    capture: CaptureState = UNWATCHED
    instance: str = ""
    lost: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TraceHead:
    """A trace as lists show it.

    Attributes:
        started_ns: Time of its earliest record here.
        seq: Order of arrival in this store.
        incomplete: The end of a span of it was never seen.
        dropped: Records that were lost, by stage.
    """

    trace_id: str
    id_format: str
    started_ns: int
    seq: int
    pipelines: tuple[Pipeline, ...]
    incomplete: bool
    capture: CaptureState
    dropped: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class StoredTrace:
    """Everything about one trace; spans, events and writes in order of their times."""

    head: TraceHead
    spans: tuple[Span, ...]
    events: tuple[EventRecord, ...]
    db_writes: tuple[DbWrite, ...]


Position = tuple[int, int]
"""Start and seq of the last trace on a page."""


@dataclass(frozen=True, slots=True)
class TraceQuery:
    """Which traces to list; a filter that is ``None`` lets everything pass.

    Attributes:
        status: Of a pipeline in it.
        since_ns: Started at this time or later.
        until_ns: Started before this time.
        after: Go on behind this position.
    """

    limit: int
    status: PipelineStatus | None = None
    intent_type: str | None = None
    source: Source | None = None
    since_ns: int | None = None
    until_ns: int | None = None
    after: Position | None = None


@dataclass(frozen=True, slots=True)
class IntentAverage:
    """How long the ended pipelines of one intent took on average."""

    intent_type: str
    count: int
    average_duration_s: float


class TraceStore(Protocol):
    """Keeps traces. Every method but ``store`` and ``prune`` only reads; safe from any thread."""

    def store(self, batch: Batch) -> None:
        """Keep a batch: all of it or, when it raises, nothing."""

    def get(self, trace_id: str) -> StoredTrace | None:
        """One trace by its id of 32 hex digits."""

    def get_all(self) -> tuple[TraceHead, ...]:
        """All traces, newest first."""

    def get_recent(self, limit: int = 10) -> tuple[TraceHead, ...]:
        """The traces that started last, newest first."""

    def search(self, query: TraceQuery) -> tuple[TraceHead, ...]:
        """Traces that pass all filters, newest first."""

    def pipeline(self, pipeline_id: str) -> Pipeline | None:
        """One pipeline as it was last stored."""

    def averages(self) -> tuple[IntentAverage, ...]:
        """Average durations of ended pipelines, by intent."""

    def abandon(self, service_prefix: str, present: str) -> int:
        """Mark open spans of earlier processes of this backend as incomplete.

        Args:
            service_prefix: What the instance names of all its processes begin with.
            present: The instance that runs now.

        Returns:
            How many traces have one.
        """

    def prune(self, *, keep: int, before_ns: int) -> int:
        """Remove the oldest traces.

        Args:
            keep: So many traces with a pipeline stay, and so many without.
            before_ns: Whatever began earlier goes, unless a pipeline of it still runs.

        Returns:
            How many were removed.
        """

    def clear(self) -> None:
        """Remove everything."""

    def close(self) -> None:
        """Let go of connections."""
