"""The answers of each kind of route besides its success, as the OpenAPI document lists them.

Each error has the envelope and a sentence that says when it is given. What holds for every route is added here, so that
no route can forget it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from backend.api.schemas import ErrorOut, InvalidOut

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi.routing import APIRoute

_WHEN: Final = {
    304: "The file still has the ETag that was sent",
    400: "The path or cursor can never be valid",
    401: "None of API_TOKENS was sent",
    404: "There is no such project, job, file or trace",
    409: "The request contradicts the present state",
    413: "A body or file is larger than its limit",
    422: "The body or a parameter is not valid",
    429: "The queue is full",
    500: "A fault of the server",
}

ETAG: Final = {"ETag": {"description": "strong tag of the file's bytes", "schema": {"type": "string"}}}
PREFERENCE_APPLIED: Final = {
    "Preference-Applied": {
        "description": "the preference that was followed; absent when none was",
        "required": False,
        "schema": {"type": "string", "pattern": "^(respond-async|wait=([0-9]|[1-5][0-9]|60))$"},
    }
}
_HEADERS: Final[Mapping[int, Mapping[str, Any]]] = {
    304: ETAG,
    401: {"WWW-Authenticate": {"required": True, "schema": {"type": "string", "enum": ["Bearer"]}}},
    # RFC 6585 §4 and RFC 9110 §10.2.3.
    429: {"Retry-After": {"description": "seconds", "required": True, "schema": {"type": "integer", "minimum": 1}}},
}

Answers = dict[int | str, dict[str, Any]]


def operation_id(route: APIRoute) -> str:
    """Name an operation after its function, so that the id outlives a change of prefix."""
    return route.name


def answers(*statuses: int) -> Answers:
    """Document the error answers of a route: the given ones and those that every route may give."""
    return {status: error_answer(status) for status in sorted({*statuses, 413, 500})}


def with_headers(*headers: Mapping[str, Any]) -> Answers:
    """Document the headers of a route's success."""
    return {200: {"headers": {name: header for given in headers for name, header in given.items()}}}


def error_answer(status: int) -> dict[str, Any]:
    """Document one error."""
    answer: dict[str, Any] = {"description": _WHEN[status]}
    if status != 304:  # noqa: PLR2004  # RFC 9110 §15.4.5: it has no body
        answer["model"] = InvalidOut if status == 422 else ErrorOut  # noqa: PLR2004
    if status in _HEADERS:
        answer["headers"] = dict(_HEADERS[status])
    return answer
