"""The records of a trace (``trace/1``): spans, point events and database writes, as the judge stores and reads them.

The field names are those of the backend's read API, so that what it told is kept as it was told; the judge parses it
into these own records, because one that shares its subject's code cannot see the subject's faults. Unknown keys are
ignored, a missing one is damage. Times are wall clock, durations are measured by a monotonic clock.
"""

# Annotations are read at run time by the codec, so they are not deferred here.
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

SCHEMA: Final = "trace/1"

HARNESS: Final = "harness"
"""``service`` of the spans that the judge itself made."""

Attributes = Mapping[str, Any]
"""Text, number, boolean or null by name (OpenTelemetry semantic conventions 1.44, else prefix ``evidence.``)."""


class Layer(StrEnum):
    """The part of the system that a span belongs to, from the plan's L1 to L7."""

    TEST = "TEST"
    HTTP = "HTTP"
    APP = "APP"
    RUNNER = "RUNNER"
    WORKER = "WORKER"
    AGENT = "AGENT"
    DB = "DB"


class Kind(StrEnum):
    """Relation to the other side (OpenTelemetry span kind)."""

    INTERNAL = "INTERNAL"
    CLIENT = "CLIENT"
    SERVER = "SERVER"


class SpanStatus(StrEnum):
    """How a span ended; an outcome that is not known is UNSET and never OK."""

    UNSET = "UNSET"
    OK = "OK"
    ERROR = "ERROR"


class Op(StrEnum):
    """What a statement does to rows; SELECT is none of them."""

    INSERT = "INSERT"
    UPDATE = "UPDATE"
    DELETE = "DELETE"
    MERGE = "MERGE"
    REPLACE = "REPLACE"
    TRUNCATE = "TRUNCATE"
    COPY = "COPY"


class Outcome(StrEnum):
    """What became of a statement that writes."""

    COMMITTED = "committed"
    ROLLED_BACK = "rolled_back"
    ROLLED_BACK_TO_SAVEPOINT = "rolled_back_to_savepoint"
    FAILED = "failed"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Link:
    """A span of another trace, and why it is linked."""

    trace_id: str
    span_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Span:
    """One span.

    Attributes:
        span_id: 16 lower-case hex digits.
        parent_span_id: In this trace; ``None`` of the root, or of a span whose parent is in another trace.
        operation: What the component does; ``trigger`` is the operation that set it off.
        start_ns: Wall clock, nanoseconds since 1970.
        end_ns: ``None`` while it runs, or when its end was never seen (``incomplete``).
        duration_ns: By the monotonic clock.
        error_type: Exception class or failure kind, never free text.
        ordinal: Index among the parent's children; ``None`` when the parent is in another process.
        concurrent: It ran side by side with another child of its parent.
        service: ``harness``, ``backend`` or ``worker``.
        instance: The writing process.
        dropped_counts: What limits cut off, by kind.
    """

    span_id: str
    parent_span_id: str | None
    name: str
    kind: Kind
    layer: Layer
    component: str
    operation: str
    trigger: str
    start_ns: int
    end_ns: int | None
    duration_ns: int | None
    status: SpanStatus
    error_type: str | None = None
    attributes: Attributes = field(default_factory=dict)
    links: tuple[Link, ...] = ()
    ordinal: int | None = None
    concurrent: bool = False
    service: str = HARNESS
    instance: str = ""
    dropped_counts: Mapping[str, int] = field(default_factory=dict)
    incomplete: bool = False


@dataclass(frozen=True, slots=True)
class PointEvent:
    """A point in time within a span; ``seq`` counts the events of one process."""

    span_id: str
    name: str
    time_ns: int
    seq: int
    instance: str
    attributes: Attributes = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Which statement it was, without its values: the version of the rule, and SHA-256 in hex."""

    v: int
    sha256: str


@dataclass(frozen=True, slots=True)
class DbWrite:
    """One logical statement that wrote; ``None`` means unknown, 0 rows that the database said zero.

    Attributes:
        span_id: The span that it hangs under.
        system: ``sqlite`` or ``postgresql``.
        stmt_seq: Index of the statement in its transaction, from 1.
        batch_size: Parameter sets of the statement.
        rows: What the statement touched; ``committed_rows`` what of it is there for good.
        rows_source: Who counted: cursor, returned, driver_delta, parameters, unknown.
        error_type: Class of the failure; its text is never kept, since it quotes values.
    """

    span_id: str
    system: str
    txn_id: str
    stmt_seq: int
    op: Op | None
    tables: tuple[str, ...] | None
    batch_size: int
    rows: int | None
    committed_rows: int | None
    rows_source: str
    fingerprint: Fingerprint | None
    outcome: Outcome
    error_type: str | None
    sqlstate: str | None
    started_ns: int
    duration_ns: int


@dataclass(frozen=True, slots=True)
class Capture:
    """Whether database writes were watched while the trace was made; without hooks, no writes says nothing."""

    hooks: tuple[str, ...]
    active: bool
    version: int


@dataclass(frozen=True, slots=True)
class Told:
    """The backend's part of a trace, as it told it.

    Attributes:
        trace_id: Dashed.
        dropped: Records that were lost, by what lost them.
        pipelines: The jobs as steps (trace model §8.3), as told.
    """

    trace_id: str
    schema_version: str
    incomplete: bool
    dropped: Mapping[str, int]
    capture: Capture
    spans: tuple[Span, ...]
    events: tuple[PointEvent, ...]
    db_writes: tuple[DbWrite, ...]
    pipelines: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Trace:
    """One trace as it is stored in ``traces/<trace_id>.json``.

    Attributes:
        trace_id: Dashed.
        case_id: The case that it belongs to; empty for the trace of a whole climb.
        spans: Parents before their children, siblings in the order of their start.
        capture: ``None`` when the backend told nothing; then ``why_untold`` says why.
        incomplete: The end of a span was never seen.
        dropped: Records that were lost, by what lost them.
        pipelines: Jobs, or the climb, as steps.
    """

    trace_id: str
    case_id: str
    spans: tuple[Span, ...]
    events: tuple[PointEvent, ...] = ()
    db_writes: tuple[DbWrite, ...] = ()
    capture: Capture | None = None
    why_untold: str = ""
    incomplete: bool = False
    dropped: Mapping[str, int] = field(default_factory=dict)
    pipelines: tuple[Any, ...] = ()
    schema_version: str = SCHEMA

    @property
    def root(self) -> Span:
        """The span without a parent; the first if there are several."""
        return next((span for span in self.spans if span.parent_span_id is None), self.spans[0])
