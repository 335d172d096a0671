"""The one error envelope: every 4xx and 5xx answer is ``{error, message, code, detail?, correlation_id}``.

What a caller sent may be echoed in ``detail`` of a 422, so it is made safe first: bounded, and free of anything that
JSON or UTF-8 cannot carry. A 5xx says nothing about its cause; the log does, under the same correlation id.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import Match

from backend.api.span import current_span
from backend.errors import ApiError, QueueFullError, UnauthorizedError
from backend.workspace.errors import FileMissingError, FileTooLargeError, InvalidPathError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.types import Scope

_WORDS: Final = {
    400: ("bad_request", "Bad request"),
    401: ("unauthorized", "Unauthorized"),
    403: ("forbidden", "Forbidden"),
    404: ("not_found", "Not found"),
    409: ("conflict", "Conflict"),
    422: ("validation_error", "Validation failed"),
}
_OTHER_CLIENT_ERROR: Final = ("http_error", "HTTP error")
_SERVER_ERROR: Final = ("internal_error", "Internal server error")
_FIRST_SERVER_ERROR: Final = 500

METHODS: Final = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
"""Every method that a route could have."""

_MAX_ECHO_CHARS: Final = 200
_MAX_ECHO_ITEMS: Final = 20
_MAX_DETAILS: Final = 50


def error_response(
    status: int, *, detail: object, correlation_id: str, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """Answer with the envelope for a status."""
    return JSONResponse(error_body(status, detail=detail, correlation_id=correlation_id), status, dict(headers or {}))


def error_body(status: int, *, detail: object, correlation_id: str) -> dict[str, Any]:
    """Build the envelope; a 5xx carries no detail."""
    server = status >= _FIRST_SERVER_ERROR
    error, message = _SERVER_ERROR if server else _WORDS.get(status, _OTHER_CLIENT_ERROR)
    body: dict[str, Any] = {"error": error, "message": message, "code": status}
    if detail is not None and not server:
        body["detail"] = detail
    return body | {"correlation_id": correlation_id}


def install(app: FastAPI) -> None:
    """Answer every error of the application with the envelope."""
    app.add_exception_handler(ApiError, _on_api_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(InvalidPathError, _on_invalid_path)
    app.add_exception_handler(FileMissingError, _on_missing_file)
    app.add_exception_handler(FileTooLargeError, _on_large_file)


async def _on_api_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ApiError)  # noqa: S101  # registered for this class
    headers = {}
    if isinstance(error, QueueFullError):
        headers["Retry-After"] = str(error.retry_after_s)
    if isinstance(error, UnauthorizedError):
        headers["WWW-Authenticate"] = "Bearer"
    return _answer(request, error.status, detail=str(error), headers=headers)


async def _on_invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101  # registered for this class
    return _answer(request, 422, detail=[_fault(fault) for fault in list(error.errors())[:_MAX_DETAILS]])


async def _on_http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101  # registered for this class
    headers = dict(error.headers or {})
    if error.status_code == 405:  # noqa: PLR2004  # RFC 9110 §15.5.6
        headers["Allow"] = ", ".join(_allowed_methods(request))
    return _answer(request, error.status_code, detail=error.detail, headers=headers)


async def _on_invalid_path(request: Request, error: Exception) -> JSONResponse:
    del error
    return _answer(request, 400, detail="Invalid path")


async def _on_missing_file(request: Request, error: Exception) -> JSONResponse:
    del error
    return _answer(request, 404, detail="File not found")


async def _on_large_file(request: Request, error: Exception) -> JSONResponse:
    del error
    return _answer(request, 413, detail="File too large")


def _answer(request: Request, status: int, *, detail: object, headers: Mapping[str, str] | None = None) -> JSONResponse:
    return error_response(status, detail=detail, correlation_id=current_span(request).correlation_id, headers=headers)


def _allowed_methods(request: Request) -> Sequence[str]:
    # Asked of the routes themselves: the router knows only the methods of the first one that has this path.
    routes = request.app.router.routes

    def has_route(method: str) -> bool:
        scope: Scope = {**request.scope, "method": method}
        return any(route.matches(scope)[0] is Match.FULL for route in routes)

    return [method for method in METHODS if has_route(method)]


def _fault(fault: Mapping[str, Any]) -> dict[str, Any]:
    shown = {"type": str(fault["type"]), "loc": [_echo(part) for part in fault["loc"]], "msg": _echo(fault["msg"])}
    if "input" in fault:
        shown["input"] = _echo(fault["input"])
    if fault.get("ctx"):
        shown["ctx"] = {str(key): _echo(value) for key, value in fault["ctx"].items()}
    return shown


def _echo(value: object) -> Any:  # noqa: ANN401  # a JSON value
    if value is None or (isinstance(value, bool | int) and abs(value) < 1 << 53):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, dict):
        return {str(_echo(str(key))): _echo_leaf(item) for key, item in list(value.items())[:_MAX_ECHO_ITEMS]}
    if isinstance(value, list | tuple):
        return [_echo_leaf(item) for item in value[:_MAX_ECHO_ITEMS]]
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)[: 2 * _MAX_ECHO_CHARS]
    clean = text.encode("utf-8", "replace").decode()
    return clean if len(clean) <= _MAX_ECHO_CHARS else clean[:_MAX_ECHO_CHARS] + "…"


def _echo_leaf(value: object) -> Any:  # noqa: ANN401  # a JSON value
    return _echo(value) if not isinstance(value, dict | list | tuple) else f"<{type(value).__name__}>"
