"""The span of one HTTP request: whose trace it continues, whether it is kept, and what it says.

A caller's trace context is continued when the caller may use the API at all (no tokens set: whoever reaches the port;
tokens set: their bearers). A stranger's becomes a link of a new trace, and one that breaks the standard is counted.
Probes and reads of traces are not kept, or they would fill the store with themselves; probes within a caller's own
trace are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from starlette.datastructures import Headers

from backend.api.envelope import METHODS
from backend.tracecontext import SpanContext, inbound, new_context
from backend.tracing.recorder import Opening
from backend.tracing.spans import Kind, Layer, Link, Place

if TYPE_CHECKING:
    from starlette.types import Scope

    from backend.tracing.open_span import OpenSpan
    from backend.tracing.recorder import Recorder

_PROBES: Final = ("/health", "/ready")
_OUTSIDE: Final = ("/metrics", "/docs", "/redoc", "/openapi.json")
_OTHER: Final = "other"
_CLIENT_ERROR: Final = 400
_SERVER_ERROR: Final = 500


@dataclass(frozen=True, slots=True)
class Arrival:
    """Where a request stands in which trace.

    Attributes:
        malformed: It came with a ``traceparent`` that breaks the standard.
        continued: It is part of its caller's trace.
    """

    context: SpanContext
    links: tuple[Link, ...] = ()
    malformed: bool = False
    continued: bool = False


def arrival(headers: Headers, *, admitted: bool) -> Arrival:
    """Decide which trace a request belongs to.

    Args:
        headers: As they came.
        admitted: Whether the caller may use the API.
    """
    given = inbound(headers)
    if given is None:
        return Arrival(new_context(), malformed="traceparent" in headers)
    if admitted:
        return Arrival(given, continued=True)
    assert given.parent_span_id is not None  # noqa: S101  # an inbound context has one
    return Arrival(new_context(), (Link(given.trace_id, given.parent_span_id, "unauthenticated"),))


def is_kept(path: str, prefix: str, *, continued: bool) -> bool:
    """Whether the span of a request to a path is stored."""
    inner = path.removeprefix(prefix)
    if inner == "/traces" or inner.startswith("/traces/") or inner.endswith("/trace"):
        return False
    return continued or not (inner in _PROBES or path.startswith(_OUTSIDE))


def begin(recorder: Recorder | None, scope: Scope, found: Arrival, *, prefix: str) -> OpenSpan | None:
    """Begin the span of a request; ``None`` when it is not kept."""
    if recorder is None:
        return None
    if found.malformed:
        recorder.lose("traceparent")
    if not is_kept(scope["path"], prefix, continued=found.continued):
        return None
    method = _method(scope)
    attributes = {"http.request.method": method, "url.path": scope["path"]}
    place = Place(method, Layer.HTTP, "api", method, "http", Kind.SERVER)
    return recorder.open(place, opening=Opening(attributes, found.links, found.context))


def end(span: OpenSpan | None, scope: Scope, status: int, *, prefix: str) -> None:
    """End the span of a request; a status of 0 means that no answer was given."""
    if span is None:
        return
    route = getattr(scope.get("route"), "path", "unmatched")
    if route.startswith("/") and scope["path"].startswith(f"{prefix}/"):
        # The framework tells the route as its router knows it.
        route = prefix + route.removeprefix(prefix)
    span.rename(f"{_method(scope)} {route}")
    span.set({"http.route": route} | ({"http.response.status_code": status} if status else {}))
    if status >= _SERVER_ERROR:
        span.fail(str(status))
    elif 0 < status < _CLIENT_ERROR:
        # What a caller did wrong is no error of the server, and no success either (OpenTelemetry, HTTP spans).
        span.succeed()
    span.end()


def _method(scope: Scope) -> str:
    # A caller may make up a method, and what callers make up is no name.
    return scope["method"] if scope["method"] in METHODS else _OTHER
