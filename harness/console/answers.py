"""Pages, documents and refusals as HTTP answers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import HTMLResponse, Response, StreamingResponse

from harness.console.guard import FILE_POLICY
from harness.console.rendering import Page, drawn
from harness.evidence.records import to_document

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from harness.console.export import Export
    from harness.console.file_page import Artifact
    from harness.console.refusals import Refusal
    from harness.console.rendering import Json

JSON: Final = "application/json"

_KEPT: Final = "private, max-age=60, immutable"
_NOT_MODIFIED: Final = 304


def html(page: Page) -> Response:
    """A page for people."""
    return HTMLResponse(drawn(page).encode("utf-8", "backslashreplace"), page.status)


def document(told: Json, status: int = 200) -> Response:
    """The same for programs."""
    return Response(spelt(told), status, media_type=JSON)


def spelt(told: Any) -> bytes:  # noqa: ANN401  # JSON values
    """A document as JSON; numbers that it does not know are texts, as they are in records."""
    try:
        body = json.dumps(told, ensure_ascii=False, indent=1, allow_nan=False)
    except ValueError:
        body = json.dumps(to_document(told), ensure_ascii=False, indent=1)
    return f"{body}\n".encode("utf-8", "backslashreplace")


def data(request: Request, body: bytes, digest: str) -> Response:
    """A body that is known by its digest; one that the caller has already is not sent again."""
    if not digest:
        return Response(body, media_type=JSON)
    headers = {"etag": f'"{digest}"', "cache-control": _KEPT}
    if f'"{digest}"' in request.headers.get("if-none-match", ""):
        return Response(status_code=_NOT_MODIFIED, headers=headers)
    return Response(body, media_type=JSON, headers=headers)


def refused(path: str, refusal: Refusal, headers: Mapping[str, str] | None = None) -> Response:
    """A refusal in the form that the address asks for."""
    if path.endswith(".json") or path.startswith("/evidence/api"):
        answer = document(refusal.document(), refusal.status)
    else:
        told = {**refusal.document()["error"], "status": refusal.status}
        answer = html(Page("error", f"{refusal.status}", told, "/", status=refusal.status))
    answer.headers.update(headers or {})
    return answer


def saved(found: Export) -> Response:
    """A whole page as a file, under the policy that stands in it as well."""
    headers = {
        "content-security-policy": f"{found.policy}; frame-ancestors 'none'",
        "content-disposition": f'inline; filename="{found.name}"',
    }
    return HTMLResponse(found.text.encode("utf-8", "backslashreplace"), headers=headers)


def file(found: Artifact, *, is_download: bool) -> Response:
    """An artifact as it is, piece by piece: text or a download, whatever its name says.

    Raises:
        EvidenceError: ``artifact-unreadable``.
    """
    seen = found.seen()
    headers = {
        "content-security-policy": FILE_POLICY,
        "x-frame-options": "SAMEORIGIN",
        "etag": f'"{seen.sha256}"',
        "x-sha256": seen.sha256,
        "content-length": str(seen.size),
    }
    kind = "text/plain; charset=utf-8"
    if is_download or seen.is_binary:
        kind = "application/octet-stream"
        # Names of artifacts are plain (letters, digits and _.+=,@-), so they need no quoting of their own.
        headers["content-disposition"] = f'attachment; filename="{found.name}"'
    return StreamingResponse(found.pieces(), headers={**headers, "content-type": kind})
