"""The error answers of each kind of route, as the OpenAPI document lists them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from backend.api.schemas import ErrorOut

if TYPE_CHECKING:
    from collections.abc import Mapping

_WHEN: Final = {
    304: "The file still has the ETag that was sent",
    400: "The path or cursor can never be valid",
    401: "Tokens are configured and none of them was sent",
    404: "There is no such project, job or file",
    409: "The request contradicts the present state",
    413: "A body or file is larger than its limit",
    422: "The body or a parameter is not valid",
    429: "The queue is full",
    500: "A fault of the server",
    503: "Jobs cannot be run now",
}


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Document the error answers of a route: the given ones and those that every route may give."""
    return {status: _answer(status) for status in sorted({*statuses, 401, 500})}


def _answer(status: int) -> dict[str, Any]:
    if status == 304:  # noqa: PLR2004  # RFC 9110 §15.4.5: it has no body
        return {"description": _WHEN[status]}
    answer: dict[str, Any] = {"model": ErrorOut, "description": _WHEN[status]}
    headers = _headers(status)
    return answer | ({"headers": headers} if headers else {})


def _headers(status: int) -> Mapping[str, Any]:
    if status == 429:  # noqa: PLR2004  # RFC 6585 §4
        return {"Retry-After": {"description": "seconds", "schema": {"type": "integer"}}}
    return {}
