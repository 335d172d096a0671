"""Routes of a project's files. Each answer carries an ETag of the file's bytes, and honours ``If-None-Match``."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from starlette.concurrency import run_in_threadpool

from backend.api.dependencies import GivenParts, GivenPreferences
from backend.api.documented import answers
from backend.api.schemas import FileEntryOut, FileList, FileOut
from backend.project_files import names_the_result, require_decodable

router = APIRouter(tags=["files"])

_ETAG = {"ETag": {"description": "strong tag of the file's bytes", "schema": {"type": "string"}}}


@router.get("/{project_id}/files", response_model=FileList, responses=answers(404))
def list_files(project_id: str, parts: GivenParts) -> FileList:
    """List all files of a project, hidden ones included, sorted by path."""
    entries = parts.files.list(project_id)
    return FileList(files=[FileEntryOut(path=entry.path, size=entry.size) for entry in entries])


@router.get(
    "/{project_id}/files/{path:path}",
    response_model=FileOut,
    responses=answers(304, 400, 404, 413) | {200: {"headers": _ETAG}},
)
async def read_file(
    project_id: str,
    path: str,
    request: Request,
    parts: GivenParts,
    wishes: GivenPreferences,
    if_none_match: Annotated[str | None, Header(description="answer 304 when the file still has this ETag")] = None,
) -> Response:
    """Read one file; ``.codex/result.json`` exists when the latest job has ended, ``Prefer: wait=N`` waits for that."""
    require_decodable(request.scope.get("raw_path"))
    if wishes.wait_s and names_the_result(path):
        view = await run_in_threadpool(parts.service.project, project_id)
        await parts.wait_for(view.latest, wishes.wait_s)
    content = await run_in_threadpool(parts.files.read, project_id, path)
    etag = f'"{content.sha256}"'
    headers = {"ETag": etag} | ({"Preference-Applied": wishes.applied} if wishes.applied else {})
    if _matches(if_none_match, etag):
        return Response(status_code=304, headers=headers)
    body = FileOut(path=content.path, contents=content.contents, encoding=content.encoding)
    return Response(body.model_dump_json(), headers=headers, media_type="application/json")


def _matches(if_none_match: str | None, etag: str) -> bool:
    """Compare weakly, as RFC 9110 §13.1.2 asks for this header."""
    offered = [tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")]
    return "*" in offered or etag in offered
