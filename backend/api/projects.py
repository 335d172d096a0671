"""Routes of projects."""

from __future__ import annotations

from contextlib import suppress

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

from backend.api.dependencies import GivenCursor, GivenKey, GivenLimit, GivenParts, GivenPreferences, ProjectId
from backend.api.documented import PREFERENCE_APPLIED, answers, operation_id, with_headers
from backend.api.schemas import JobOut, ProjectDetail, ProjectOut, ProjectPage, ProjectRequest, next_page
from backend.api.span import current_span
from backend.api.strict_json import StrictJsonRoute
from backend.errors import NotFoundError
from backend.service import Submission
from worker.contract import JobType

router = APIRouter(tags=["projects"], route_class=StrictJsonRoute, generate_unique_id_function=operation_id)

GRACE_FOR_DELETION_S = 5.0
"""Beyond the stop grace; after that the deletion goes on in the background."""


@router.post(
    "/projects/", response_model=ProjectOut, responses=answers(409, 422, 429) | with_headers(PREFERENCE_APPLIED)
)
async def create_project(
    body: ProjectRequest,
    request: Request,
    parts: GivenParts,
    wishes: GivenPreferences,
    idempotency_key: GivenKey = None,
) -> ProjectOut:
    """Create a project and its first job. Mocked: answers when the job has ended. Live: at once."""
    submission = Submission(JobType.INITIAL_PROJECT, body.instruction, current_span(request), idempotency_key)
    view = await run_in_threadpool(parts.service.create_project, submission)
    # Should somebody delete it meanwhile, what is left to tell is what was accepted.
    with suppress(NotFoundError):
        if await parts.wait_for(view.latest, parts.default_wait_s(wishes)):
            view = await run_in_threadpool(parts.service.project, view.project.id)
    return ProjectOut.of(view)


@router.get("/projects/", response_model=ProjectPage, response_model_exclude_unset=True, responses=answers(400, 422))
def list_projects(parts: GivenParts, cursor: GivenCursor = None, limit: GivenLimit = 50) -> ProjectPage:
    """List projects, newest first."""
    page = parts.service.projects(cursor=cursor, limit=limit)
    return ProjectPage(projects=[ProjectOut.of(view) for view in page.items], **next_page(page))


@router.get("/projects/{project_id}", response_model=ProjectDetail, responses=answers(404))
def get_project(project_id: ProjectId, parts: GivenParts) -> ProjectDetail:
    """Show a project with its jobs in order of arrival."""
    view, jobs = parts.service.project_with_jobs(project_id)
    return ProjectDetail.describe(view, [JobOut.of(job) for job in jobs])


@router.delete("/projects/{project_id}", response_model=ProjectOut, responses=answers(404))
async def delete_project(project_id: ProjectId, parts: GivenParts) -> ProjectOut:
    """Cancel a project's jobs and remove its workspace and records; answers with the project as it was."""
    deletion = await run_in_threadpool(parts.service.begin_deletion, project_id)
    for job_id in deletion.ended:
        parts.announce_end(job_id)
    for job_id in deletion.running:
        await parts.wait_until_stopped(job_id, GRACE_FOR_DELETION_S)
    # What resists now is finished by the reaper, and at the latest by the next start.
    await run_in_threadpool(parts.removal.finish, project_id)
    return ProjectOut.of(deletion.view)
