"""Spans as lines of OTLP/JSON, and where in a trace they belong; it reads and writes no file.

A line is ``{"resourceSpans": [...]}`` with one resource and one span, the form of the OpenTelemetry file exporter: ids
in lower-case hex, enums as integers, 64-bit integers as strings. A line without ``endTimeUnixNano`` says that the span
has begun; one with it says everything about the span, and stands for both. Open is a span that has no such line.

Only attributes of the list get in, and of text only short words. So no instruction, file name or content can, whoever
notes it; what is left out is counted. Doubt: a secret that is itself a short word would pass if some code noted it.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from worker.contract import VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

Value = str | int | float | bool

LAYER: Final = "WORKER"
SERVICE: Final = "worker"

ALLOWED: Final = frozenset(
    (
        *("evidence.layer", "evidence.component", "evidence.operation", "evidence.trigger", "evidence.ordinal"),
        *("evidence.job.type", "evidence.job.engine", "evidence.attempt", "evidence.reference", "evidence.rule"),
        *("evidence.result.status", "evidence.errors", "evidence.sleep_seconds", "error.type"),
        *("evidence.files.seen", "evidence.files.written", "evidence.files.bytes"),
        *("evidence.files.created", "evidence.files.modified", "evidence.files.deleted"),
        *("evidence.dropped.spans", "evidence.dropped.lines"),
    )
)
MAX_TEXT_CHARS: Final = 64
OTHER: Final = "_OTHER"
"""An error whose name is no word; so spelt by the OpenTelemetry conventions for ``error.type``."""

KIND_INTERNAL: Final = 1
STATUS_OK: Final = 1
STATUS_ERROR: Final = 2
FLAGS: Final = 0x03
"""Sampled and random (W3C Trace Context Level 2)."""
PARENT_IS_KNOWN: Final = 0x100
PARENT_IS_REMOTE: Final = 0x200
"""Both of OTLP's span flags, above the eight of W3C."""

_LARGEST: Final = 1 << 63
# Sets instead of patterns, and a pattern compiled only when it is used, to keep the program's start short.
_LETTERS: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")
_TEXT: Final = _LETTERS | frozenset(". -")
_TRACEPARENT: Final = (
    "(?P<version>[0-9a-f]{2})-(?P<trace>[0-9a-f]{32})-(?P<span>[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})(?P<rest>-.*)?"
)


@dataclass(frozen=True, slots=True)
class Origin:
    """The place in a trace that a run continues from; ``parent_span_id`` is ``None`` when no usable one was named."""

    trace_id: str
    parent_span_id: str | None
    flags: int

    @classmethod
    def of_header(cls, traceparent: str) -> Origin | None:
        """Read a traceparent strictly; ``None`` means that it names no trace (W3C Trace Context §3.2).

        A valid trace id under an invalid version or parent id, or with something behind a version 00, still names the
        trace and no parent in it.
        """
        found = re.fullmatch(_TRACEPARENT, traceparent)
        if found is None or not int(found["trace"], 16):
            return None
        known = found["version"] != "ff" and (found["version"] != "00" or found["rest"] is None)
        if not known or not int(found["span"], 16):
            return cls(found["trace"], None, 0)
        return cls(found["trace"], found["span"], int(found["flags"], 16) & FLAGS)


@dataclass(slots=True)
class SpanRecord:
    """What is told of one span.

    Attributes:
        parent_span_id: ``None`` for the root of the run, whose parent is the origin's.
        end_ns: ``None`` while it is open.
        error_type: A code or the class of an exception; ``None`` when nothing went wrong so far.
    """

    span_id: str
    parent_span_id: str | None
    name: str
    start_ns: int
    end_ns: int | None = None
    error_type: str | None = None
    attributes: dict[str, Value] = field(default_factory=dict)


def line(span: SpanRecord, origin: Origin, *, instance: str) -> bytes:
    """Spell a span, open or ended, as one line with its newline; ``instance`` names the writing process."""
    resource = {"service.name": SERVICE, "service.version": VERSION, "service.instance.id": instance}
    document = {
        "resourceSpans": [
            {
                "resource": {"attributes": _key_values(resource)},
                "scopeSpans": [{"scope": {"name": SERVICE, "version": VERSION}, "spans": [_span(span, origin)]}],
            }
        ]
    }
    return json.dumps(document, separators=(",", ":")).encode("ascii") + b"\n"


def error_word(code: str) -> str:
    """What may be told of an error code such as ``missing:FILE``: the part before the colon, if it is a word."""
    word = code.partition(":")[0]
    return word if 0 < len(word) <= MAX_TEXT_CHARS and _LETTERS.issuperset(word) else OTHER


def _span(span: SpanRecord, origin: Origin) -> dict[str, Any]:
    parent = span.parent_span_id or origin.parent_span_id
    remote = parent is not None and span.parent_span_id is None
    attributes: dict[str, Value] = dict(span.attributes)
    if span.error_type is not None:
        attributes["error.type"] = error_word(span.error_type)
    kept = {name: value for name, value in attributes.items() if name in ALLOWED and _is_fit(value)}
    document: dict[str, Any] = {"traceId": origin.trace_id, "spanId": span.span_id}
    if parent is not None:
        document["parentSpanId"] = parent
    document |= {
        "flags": origin.flags | PARENT_IS_KNOWN | (PARENT_IS_REMOTE if remote else 0),
        "name": span.name,
        "kind": KIND_INTERNAL,
        "startTimeUnixNano": str(span.start_ns),
    }
    if span.end_ns is not None:
        document["endTimeUnixNano"] = str(span.end_ns)
        document["status"] = {"code": STATUS_OK if span.error_type is None else STATUS_ERROR}
    document["attributes"] = _key_values(kept)
    if dropped := len(attributes) - len(kept):
        document["droppedAttributesCount"] = dropped
    return document


def _is_fit(value: object) -> bool:
    if isinstance(value, str):
        return 0 < len(value) <= MAX_TEXT_CHARS and _TEXT.issuperset(value)
    if isinstance(value, int):
        return -_LARGEST <= value < _LARGEST
    return isinstance(value, float) and math.isfinite(value)


def _key_values(attributes: Mapping[str, Value]) -> list[dict[str, Any]]:
    return [{"key": name, "value": _any_value(value)} for name, value in attributes.items()]


def _any_value(value: Value) -> dict[str, Any]:
    # bool first, because it is a subclass of int.
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    return {"doubleValue": value} if isinstance(value, float) else {"stringValue": value}
