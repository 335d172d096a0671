"""Trace ids and W3C trace context: one id from the request to the container.

A trace id is a UUIDv7 (RFC 9562): 48 bits of milliseconds, then 74 fresh random bits without a counter, so that the
right-most 56 bits are random, as the W3C Level 2 random flag promises. Its 128 bits are also a valid W3C trace-id.
An inbound context that obeys the standard is continued; one that does not is ignored, never an error.
"""

from __future__ import annotations

import re
import secrets
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from worker.contract import TraceContext, dashed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SAMPLED = 0x01
RANDOM = 0x02

# Version ff is forbidden; a later version may carry more behind the flags (W3C Trace Context §3.2).
_TRACEPARENT = re.compile(
    r"(?P<version>[0-9a-f]{2})-(?P<trace>[0-9a-f]{32})-(?P<span>[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})(?P<rest>-.*)?"
)
_MAX_STATE_CHARS = 512
_MAX_BAGGAGE_CHARS = 8192
_PRINTABLE = re.compile(r"[\x20-\x7e]*")


def new_trace_id(*, now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000) -> str:
    """Make a UUIDv7 as 32 lower-case hex digits."""
    random_bits = secrets.randbits(74)
    value = (now_ms() & (1 << 48) - 1) << 80
    value |= 0x7 << 76 | (random_bits >> 62) << 64
    value |= 0b10 << 62 | random_bits & ((1 << 62) - 1)
    return f"{value:032x}"


def new_span_id() -> str:
    """Make 8 random bytes, never zero, as 16 hex digits."""
    return f"{secrets.randbelow((1 << 64) - 1) + 1:016x}"


@dataclass(frozen=True, slots=True)
class SpanContext:
    """A place in a trace: the ids of the current span, and what travels along with them."""

    trace_id: str
    span_id: str
    flags: int
    parent_span_id: str | None = None
    tracestate: str | None = None
    baggage: str | None = None

    @property
    def correlation_id(self) -> str:
        """The trace id in its dashed form, as API answers and files show it."""
        return dashed(self.trace_id)

    @property
    def traceparent(self) -> str:
        """The header value for whoever is called next."""
        return f"00-{self.trace_id}-{self.span_id}-{self.flags:02x}"

    def child(self) -> SpanContext:
        """Open a span below this one."""
        return replace(self, span_id=new_span_id(), parent_span_id=self.span_id)

    def carrier(self) -> TraceContext:
        """The header values for a worker."""
        return TraceContext(self.traceparent, self.tracestate, self.baggage)


def new_context() -> SpanContext:
    """Start a trace of our own."""
    return SpanContext(new_trace_id(), new_span_id(), SAMPLED | RANDOM)


def parse_traceparent(text: str) -> tuple[str, str, int]:
    """Take apart a traceparent of our own: trace id, span id, flags."""
    _, trace_id, span_id, flags = text.split("-")
    return trace_id, span_id, int(flags, 16)


def from_headers(headers: Mapping[str, str]) -> SpanContext:
    """Continue the caller's trace, or start one when ``traceparent`` is missing or malformed.

    Args:
        headers: Case-insensitive mapping of request headers.
    """
    return inbound(headers) or new_context()


def inbound(headers: Mapping[str, str]) -> SpanContext | None:
    """A span below the caller's; ``None`` when ``traceparent`` is missing or malformed."""
    found = _TRACEPARENT.fullmatch(headers.get("traceparent", "").strip())
    if found is None or not _valid(found):
        return None
    return SpanContext(
        trace_id=found["trace"],
        span_id=new_span_id(),
        flags=int(found["flags"], 16) & (SAMPLED | RANDOM),
        parent_span_id=found["span"],
        tracestate=_bounded(headers.get("tracestate"), _MAX_STATE_CHARS),
        baggage=_bounded(headers.get("baggage"), _MAX_BAGGAGE_CHARS),
    )


def _valid(found: re.Match[str]) -> bool:
    nonzero = int(found["trace"], 16) and int(found["span"], 16)
    known = found["version"] != "ff" and (found["version"] != "00" or found["rest"] is None)
    return bool(nonzero and known)


def _bounded(value: str | None, limit: int) -> str | None:
    # Both become environment variables of a container, where a control character could break a line.
    if not value or len(value) > limit or not _PRINTABLE.fullmatch(value):
        return None
    return value
