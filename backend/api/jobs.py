"""Routes of jobs."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from starlette.concurrency import run_in_threadpool

from backend.api.dependencies import (
    GivenCursor,
    GivenKey,
    GivenLimit,
    GivenParts,
    GivenPreferences,
    JobId,
    ProjectId,
)
from backend.api.documented import PREFERENCE_APPLIED, answers, operation_id, with_headers
from backend.api.schemas import JobDetail, JobOut, JobPage, JobRequestBody, next_page
from backend.api.span import current_span
from backend.api.strict_json import StrictJsonRoute
from backend.lifecycle import has_ended
from backend.service import Submission

router = APIRouter(tags=["jobs"], route_class=StrictJsonRoute, generate_unique_id_function=operation_id)

GRACE_FOR_CANCEL_S = 5.0
"""Beyond the stop grace: time to judge and record the end."""


@router.post(
    "/{project_id}/jobs",
    response_model=JobOut,
    responses=answers(404, 409, 422, 429) | with_headers(PREFERENCE_APPLIED),
)
async def submit_job(
    project_id: ProjectId,
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
    "/{project_id}/jobs", response_model=JobPage, response_model_exclude_unset=True, responses=answers(400, 404, 422)
)
def list_jobs(project_id: ProjectId, parts: GivenParts, cursor: GivenCursor = None, limit: GivenLimit = 50) -> JobPage:
    """List a project's jobs in order of arrival."""
    page = parts.service.jobs(project_id, cursor=cursor, limit=limit)
    return JobPage(jobs=[JobOut.of(job) for job in page.items], **next_page(page))


@router.get(
    "/{project_id}/jobs/{job_id}",
    response_model=JobDetail,
    responses=answers(404) | with_headers(PREFERENCE_APPLIED),
)
async def get_job(project_id: ProjectId, job_id: JobId, parts: GivenParts, wishes: GivenPreferences) -> Response:
    """Show a job with its result and container facts; with ``Prefer: wait=N`` when it has ended."""
    job, attempt = await run_in_threadpool(parts.service.job, project_id, job_id)
    if wishes.wait_s and await parts.wait_for(job, wishes.wait_s):
        job, attempt = await run_in_threadpool(parts.service.job, project_id, job_id)
    headers = {"Preference-Applied": wishes.applied} if wishes.applied else {}
    return Response(JobDetail.render(job, attempt, parts.copies), headers=headers, media_type="application/json")


@router.post("/{project_id}/jobs/{job_id}/cancel", response_model=JobOut, responses=answers(404, 409))
async def cancel_job(project_id: ProjectId, job_id: JobId, parts: GivenParts) -> JobOut:
    """End a job: a waiting one at once, a running one by stopping its worker."""
    job = await run_in_threadpool(parts.service.cancel_job, project_id, job_id)
    if has_ended(job.status):
        parts.announce_end(job.id)
        return JobOut.of(job)
    if await parts.wait_for(job, parts.settings.job_stop_grace_seconds + GRACE_FOR_CANCEL_S):
        job, _ = await run_in_threadpool(parts.service.job, project_id, job_id)
    return JobOut.of(job)


@router.get(
    "/{project_id}/jobs/{job_id}/logs",
    response_class=Response,
    responses=answers(404) | {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def get_logs(project_id: ProjectId, job_id: JobId, parts: GivenParts) -> PlainTextResponse:
    """Show the worker's output, redacted and capped; of a running job what it has written so far."""
    text = await run_in_threadpool(parts.outputs.read, project_id, job_id)
    return PlainTextResponse(text)
