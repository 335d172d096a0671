"""What surrounds every route, from the outside in: CORS, request span with log and metrics, tokens, the body limit.

All are plain ASGI wrappers, so that an answer is never buffered and a fault below still gets its envelope, its log line
and its CORS headers. The framework's own body limit stands outside all of these and answers in plain text, so ours
takes its place.
"""

from __future__ import annotations

import hmac
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog
from fastapi.middleware.cors import CORSMiddleware
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import Response

from backend.api import request_trace
from backend.api.envelope import METHODS, error_response
from backend.api.span import SPAN_KEY, current_span
from backend.tracecontext import new_context
from backend.tracing.current import inside

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pydantic import SecretStr
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from backend.metrics import Metrics
    from backend.tracing.open_span import OpenSpan
    from backend.tracing.recorder import Recorder

log = structlog.get_logger(__name__)

ADMITTED_KEY: Final = "ladder.admitted"
"""Whether the caller may use the API; decided once, where the request's span begins."""

_CLIENT_ERROR: Final = 400
_SERVER_ERROR: Final = 500


class EnvelopeCORSMiddleware(CORSMiddleware):
    """Starlette's CORS, whose refusals speak the envelope too."""

    def preflight_response(self, request_headers: Headers) -> Response:
        """Answer a preflight; a refused one is 400 and allows no origin."""
        response = super().preflight_response(request_headers)
        if response.status_code < _CLIENT_ERROR:
            return response
        # A browser's preflight carries no credentials, so it continues nobody's trace.
        context = new_context()
        detail = bytes(response.body).decode()
        refused = error_response(response.status_code, detail=detail, correlation_id=context.correlation_id)
        refused.headers["Vary"] = "Origin"
        return refused


class RequestSpanMiddleware:
    """Opens a span for each request, turns an escaped exception into a 500, writes one log line and one metric."""

    def __init__(self, app: ASGIApp, metrics: Metrics, bearers: Bearers, trace: RequestTracing) -> None:
        self.app = app
        self._metrics = metrics
        self._bearers = bearers
        self._trace = trace

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        span, context = self._begin(scope), scope[SPAN_KEY]
        begun = time.monotonic()
        status = 0

        async def note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with inside(context):
            try:
                await self.app(scope, receive, note_status)
            except Exception:
                log.exception("http.failed")
                if status:
                    raise
                response = error_response(_SERVER_ERROR, detail=None, correlation_id=context.correlation_id)
                await response(scope, receive, note_status)
            finally:
                request_trace.end(span, scope, status, prefix=self._trace.prefix)
            self._note(scope, status, duration_s=time.monotonic() - begun)
        return None

    def _begin(self, scope: Scope) -> OpenSpan | None:
        admitted = scope[ADMITTED_KEY] = self._bearers.admit(scope)
        found = request_trace.arrival(Headers(scope=scope), admitted=admitted)
        scope[SPAN_KEY] = found.context
        return request_trace.begin(self._trace.recorder(), scope, found, prefix=self._trace.prefix)

    def _note(self, scope: Scope, status: int, *, duration_s: float) -> None:
        route = getattr(scope.get("route"), "path", "unmatched")
        # A caller may make up a method, and what callers make up is no label.
        method = scope["method"] if scope["method"] in METHODS else "other"
        self._metrics.request_ended(method, route, status=status, duration_s=duration_s)
        emit = log.error if status >= _SERVER_ERROR else log.warning if status >= _CLIENT_ERROR else log.info
        emit(
            "http.request",
            method=scope["method"],
            route=route,
            path=scope["path"][:300],
            status=status,
            duration_ms=round(duration_s * 1000, 3),
        )


@dataclass(frozen=True, slots=True)
class RequestTracing:
    """What the spans of requests need.

    Attributes:
        recorder: Gives the recorder, once the backend was put together.
        prefix: What routes begin with.
    """

    recorder: Callable[[], Recorder | None]
    prefix: str


class Bearers:
    """Knows who may use the API: everybody without tokens, and else who carries one."""

    def __init__(self, tokens: Sequence[SecretStr]) -> None:
        self._tokens = [token.get_secret_value().encode() for token in tokens]

    def admit(self, scope: Scope) -> bool:
        """Whether the caller may use the API."""
        return not self._tokens or self._knows(scope)

    def _knows(self, scope: Scope) -> bool:
        scheme, _, token = Headers(scope=scope).get("authorization", "").partition(" ")
        offered = token.strip().encode("latin-1")
        # Every token is compared, so that the time tells neither which one matched nor how far.
        matches = [hmac.compare_digest(offered, known) for known in self._tokens]
        return scheme.lower() == "bearer" and any(matches)


class TokenMiddleware:
    """Lets only those pass who were found to be admitted; /health is open to probes that carry no token."""

    def __init__(self, app: ASGIApp, open_path: str) -> None:
        self.app = app
        self._open_path = open_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["path"] == self._open_path or scope[ADMITTED_KEY]:
            return await self.app(scope, receive, send)
        response = error_response(
            401,
            detail="Missing or unknown bearer token",
            correlation_id=_correlation_id(scope),
            headers={"WWW-Authenticate": "Bearer"},
        )
        return await response(scope, receive, send)


class BodyLimitMiddleware:
    """Refuses bodies over MAX_BODY_BYTES with 413, whether or not the route would have read them."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self.app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        headers = Headers(scope=scope)
        size, replay = int(headers.get("content-length", "0")), receive
        if "transfer-encoding" in headers:
            # A body of unknown length is taken in first, at most the limit: its route may never look at it.
            size, replay = await self._take_in(receive)
        if size <= self._max_bytes:
            return await self.app(scope, replay, send)
        detail = f"The request body is larger than {self._max_bytes} bytes"
        return await error_response(413, detail=detail, correlation_id=_correlation_id(scope))(scope, receive, send)

    async def _take_in(self, receive: Receive) -> tuple[int, Receive]:
        taken: list[Message] = []
        size, more = 0, True
        while more and size <= self._max_bytes:
            message = await receive()
            taken.append(message)
            size += len(message.get("body", b""))
            more = message.get("more_body", False)
        messages = iter(taken)

        async def replay() -> Message:
            return next(messages, None) or await receive()

        return size, replay


def _correlation_id(scope: Scope) -> str:
    return current_span(HTTPConnection(scope)).correlation_id
