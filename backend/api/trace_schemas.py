"""A trace as the API shows it, ``trace/1``; ``trace.schema.json`` beside this file is made from ``TraceOut``.

Trace ids are dashed, span ids 16 hex digits. Times are nanoseconds since 1970 by the wall clock, or RFC 3339 where a
name ends in ``_at``; a duration is monotonic and may disagree with the difference of two times.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from backend.api.schemas import Instant
from backend.tracing.pipeline import PipelineStatus, Source, StepStatus
from backend.tracing.records import Op, Outcome, RowsSource
from backend.tracing.spans import Kind, Layer, Status, shown
from backend.tracing.views import CURSOR_PATTERN

if TYPE_CHECKING:
    from backend.tracing.pipeline import Pipeline
    from backend.tracing.records import DbWrite
    from backend.tracing.spans import EventRecord, Span
    from backend.tracing.stores import StoredTrace, TraceHead
    from backend.tracing.views import TracePage

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SPAN_ID = r"^[0-9a-f]{16}$"
_TRACE_ID = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"

TraceId = Annotated[str, Field(pattern=_TRACE_ID)]
SpanId = Annotated[str, Field(pattern=_SPAN_ID)]
Attributes = dict[str, str | int | float | bool | None]
Counts = dict[str, int]


class _Closed(BaseModel):
    """Nothing but what is listed, so that a document can be checked as a whole."""

    model_config = ConfigDict(extra="forbid")


class CaptureOut(_Closed):
    """Whether database writes were watched while the trace was made; without hooks, no writes says nothing."""

    hooks: list[str]
    active: bool
    version: int


class TriggerOut(_Closed):
    """What set a pipeline off."""

    source: Source
    issue_key: str | None
    issue_status: str | None
    intent_type: str
    timestamp: Instant


class StepOut(_Closed):
    """One step of a pipeline; ``decision`` says why a BLOCKED one stopped it, ``span_id`` which span it is."""

    step_number: int = Field(ge=1)
    agent_name: str
    agent_task: str
    status: StepStatus
    started_at: Instant
    completed_at: Instant | None
    success: bool | None
    error_message: str | None
    output_summary: str | None
    decision: str | None
    span_id: SpanId | None


class PipelineOut(_Closed):
    """A job as steps; ``pipeline_id`` is the job's id."""

    pipeline_id: str
    trace_id: TraceId
    trigger: TriggerOut
    intent_type: str
    pipeline_status: PipelineStatus
    started_at: Instant
    completed_at: Instant | None
    steps: list[StepOut]
    final_error: str | None
    execution_plan_summary: str

    @classmethod
    def of(cls, pipeline: Pipeline) -> Self:
        """Show a pipeline."""
        return cls.model_validate(pipeline.to_dict() | {"trace_id": shown(pipeline.trace_id)})


class LinkOut(_Closed):
    """A span in another trace, and why it is linked."""

    trace_id: TraceId
    span_id: SpanId
    reason: str


class SpanOut(_Closed):
    """One span; without ``end_ns`` it runs, or its end was never seen (``incomplete``)."""

    span_id: SpanId
    parent_span_id: SpanId | None
    name: str
    kind: Kind
    layer: Layer
    component: str
    operation: str
    trigger: str = Field(description="the operation that set it off")
    start_ns: int
    end_ns: int | None
    duration_ns: int | None
    status: Status
    step_status: StepStatus | None = Field(description="of a span that is a step of a pipeline; null of any other")
    error_type: str | None
    attributes: Attributes
    links: list[LinkOut]
    ordinal: int | None = Field(description="index among the parent's children; null when the parent is elsewhere")
    concurrent: bool = Field(description="ran side by side with another child of its parent")
    service: str
    instance: str = Field(description="the writing process")
    dropped_counts: Counts
    incomplete: bool

    @classmethod
    def of(cls, span: Span, step_status: StepStatus | None) -> Self:
        """Show a span."""
        names = set(cls.model_fields)
        place = {name: getattr(span.place, name) for name in names & set(span.place.__slots__)}
        plain = {name: getattr(span, name) for name in names & set(span.__slots__)}
        links = [{"trace_id": shown(x.trace_id), "span_id": x.span_id, "reason": x.reason} for x in span.links]
        return cls.model_validate(plain | place | {"links": links, "step_status": step_status})


class EventOut(_Closed):
    """A point in time within a span."""

    span_id: SpanId
    name: str
    time_ns: int
    seq: int = Field(description="counts the events of one process")
    instance: str
    attributes: Attributes

    @classmethod
    def of(cls, event: EventRecord) -> Self:
        """Show an event."""
        return cls.model_validate({name: getattr(event, name) for name in cls.model_fields})


class FingerprintOut(_Closed):
    """Which statement it was, without its values: the version of the rule, and SHA-256."""

    v: int
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class DbWriteOut(_Closed):
    """One logical statement that wrote; null means unknown, 0 rows that the database said zero."""

    span_id: SpanId
    system: str
    txn_id: str
    stmt_seq: int
    op: Op | None
    tables: list[str] | None
    batch_size: int
    rows: int | None
    committed_rows: int | None
    rows_source: RowsSource
    fingerprint: FingerprintOut | None = Field(description="null when the statement's text has over a mebibyte")
    outcome: Outcome
    error_type: str | None
    sqlstate: str | None
    started_ns: int
    duration_ns: int

    @classmethod
    def of(cls, write: DbWrite) -> Self:
        """Show a write."""
        plain = {name: getattr(write, name) for name in cls.model_fields if name != "fingerprint"}
        found = write.fingerprint
        return cls.model_validate(
            plain | {"fingerprint": None if found is None else {"v": found.v, "sha256": found.sha256}}
        )


class TraceSummaryOut(_Closed):
    """A trace as lists show it; ``pipelines`` has one for each job in it."""

    model_config = ConfigDict(title="TraceSummary", extra="forbid")

    trace_id: TraceId
    trace_id_format: Literal["uuid7", "opaque"]
    started_at: Instant
    incomplete: bool = Field(description="the end of a span was never seen")
    dropped: Counts = Field(description="records that were lost, by what lost them")
    capture: CaptureOut
    pipelines: list[PipelineOut]

    @classmethod
    def of(cls, head: TraceHead) -> Self:
        """Show a trace in a list."""
        return cls.model_validate(_head_fields(head))


def _head_fields(head: TraceHead) -> dict[str, Any]:
    return {
        "trace_id": shown(head.trace_id),
        "trace_id_format": head.id_format,
        "started_at": _EPOCH + timedelta(microseconds=head.started_ns // 1000),
        "incomplete": head.incomplete,
        "dropped": dict(head.dropped),
        "capture": {"hooks": list(head.capture.hooks), "active": head.capture.active, "version": head.capture.version},
        "pipelines": [PipelineOut.of(pipeline) for pipeline in head.pipelines],
    }


class TraceOut(TraceSummaryOut):
    """Everything that was recorded under one trace id."""

    model_config = ConfigDict(title="Trace", extra="forbid")

    schema_version: Literal["trace/1"]
    pipeline: PipelineOut | None = Field(description="of the job that was asked about, else the first; null without")
    spans: list[SpanOut] = Field(description="in order of their start")
    events: list[EventOut] = Field(description="in order of their time")
    db_writes: list[DbWriteOut] = Field(description="in order of their start")

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """The JSON Schema of the whole document, as it is shipped."""
        return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | cls.model_json_schema(mode="serialization")

    @classmethod
    def describe(cls, trace: StoredTrace, pipeline: Pipeline | None) -> Self:
        """Show a whole trace."""
        steps = {step.span_id: step.status for each in trace.head.pipelines for step in each.steps}
        return cls.model_validate(
            _head_fields(trace.head)
            | {
                "schema_version": "trace/1",
                "pipeline": None if pipeline is None else PipelineOut.of(pipeline),
                "spans": [SpanOut.of(span, steps.get(span.span_id)) for span in trace.spans],
                "events": [EventOut.of(event) for event in trace.events],
                "db_writes": [DbWriteOut.of(write) for write in trace.db_writes],
            }
        )


class IntentAverageOut(_Closed):
    """How long the ended pipelines of one intent took on average."""

    model_config = ConfigDict(title="IntentAverage", extra="forbid")

    intent_type: str
    count: int
    average_duration_s: float


class TraceListOut(_Closed):
    """Traces, newest first; without ``next_cursor`` it is the last page. Averages are over everything kept."""

    model_config = ConfigDict(title="TraceList", extra="forbid")

    traces: list[TraceSummaryOut]
    averages: list[IntentAverageOut]
    next_cursor: Annotated[
        str | SkipJsonSchema[None],
        Field(description="ask for the next page with it; absent on the last one", pattern=CURSOR_PATTERN),
    ] = None

    @classmethod
    def of(cls, page: TracePage) -> Self:
        """Show one page."""
        averages = [
            {"intent_type": mean.intent_type, "count": mean.count, "average_duration_s": mean.average_duration_s}
            for mean in page.averages
        ]
        more = {} if page.next_cursor is None else {"next_cursor": page.next_cursor}
        return cls.model_validate({"traces": [TraceSummaryOut.of(t) for t in page.traces], "averages": averages} | more)
