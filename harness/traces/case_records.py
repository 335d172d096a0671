"""The parts of a case: what was sent, got, asserted, called and written, each with what its JSON Schema demands of it.

The keywords beside a type say what a type cannot; the codec leaves them alone, and ``case_schema`` takes them over.
"""

# Annotations are read at run time by the codec, so they are not deferred here.
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Final

from harness.evidence.exchanges import Purpose
from harness.judging.results import Outcome as CheckOutcome
from harness.language.model import Severity
from harness.traces.records import Layer, Op, Outcome

COUNT: Final = {"minimum": 0}
PLACE: Final = {"minimum": 1}
TEXT: Final = {"minLength": 1}
UTC: Final = {"pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z$", "maxLength": 27}
HEX_64: Final = {"pattern": "^([0-9a-f]{64})?$", "maxLength": 64}
SPAN_ID: Final = {"pattern": "^([0-9a-f]{16})?$", "maxLength": 16}
METHOD: Final = {"pattern": "^[A-Z]*$"}
UNIQUE: Final = {"uniqueItems": True}


class Status(StrEnum):
    """How a case ended."""

    PASS = "PASS"  # noqa: S105  # a status, no password
    FAIL = "FAIL"
    SKIPPED = "SKIPPED"
    XFAIL = "XFAIL"
    ERROR = "ERROR"


class Stage(StrEnum):
    """What did the work that the case looked at."""

    WIRING = "1.1"
    """No job's result was seen."""
    STAND_IN = "1.2"
    """The engines ``dummy`` or ``template``."""
    REAL = "2"
    """Any other engine."""


class StepState(StrEnum):
    """``status`` of an event; an outcome that is not known is INCOMPLETE and never PASS."""

    STARTED = "STARTED"
    PASS = "PASS"  # noqa: S105  # a state, no password
    FAIL = "FAIL"
    ERROR = "ERROR"
    BLOCKED = "BLOCKED"
    INCOMPLETE = "INCOMPLETE"


_OPTIONAL_TEXT: Final[Mapping[str, Any]] = {"anyOf": [{"type": "string"}, {"type": "null"}]}
_MS: Final[Mapping[str, Any]] = {"anyOf": [{"type": "number", "minimum": 0}, {"type": "null"}]}

_IDS: Final[Mapping[str, Any]] = {
    "span_id": {"type": "string", "pattern": "^[0-9a-f]{16}$"},
    "parent_span_id": {"anyOf": [{"type": "string", "pattern": "^[0-9a-f]{16}$"}, {"type": "null"}]},
}


def _exactly(**more: Mapping[str, Any]) -> dict[str, Any]:
    properties = {**_IDS, **more}
    return {"properties": properties, "required": sorted(properties), "additionalProperties": False}


EVENT_DETAIL: Final = {
    "oneOf": [
        {"title": "start, or a point event", **_exactly()},
        {"title": "end", **_exactly(duration_ms=_MS, error_type=_OPTIONAL_TEXT)},
        {"title": "database write", **_exactly(error_type=_OPTIONAL_TEXT, write_seq={"type": "integer", "minimum": 1})},
    ],
}
WRITE_DETAIL: Final = {
    "properties": {
        "outcome": {"enum": [word.value for word in Outcome]},
        "rows_source": {"type": "string"},
        "duration_ms": _MS,
        "txn_id": {"type": "string"},
        "span_id": {"type": "string", "pattern": "^[0-9a-f]{16}$"},
        "event_seq": {"type": "integer", "minimum": 1},
        "error_type": _OPTIONAL_TEXT,
        "sqlstate": _OPTIONAL_TEXT,
    },
    "required": ["outcome", "rows_source", "duration_ms", "txn_id", "span_id", "event_seq", "error_type", "sqlstate"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class TraceEvent:
    """One event of ``execution_trace`` (trace model §8.1)."""

    seq: Annotated[int, PLACE]
    ts_utc: Annotated[str, UTC]
    event_type: str
    layer: Layer
    component: str
    operation: str
    trigger: str
    status: StepState
    detail: Annotated[Mapping[str, Any], EVENT_DETAIL]


@dataclass(frozen=True, slots=True)
class WriteRow:
    """One row of ``db_writes`` (trace model §8.2)."""

    seq: Annotated[int, PLACE]
    ts_utc: Annotated[str, UTC]
    layer: Annotated[Layer, {"enum": [Layer.DB.value]}]
    component: str
    operation: str
    table: str | None
    sql_op: Op | None
    rowcount: Annotated[int | None, COUNT]
    statement_fingerprint: Annotated[str | None, {"pattern": "^v[1-9][0-9]*:[0-9a-f]{64}$"}]
    success: bool
    detail: Annotated[Mapping[str, Any], WRITE_DETAIL]


@dataclass(frozen=True, slots=True)
class SentInput:
    """What a step sent; the body as it left, redacted, empty when there was none."""

    step: str
    method: Annotated[str, METHOD]
    path: str
    body: str


@dataclass(frozen=True, slots=True)
class ReceivedOutput:
    """What a step got.

    Attributes:
        status: HTTP status; ``None`` when no answer came, then ``error`` says why.
        body: As received, redacted, its first 2,000 characters.
        body_chars: How many it had.
    """

    step: str
    status: int | None
    body: str
    body_chars: Annotated[int, COUNT]
    error: str


@dataclass(frozen=True, slots=True)
class Assertion:
    """One check of the scenario, as it was judged; what is checked while cleaning up asserts nothing."""

    step: str
    text: str
    place: str
    severity: Severity
    outcome: CheckOutcome
    path: str
    wanted: str
    got: str


@dataclass(frozen=True, slots=True)
class ApiCall:
    """One request of the scenario, attempts of polls included.

    Attributes:
        event: ``seq`` of its line in ``events.jsonl``.
        error: Class of the transport's failure; empty when an answer came.
    """

    step: str
    purpose: Purpose
    method: Annotated[str, METHOD]
    path: str
    status: int | None
    duration_ms: Annotated[float, COUNT]
    span_id: Annotated[str, SPAN_ID]
    event: Annotated[int, PLACE]
    error: str
