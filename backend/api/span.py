"""The span of the request that is being answered, kept in its ASGI scope."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from backend.tracecontext import SpanContext, new_context

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

SPAN_KEY: Final = "ladder.span"


def current_span(request: HTTPConnection) -> SpanContext:
    """The request's span; a fresh one only where a request never passed the middleware."""
    span = request.scope.get(SPAN_KEY)
    return span if isinstance(span, SpanContext) else new_context()
