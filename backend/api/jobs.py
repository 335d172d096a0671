"""Routes of jobs."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import PlainTextResponse
from starlette.concurrency import run_in_threadpool

from backend.api.dependencies import GivenKey, GivenParts, GivenPreferences
from backend.api.documented import answers
from backend.api.schemas import JobDetail, JobOut, JobPage, JobRequestBody
from backend.api.span import current_span
from backend.api.strict_json import StrictJsonRoute
from backend.service import Submission

router = APIRouter(tags=["jobs"], route_class=StrictJsonRoute)

GRACE_FOR_CANCEL_S = 5.0
"""Beyond the stop grace: time to judge and record the end."""


@router.post("/{project_id}/jobs", response_model=JobOut, responses=answers(404, 409, 413, 422, 429))
async def submit_job(
    project_id: str,
    body: JobRequestBody,
    request: Request,
    parts: GivenParts,
    wishes: GivenPreferences,
    idempotency_key: GivenKey = None,
) -> JobOut:
    """Queue a job behind the project's other jobs. Mocked: answers when it has ended. Live: at once."""
    submission = Submission(body.job_type, body.instruction, current_span(request), idempotency_key)
    job = await run_in_threadpool(parts.service.submit_job, project_id, submission)
    if await parts.wait_for(job, parts.default_wait_s(wishes)):
        job, _ = await run_in_threadpool(parts.service.job, project_id, job.id)
    return JobOut.of(job)


@router.get(
    "/{project_id}/jobs", response_model=JobPage, response_model_exclude_none=False, responses=answers(400, 404, 422)
)
def list_jobs(
    project_id: str,
    parts: GivenParts,
    cursor: Annotated[str | None, Query(description="next_cursor of the page before", max_length=40)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> JobPage:
    """List a project's jobs in order of arrival."""
    page = parts.service.jobs(project_id, cursor=cursor, limit=limit)
    return JobPage(jobs=[JobOut.of(job) for job in page.items], next_cursor=page.next_cursor)


@router.get("/{project_id}/jobs/{job_id}", response_model=JobDetail, responses=answers(404))
async def get_job(project_id: str, job_id: str, parts: GivenParts, wishes: GivenPreferences) -> JobDetail:
    """Show a job with its result and container facts; with ``Prefer: wait=N`` when it has ended."""
    job, attempt = await run_in_threadpool(parts.service.job, project_id, job_id)
    if wishes.wait_s and await parts.wait_for(job, wishes.wait_s):
        job, attempt = await run_in_threadpool(parts.service.job, project_id, job_id)
    return JobDetail.describe(job, attempt, parts.copies)


@router.post("/{project_id}/jobs/{job_id}/cancel", response_model=JobOut, responses=answers(404, 409))
async def cancel_job(project_id: str, job_id: str, parts: GivenParts) -> JobOut:
    """End a job: a waiting one at once, a running one by stopping its worker."""
    job = await run_in_threadpool(parts.service.cancel_job, project_id, job_id)
    if await parts.wait_for(job, parts.settings.job_stop_grace_seconds + GRACE_FOR_CANCEL_S):
        job, _ = await run_in_threadpool(parts.service.job, project_id, job_id)
    return JobOut.of(job)


@router.get(
    "/{project_id}/jobs/{job_id}/logs",
    response_class=PlainTextResponse,
    responses=answers(404) | {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def get_logs(project_id: str, job_id: str, parts: GivenParts) -> PlainTextResponse:
    """Show the worker's output, redacted and capped; of a running job what it has written so far."""
    text = await run_in_threadpool(parts.outputs.read, project_id, job_id)
    return PlainTextResponse(text)
