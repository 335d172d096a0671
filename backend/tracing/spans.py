"""Spans, links and point events as they are recorded (trace model §2): plain values, closed words, no I/O.

A span is recorded twice: when it begins, without an end, and when it ended. So what was running when a process was
killed is known. Its two times are wall clock, for display; its duration is measured by a monotonic clock and may
disagree with them when the wall clock was set.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from worker.contract import dashed

if TYPE_CHECKING:
    from collections.abc import Mapping

Scalar = str | int | float | bool | None
"""What an attribute may be; lists are joined before they get here."""

HEX_TRACE: Final = r"[0-9a-f]{32}"
HEX_SPAN: Final = r"[0-9a-f]{16}"

UUID7: Final = "uuid7"
OPAQUE: Final = "opaque"


class Layer(StrEnum):
    """The part of the system that a span belongs to, in the plan's order L1 to L7."""

    TEST = "TEST"
    HTTP = "HTTP"
    APP = "APP"
    RUNNER = "RUNNER"
    WORKER = "WORKER"
    AGENT = "AGENT"
    DB = "DB"


class Kind(StrEnum):
    """Relation to the other side (OpenTelemetry span kind)."""

    INTERNAL = "INTERNAL"
    CLIENT = "CLIENT"
    SERVER = "SERVER"


class Status(StrEnum):
    """How a span ended; an outcome that is not known is UNSET and never OK."""

    UNSET = "UNSET"
    OK = "OK"
    ERROR = "ERROR"


@dataclass(frozen=True, slots=True)
class Link:
    """A span that this one belongs to without being its child.

    Attributes:
        reason: Why the trace was not continued, such as ``unauthenticated``.
    """

    trace_id: str
    span_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Place:
    """Which part of the code a span stands for.

    Attributes:
        name: Of low cardinality; ids belong into attributes.
        component: The code part, such as ``dispatcher``.
        operation: What it does.
        trigger: What set it off: the parent's operation.
    """

    name: str
    layer: Layer
    component: str
    operation: str
    trigger: str = ""
    kind: Kind = Kind.INTERNAL


@dataclass(frozen=True, slots=True)
class Span:
    """One span as it is stored.

    Attributes:
        trace_id: 32 lower-case hex digits, as on the wire.
        span_id: 16 lower-case hex digits.
        start_ns: Wall clock, nanoseconds since 1970.
        end_ns: ``None`` while it is open, or when its end was never seen.
        duration_ns: By the monotonic clock; ``None`` where only the wall clock spans a restart.
        error_type: Exception class or failure kind, never free text.
        ordinal: Index among the parent's sequential children; ``None`` when the parent is in another process.
        concurrent: It ran side by side with another child of its parent.
        service: ``backend`` or ``worker``.
        instance: The writing process.
        dropped_counts: What limits cut off, by kind.
        incomplete: Its end was never seen, and never will be.
    """

    trace_id: str
    span_id: str
    parent_span_id: str | None
    place: Place
    start_ns: int
    end_ns: int | None = None
    duration_ns: int | None = None
    status: Status = Status.UNSET
    error_type: str | None = None
    attributes: Mapping[str, Scalar] = field(default_factory=dict)
    links: tuple[Link, ...] = ()
    ordinal: int | None = None
    concurrent: bool = False
    service: str = "backend"
    instance: str = ""
    dropped_counts: Mapping[str, int] = field(default_factory=dict)
    incomplete: bool = False


@dataclass(frozen=True, slots=True)
class EventRecord:
    """A point in time within a span, kept as a log record (trace model §2).

    Attributes:
        seq: Counts the events of one process from 1.
    """

    trace_id: str
    span_id: str
    name: str
    time_ns: int
    seq: int
    instance: str
    attributes: Mapping[str, Scalar] = field(default_factory=dict)


def undashed(trace_id: str) -> str:
    """The form on the wire of a trace id in either form."""
    return trace_id.replace("-", "")


def id_format(trace_id: str) -> str:
    """Whether an id is a UUIDv7 (RFC 9562 §5.7) or some other generator's."""
    return UUID7 if trace_id[12] == "7" and trace_id[16] in "89ab" else OPAQUE


def shown(trace_id: str) -> str:
    """The form of API and files."""
    return dashed(trace_id)
