"""Routes of a project's files. Each answer carries an ETag of the file's bytes, and honours ``If-None-Match``."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Path, Request, Response
from pydantic import WithJsonSchema
from starlette.concurrency import run_in_threadpool

from backend.api.dependencies import GivenParts, GivenPreferences, Parts, ProjectId
from backend.api.documented import ETAG, PREFERENCE_APPLIED, answers, operation_id, with_headers
from backend.api.preferences import Preferences
from backend.api.schemas import FileEntryOut, FileList, FileOut
from backend.project_files import names_the_result, require_plain
from backend.workspace.files import FileContent

router = APIRouter(tags=["files"], generate_unique_id_function=operation_id)

GivenPath = Annotated[
    str,
    Path(
        description="path below the workspace, percent-encoded; decoded exactly once",
        examples=["app.py", ".codex/result.json"],
    ),
    # What the text alone tells; the rule about `..` in the middle and about links is no matter of a pattern.
    WithJsonSchema({"type": "string", "pattern": r"^(?!/|[A-Za-z]:[\\/]|\\[\\/]|\.\.(/|$))[^\x00]*$"}),
]


@router.get("/{project_id}/files", response_model=FileList, responses=answers(404))
def list_files(project_id: ProjectId, parts: GivenParts) -> FileList:
    """List all files of a project, hidden ones included, sorted by path."""
    entries = parts.files.list(project_id)
    return FileList(files=[FileEntryOut(path=entry.path, size=entry.size) for entry in entries])


@router.get(
    "/{project_id}/files/{path:path}",
    response_model=FileOut,
    responses=answers(304, 400, 404) | with_headers(ETAG, PREFERENCE_APPLIED),
)
async def read_file(
    project_id: ProjectId,
    path: GivenPath,
    request: Request,
    parts: GivenParts,
    wishes: GivenPreferences,
    if_none_match: Annotated[str | None, Header(description="answer 304 when the file still has this ETag")] = None,
) -> Response:
    """Read one file; ``.codex/result.json`` exists when the latest job has ended, ``Prefer: wait=N`` waits for that."""
    del if_none_match  # declared for the documentation; a header may be sent more than once
    require_plain(request.scope["raw_path"])
    headers = await _wait_for_the_result(project_id, path, parts, wishes=wishes)
    content = await run_in_threadpool(parts.files.read, project_id, path)
    headers["ETag"] = f'"{content.sha256}"'
    if _matches(request.headers.getlist("if-none-match"), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(await run_in_threadpool(_render, content), headers=headers, media_type="application/json")


async def _wait_for_the_result(project_id: str, path: str, parts: Parts, *, wishes: Preferences) -> dict[str, str]:
    """Wait as the caller wishes, when the path is one that waiting can change; returns the header that tells so."""
    if wishes.applied is None or not names_the_result(path):
        return {}
    view = await run_in_threadpool(parts.service.project, project_id)
    await parts.wait_for(view.latest, wishes.wait_s or 0)
    return {"Preference-Applied": wishes.applied}


def _render(content: FileContent) -> str:
    return FileOut(path=content.path, contents=content.contents, encoding=content.encoding).model_dump_json()


def _matches(offered: list[str], etag: str) -> bool:
    """Compare weakly, as RFC 9110 §13.1.2 asks for this header."""
    tags = [tag.strip().removeprefix("W/") for tag in ",".join(offered).split(",")]
    return "*" in tags or etag in tags
