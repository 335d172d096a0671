"""The two lists of a case, derived from its trace in one pass: what happened, and what was written (§8.1 and §8.2).

Both count with one counter, and each write stands in both: in the first as ``db.write``, in the second as a row; each
names the other. The end of a span whose end was never seen is shown as INCOMPLETE, at the last time that anything was
seen of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from harness.traces.instants import spelt
from harness.traces.own_spans import CHECK
from harness.traces.records import DbWrite, Layer, Outcome, PointEvent, SpanStatus
from harness.traces.walking import walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from harness.traces.records import Attributes, Span, Trace

Row = dict[str, object]

STARTED: Final = "STARTED"
PASS: Final = "PASS"  # noqa: S105  # a word of a list, no password
FAIL: Final = "FAIL"
ERROR: Final = "ERROR"
BLOCKED: Final = "BLOCKED"
INCOMPLETE: Final = "INCOMPLETE"

DB_WRITE: Final = "db.write"
UNKNOWN: Final = "unknown"
"""Operation of a write whose statement nobody could read."""

_FIRST_ERROR: Final = 400
_OF_WRITE: Final = {
    Outcome.COMMITTED: PASS,
    Outcome.FAILED: ERROR,
    Outcome.ROLLED_BACK: FAIL,
    Outcome.ROLLED_BACK_TO_SAVEPOINT: FAIL,
    Outcome.OPEN: INCOMPLETE,
}
_OF_CHECK: Final = {"held": PASS, "missed": FAIL}


def execution_trace(trace: Trace) -> list[Row]:
    """Everything that happened, as rows of 9 keys (§8.1)."""
    return _Derived.of(trace).events


def db_writes(trace: Trace) -> list[Row]:
    """Everything that was written, as rows of 11 keys (§8.2)."""
    return _Derived.of(trace).writes


@dataclass(slots=True)
class _Open:
    """A span that was entered, and the last time that something was seen of it."""

    span: Span
    latest_ns: int


class _Derived:
    """Both lists on their way."""

    def __init__(self, trace: Trace) -> None:
        self.events: list[Row] = []
        self.writes: list[Row] = []
        self._seq = 0
        self._path: list[_Open] = []
        self._waiting = _by_span(trace)

    @classmethod
    def of(cls, trace: Trace) -> _Derived:
        """Walk through a trace once."""
        derived = cls(trace)
        for turn in walk(trace.spans):
            if turn.is_entered:
                derived._enter(turn.span)
            else:
                derived._leave()
        for item in chain.from_iterable(reversed(left) for left in derived._waiting.values()):
            derived._item(item, None)
        return derived

    def _enter(self, span: Span) -> None:
        # What the parent recorded before this child began is told before it.
        self._tell_until(span.start_ns)
        self._path.append(_Open(span, span.start_ns))
        self._event(f"{span.name}.start", span, span.start_ns, status=STARTED, detail=_ids(span))

    def _leave(self) -> None:
        self._tell_until(None)
        ended = self._path.pop()
        span = ended.span
        end_ns = ended.latest_ns if span.end_ns is None else span.end_ns
        detail = {**_ids(span), "duration_ms": _ms(span.duration_ns), "error_type": span.error_type}
        self._event(f"{span.name}.end", span, end_ns, status=_status_of(span), detail=detail)
        self._see(end_ns)

    def _tell_until(self, until_ns: int | None) -> None:
        """Tell what the innermost open span recorded up to a time."""
        waiting = self._waiting.get(self._path[-1].span.span_id) if self._path else None
        while waiting and (until_ns is None or _time_of(waiting[-1]) <= until_ns):
            item = waiting.pop()
            self._see(_time_of(item))
            self._item(item, self._path[-1].span)

    def _see(self, ns: int) -> None:
        if self._path:
            self._path[-1].latest_ns = max(self._path[-1].latest_ns, ns)

    def _item(self, item: PointEvent | DbWrite, span: Span | None) -> None:
        if isinstance(item, DbWrite):
            self._write(item, span)
        elif span is not None:
            self._event(item.name, span, item.time_ns, status=_status_of_event(item), detail=_ids(span))

    def _event(self, event_type: str, span: Span, ns: int, *, status: str, detail: Mapping[str, object]) -> None:
        self.events.append(
            {
                "seq": self._next(),
                "ts_utc": spelt(ns),
                "event_type": event_type,
                "layer": span.layer.value,
                "component": span.component,
                "operation": span.operation,
                "trigger": span.trigger,
                "status": status,
                "detail": dict(detail),
            }
        )

    def _write(self, write: DbWrite, span: Span | None) -> None:
        """Tell a write in both lists; one whose span nobody told is that of its database."""
        event_seq, write_seq = self._next(), self._next()
        place = {
            "ts_utc": spelt(write.started_ns),
            "layer": Layer.DB.value,
            "component": span.component if span else write.system,
        }
        op = write.op.value if write.op else None
        operation = span.operation if span else ""
        self.events.append(
            {
                "seq": event_seq,
                "ts_utc": place["ts_utc"],
                "event_type": DB_WRITE,
                "layer": place["layer"],
                "component": place["component"],
                "operation": op or UNKNOWN,
                "trigger": operation,
                "status": _OF_WRITE[write.outcome],
                "detail": {
                    "span_id": write.span_id,
                    "parent_span_id": span.parent_span_id if span else None,
                    "error_type": write.error_type,
                    "write_seq": write_seq,
                },
            }
        )
        self.writes.append(
            {"seq": write_seq, **place, "operation": operation or UNKNOWN, **_statement(write, event_seq)}
        )

    def _next(self) -> int:
        self._seq += 1
        return self._seq


def _statement(write: DbWrite, event_seq: int) -> Row:
    found = write.fingerprint
    return {
        "table": None if write.tables is None else ", ".join(write.tables),
        "sql_op": write.op.value if write.op else None,
        "rowcount": write.rows,
        "statement_fingerprint": f"v{found.v}:{found.sha256}" if found else None,
        "success": write.outcome is Outcome.COMMITTED,
        "detail": {
            "outcome": write.outcome.value,
            "rows_source": write.rows_source,
            "duration_ms": _ms(write.duration_ns),
            "txn_id": write.txn_id,
            "span_id": write.span_id,
            "event_seq": event_seq,
            "error_type": write.error_type,
            "sqlstate": write.sqlstate,
        },
    }


def _by_span(trace: Trace) -> dict[str, list[PointEvent | DbWrite]]:
    """What each span recorded, the latest first, so that the next one is at the end."""
    found: dict[str, list[PointEvent | DbWrite]] = {}
    items: Iterable[PointEvent | DbWrite] = chain(trace.events, trace.db_writes)
    for item in items:
        found.setdefault(item.span_id, []).append(item)
    for waiting in found.values():
        waiting.sort(key=_order, reverse=True)
    return found


def _time_of(item: PointEvent | DbWrite) -> int:
    return item.time_ns if isinstance(item, PointEvent) else item.started_ns


def _order(item: PointEvent | DbWrite) -> tuple[int, str, int]:
    if isinstance(item, PointEvent):
        return item.time_ns, "", item.seq
    return item.started_ns, item.txn_id, item.stmt_seq


def _ids(span: Span) -> Row:
    return {"span_id": span.span_id, "parent_span_id": span.parent_span_id}


def _ms(ns: int | None) -> float | None:
    return None if ns is None else round(ns / 1_000_000, 6)


def _status_of(span: Span) -> str:
    """How a span ended, in the words of a case; what is not known is never PASS."""
    told, is_open = span.attributes, span.incomplete or span.end_ns is None
    rules = (
        (told.get("evidence.step.status") == BLOCKED, BLOCKED),
        (told.get("evidence.verdict") == FAIL, FAIL),
        (span.status is SpanStatus.ERROR, ERROR),
        (is_open, INCOMPLETE),
        (span.status is SpanStatus.OK, PASS),
        (_answered_with_an_error(told), FAIL),
    )
    return next((word for applies, word in rules if applies), INCOMPLETE)


def _answered_with_an_error(told: Attributes) -> bool:
    status: Any = told.get("http.response.status_code")
    return type(status) is int and status >= _FIRST_ERROR


def _status_of_event(event: PointEvent) -> str:
    if event.name != CHECK:
        return PASS
    return _OF_CHECK.get(str(event.attributes.get("evidence.check.outcome")), INCOMPLETE)
