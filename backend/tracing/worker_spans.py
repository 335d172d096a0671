"""The spans that a worker left in ``.codex/trace.jsonl``, read as what they are: bytes of hostile origin.

Each line is an OTLP/JSON document with one span, begun or ended. Nothing in it is believed that could touch somebody
else's record: a foreign trace id is refused, and so is the id of the container's span (no span that is stored is ever
overwritten by a worker's); a parent that is not there becomes the container's span, times are held within the
container's life. Size, depth and number are capped, attributes are those of the list without what the backend alone
can know, and what was left out is counted. A span without an end was open when the worker stopped.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from backend.tracing.spans import HEX_SPAN, Kind, Layer, Place, Span, Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from backend.tracing.attributes import Cleaner

MAX_LINE_BYTES: Final = 16 * 1024
MAX_SPANS: Final = 2_000
MAX_DEPTH: Final = 32
"""Of a span below the container's."""
MAX_NESTING: Final = 12
"""Of a JSON document; a span with its attributes needs nine."""

_SPAN_ID: Final = re.compile(HEX_SPAN)
_DIGITS: Final = re.compile(r"[0-9]{1,19}")
_CLIENT: Final = 3
_STATUSES: Final = {0: Status.UNSET, 1: Status.OK, 2: Status.ERROR}
_PLACE: Final = ("layer", "component", "operation", "trigger", "ordinal")
_DROPPED: Final = "evidence.dropped."
_OURS_ALONE: Final = """
evidence.step.status evidence.step.number evidence.pipeline.status evidence.trigger.source evidence.intent_type
evidence.db.rows evidence.db.outcome evidence.db.fingerprint evidence.project.id evidence.job.id evidence.job.status
evidence.failure_kind evidence.launcher evidence.oom_killed evidence.interruptions evidence.log.bytes
evidence.log.truncated evidence.redactions
"""
OURS: Final = frozenset(_OURS_ALONE.split())
"""What the backend alone says of a span, because only it has seen it."""
_MOST_SIBLINGS: Final = 1 << 20
_SERVICE: Final = "worker"


@dataclass(frozen=True, slots=True)
class Expected:
    """What the spans of one attempt must agree with.

    Attributes:
        parent_span_id: The container's span.
        begun_ns: When the container was made, wall clock.
        ended_ns: When it was known to have ended.
        complete: The file is whole; otherwise its end was cut off.
    """

    trace_id: str
    parent_span_id: str
    begun_ns: int
    ended_ns: int
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Ingested:
    """What was taken over, and how much was not, by reason."""

    spans: tuple[Span, ...]
    dropped: Mapping[str, int]

    @property
    def incomplete(self) -> bool:
        """Whether the end of any span was never seen."""
        return any(span.incomplete for span in self.spans)


@dataclass(slots=True)
class _Reading:
    expected: Expected
    cleaner: Cleaner
    found: dict[str, Span] = field(default_factory=dict)
    dropped: Counter[str] = field(default_factory=Counter)

    def line(self, line: bytes) -> None:
        try:
            if len(line) > MAX_LINE_BYTES:
                self.dropped["oversized"] += 1
                return
            document = json.loads(line)
            _require_flat(document)
            for resource, scope, span in _spans_of(document):
                self._take(resource, scope, span)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            self.dropped["malformed"] += 1

    def _take(self, resource: Mapping[str, object], scope: str, given: Mapping[str, Any]) -> None:
        if given["traceId"] != self.expected.trace_id:
            self.dropped["foreign"] += 1
            return
        span = self._read(resource, scope, given)
        known = self.found.get(span.span_id)
        if span.span_id == self.expected.parent_span_id or (known is not None and known.end_ns is not None):
            self.dropped["taken"] += 1
        elif known is None and len(self.found) >= MAX_SPANS:
            self.dropped["too_many"] += 1
        else:
            self.found[span.span_id] = span

    def _read(self, resource: Mapping[str, object], scope: str, given: Mapping[str, Any]) -> Span:
        raw = dict(_attributes(given.get("attributes") or ()))
        words = {word: raw.pop(f"evidence.{word}", None) for word in _PLACE}
        dropped = {name: raw.pop(name) for name in tuple(raw) if name.startswith(_DROPPED)}
        forged = [raw.pop(name) for name in OURS.intersection(raw)]
        kept, unknown = self.cleaner.attributes(raw)
        error_type = kept.pop("error.type", None)
        start_ns, end_ns = self._instant(given["startTimeUnixNano"]), given.get("endTimeUnixNano", "0")
        ended = None if end_ns in ("0", 0) else max(start_ns, self._instant(end_ns))
        return Span(
            trace_id=self.expected.trace_id,
            span_id=_span_id(given["spanId"]),
            parent_span_id=_span_id(given["parentSpanId"]) if given.get("parentSpanId") else None,
            place=self._place(given, scope, words),
            start_ns=start_ns,
            end_ns=ended,
            duration_ns=None if ended is None else ended - start_ns,
            status=_STATUSES.get(given.get("status", {}).get("code", 0), Status.UNSET),
            error_type=self.cleaner.name(error_type) if isinstance(error_type, str) else None,
            attributes=kept,
            ordinal=_count(words["ordinal"]),
            service=_SERVICE,
            instance=self.cleaner.name(str(resource.get("service.instance.id", ""))),
            dropped_counts=_dropped_counts(
                dropped, unknown + len(forged) + (_count(given.get("droppedAttributesCount")) or 0)
            ),
            incomplete=ended is None,
        )

    def _place(self, given: Mapping[str, Any], scope: str, words: Mapping[str, object]) -> Place:
        name = str(given["name"])
        layer = Layer.AGENT if words["layer"] == Layer.AGENT.value else Layer.WORKER
        return self.cleaner.place(
            Place(
                name=name,
                layer=layer,
                component=str(words["component"] or scope),
                operation=str(words["operation"] or name),
                trigger=str(words["trigger"] or ""),
                kind=Kind.CLIENT if given.get("kind") == _CLIENT else Kind.INTERNAL,
            )
        )

    def _instant(self, given: object) -> int:
        if not _DIGITS.fullmatch(str(given)):
            raise ValueError
        return min(max(int(str(given)), self.expected.begun_ns), self.expected.ended_ns)


def read_worker_spans(data: bytes, expected: Expected, cleaner: Cleaner) -> Ingested:
    """Read what a worker left; never raises on account of its content.

    Args:
        data: The file, at most as much of it as a worker may write.
        expected: What the spans must agree with.
        cleaner: Takes out secrets.
    """
    reading = _Reading(expected, cleaner)
    *lines, last = data.split(b"\n")
    if last:
        # A line without its end was cut off, by the worker's death or by the limit.
        reading.dropped["cut"] += 1
    if not expected.complete:
        reading.dropped["cut"] += 1
    for line in lines:
        reading.line(line)
    return Ingested(tuple(_hung_up(reading)), dict(reading.dropped))


def _hung_up(reading: _Reading) -> Iterator[Span]:
    """Let each span hang under its parent, and under the container's span what has none; refuse circles and depths."""
    found, container = reading.found, reading.expected.parent_span_id
    for span in found.values():
        if _depth(span, found) > MAX_DEPTH:
            reading.dropped["too_deep"] += 1
        elif span.parent_span_id in found:
            yield span
        else:
            yield replace(span, parent_span_id=container)


def _depth(span: Span, found: Mapping[str, Span]) -> int:
    depth, above = 1, span.parent_span_id
    while above is not None and above in found and depth <= MAX_DEPTH:
        depth, above = depth + 1, found[above].parent_span_id
    return depth


def _spans_of(document: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, object], str, Mapping[str, Any]]]:
    for part in document.get("resourceSpans", [document]):
        resource = dict(_attributes(part.get("resource", {}).get("attributes", ())))
        for scope_part in part["scopeSpans"]:
            scope = str(scope_part.get("scope", {}).get("name", _SERVICE))
            for span in scope_part["spans"]:
                yield resource, scope, span


def _attributes(given: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, object]]:
    for pair in given:
        [(kind, value)] = pair["value"].items()
        if kind == "intValue":
            value = int(value) if isinstance(value, int) or _DIGITS.fullmatch(str(value).removeprefix("-")) else None
        yield str(pair["key"]), value


def _span_id(given: object) -> str:
    if not isinstance(given, str) or not _SPAN_ID.fullmatch(given) or not int(given, 16):
        raise ValueError
    return given


def _count(given: object) -> int | None:
    is_number = isinstance(given, int) and not isinstance(given, bool)
    return given if is_number and 0 <= given < _MOST_SIBLINGS else None  # type: ignore[operator, return-value]


def _dropped_counts(given: Mapping[str, object], attributes: int) -> dict[str, int]:
    counts = {name.removeprefix(_DROPPED): _count(number) for name, number in given.items()}
    known = {name: number for name, number in counts.items() if number and name in {"spans", "lines"}}
    return known | ({"attributes": attributes} if attributes else {})


def _require_flat(document: object) -> None:
    level: list[object] = [document]
    for _ in range(MAX_NESTING):
        level = [child for value in level for child in _children(value)]
    if level:
        raise ValueError


def _children(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
