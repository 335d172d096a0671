"""Routes of traces; all of them only read."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query
from pydantic import AwareDatetime, BeforeValidator, WithJsonSchema

from backend.api.dependencies import GivenLimit, GivenParts, JobId, ProjectId
from backend.api.documented import answers, operation_id
from backend.api.trace_schemas import TraceListOut, TraceOut
from backend.tracing.pipeline import PipelineStatus, Source
from backend.tracing.stores import TraceQuery
from backend.tracing.views import CURSOR_PATTERN

router = APIRouter(tags=["traces"], generate_unique_id_function=operation_id)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_RFC3339: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def _spelt_out(value: object) -> object:
    """Refuse bare numbers: as an instant they could be seconds or milliseconds."""
    if isinstance(value, str) and not _RFC3339.fullmatch(value):
        msg = "an instant is written like 2025-11-14T17:14:05Z"
        raise ValueError(msg)
    return value


GivenInstant = Annotated[AwareDatetime, BeforeValidator(_spelt_out)]
GivenTraceId = Annotated[
    str,
    Path(description="id of a trace, dashed or as 32 hex digits"),
    # An id that is none is unknown (404), not malformed (422).
    WithJsonSchema({"type": "string", "format": "uuid"}),
]
GivenPosition = Annotated[
    str | None,
    Query(description="next_cursor of the page before"),
    WithJsonSchema({"type": "string", "pattern": CURSOR_PATTERN}),
]


@router.get("/traces", response_model=TraceListOut, response_model_exclude_unset=True, responses=answers(400, 422))
def list_traces(
    parts: GivenParts,
    status: Annotated[PipelineStatus | None, Query(description="of a pipeline in it")] = None,
    intent_type: Annotated[str | None, Query(max_length=64, description="job type of a pipeline in it")] = None,
    source: Annotated[Source | None, Query(description="what set a pipeline in it off")] = None,
    since: Annotated[GivenInstant | None, Query(description="started then or later")] = None,
    until: Annotated[GivenInstant | None, Query(description="started before")] = None,
    cursor: GivenPosition = None,
    limit: GivenLimit = 50,
) -> TraceListOut:
    """List traces, newest first, with the average duration of each kind of job."""
    query = TraceQuery(
        limit, status=status, intent_type=intent_type, source=source, since_ns=_ns(since), until_ns=_ns(until)
    )
    return TraceListOut.of(parts.traces.page(query, cursor))


@router.get("/traces/{trace_id}", response_model=TraceOut, responses=answers(404))
def get_trace(trace_id: GivenTraceId, parts: GivenParts) -> TraceOut:
    """Show everything recorded under one trace id: spans, events, database writes, pipelines, and what is missing."""
    found, pipeline = parts.traces.trace(trace_id)
    return TraceOut.describe(found, pipeline)


@router.get("/{project_id}/jobs/{job_id}/trace", response_model=TraceOut, responses=answers(404))
def get_job_trace(project_id: ProjectId, job_id: JobId, parts: GivenParts) -> TraceOut:
    """Show the trace that a job belongs to; ``pipeline`` is the job's own."""
    job, _ = parts.service.job(project_id, job_id)
    found, pipeline = parts.traces.trace(job.trace_id, job.id)
    return TraceOut.describe(found, pipeline)


def _ns(instant: datetime | None) -> int | None:
    return None if instant is None else (instant - _EPOCH) // timedelta(microseconds=1) * 1000
