"""Ids of runs and traces: UUIDv7 (RFC 9562), made before anything else happens, so that a failure has one too.

48 bits of milliseconds come first, so that ids sort by start time; the other 74 are fresh and without a counter. The
doubt: two ids of one millisecond are in no order, and a clock that was set back makes a later id sort earlier.
"""

from __future__ import annotations

import re
import secrets
import time
import uuid
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_TIMED_ID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def new_id(*, now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000) -> str:
    """Make a UUIDv7 in its dashed form."""
    fresh = secrets.randbits(74)
    value = (now_ms() & (1 << 48) - 1) << 80
    value |= 0x7 << 76 | (fresh >> 62) << 64
    value |= 0b10 << 62 | fresh & ((1 << 62) - 1)
    return str(uuid.UUID(int=value))


def new_span_id() -> str:
    """Make the id of a span: 8 random bytes in hex, never all zero (W3C Trace Context §3.2.2.4)."""
    while True:
        if (span_id := secrets.token_hex(8)) != _NO_SPAN:
            return span_id


_NO_SPAN: Final = "0" * 16


def traceparent(trace_id: str, span_id: str) -> str:
    """The W3C header of a request that a span made; ``trace_id`` dashed, one of ours.

    Version 00; flags say sampled and, since the right-most 56 bits of our ids are random, also random (Level 2).
    """
    return f"00-{trace_id.replace('-', '')}-{span_id}-03"


def is_id(text: str) -> bool:
    """Whether a text is an id of ours, dashed and in lower case; asked before a path or a search is made from it."""
    return _TIMED_ID.fullmatch(text) is not None
