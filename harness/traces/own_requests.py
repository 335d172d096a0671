"""The judge's requests as spans: one for each exchange and for each attempt of a poll."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from harness.evidence.exchanges import Purpose
from harness.traces.instants import nanoseconds
from harness.traces.records import Kind, Layer, Span, SpanStatus
from harness.traces.span_tree import LONGEST_TEXT, MAX_SPANS, SpanTree

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.evidence.events import ExchangeMade, PollAttempted
    from harness.traces.instants import Timeline

ATTEMPT: Final = "evidence.poll.attempt"

_FIRST_ERROR: Final = 400
_UNKNOWN_ERROR: Final = "_OTHER"
"""What the semantic conventions say where a failure has no name."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What an exchange and an attempt have in common; times are of the log's clock."""

    span_id: str
    method: str
    path: str
    purpose: str
    status: int | None
    error: str
    began_t: float
    duration_s: float
    more: Mapping[str, Any] = field(default_factory=dict)


def exchange_span(made: ExchangeMade, parent_id: str, line: Timeline) -> Span:
    """The span of a request that has been answered, or has failed."""
    sent, answer = made.sent, made.answer
    asked = _Asked(
        span_id=made.span_id,
        method=sent.method,
        path=sent.path,
        purpose=made.purpose,
        status=answer.status,
        error=answer.error,
        began_t=made.began_t,
        duration_s=answer.duration_s,
    )
    return _span(asked, parent_id, line)


def _attempt_span(attempted: PollAttempted, parent_id: str, line: Timeline, *, method: str, path: str) -> Span:
    asked = _Asked(
        span_id=attempted.span_id,
        method=method,
        path=path,
        purpose=Purpose.POLL,
        status=attempted.status,
        error=attempted.error,
        began_t=attempted.began_t,
        duration_s=attempted.duration_s,
        more={
            ATTEMPT: attempted.attempt,
            "evidence.poll.why_not_ready": attempted.why_not_ready[:LONGEST_TEXT],
        },
    )
    return _span(asked, parent_id, line)


def _span(asked: _Asked, parent_id: str, line: Timeline) -> Span:
    began_ns, duration_ns = line.ns(asked.began_t), max(0, nanoseconds(asked.duration_s))
    status, error_type = _end(asked.status, asked.error)
    told = {
        "http.request.method": asked.method,
        "url.path": asked.path.partition("?")[0] or None,
        "http.response.status_code": asked.status,
        "evidence.purpose": str(asked.purpose),
    }
    return Span(
        span_id=asked.span_id,
        parent_span_id=parent_id,
        name=asked.method,
        kind=Kind.CLIENT,
        layer=Layer.HTTP,
        component="client",
        operation=asked.method,
        trigger="",
        start_ns=began_ns,
        end_ns=began_ns + duration_ns,
        duration_ns=duration_ns,
        status=status,
        error_type=error_type,
        attributes={name: value for name, value in told.items() if value is not None} | dict(asked.more),
    )


def _end(status: int | None, error: str) -> tuple[SpanStatus, str | None]:
    """Of a client's span (semantic conventions for HTTP): 4xx and 5xx are errors, named by their code."""
    if error or status is None:
        return SpanStatus.ERROR, error or _UNKNOWN_ERROR
    return (SpanStatus.ERROR, str(status)) if status >= _FIRST_ERROR else (SpanStatus.OK, None)


class Attempts:
    """The attempts of a poll under way; its method and path are known when its last answer is recorded."""

    def __init__(self, tree: SpanTree, line: Timeline) -> None:
        self._tree, self._line = tree, line
        self._parent_id = ""
        self._held: list[PollAttempted] = []

    def take(self, attempted: PollAttempted, parent_id: str) -> None:
        """Hold an attempt back."""
        if not attempted.span_id:
            return
        self._parent_id = parent_id
        if len(self._held) < MAX_SPANS:
            self._held.append(attempted)
        else:
            self._tree.drop("spans")

    def settle(self, made: ExchangeMade) -> bool:
        """Let them go with the method and path of their exchange; returns whether that was one of them."""
        is_one = any(held.span_id == made.span_id for held in self._held)
        self.let_go(made.sent.method, made.sent.path)
        return is_one

    def let_go(self, method: str = "GET", path: str = "") -> None:
        """Let them go; when their exchange never came, nobody knows what was asked for."""
        for held in self._held:
            self._tree.add(_attempt_span(held, self._parent_id, self._line, method=method, path=path))
        self._held.clear()
