"""The judge's spans as they grow, event by event: ids, order, instance and limits in one place."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from harness.judging.verdict import Verdict, is_green
from harness.traces.records import Kind, Layer, PointEvent, Span, SpanStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.evidence.event_lines import Entry
    from harness.traces.instants import Timeline

MAX_SPANS: Final = 10_000
MAX_EVENTS: Final = 10_000
LONGEST_TEXT: Final = 200
"""Characters of a text in an attribute."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A part of the judge's own work that has begun."""

    name: str
    component: str
    operation: str
    start_ns: int
    attributes: Mapping[str, Any] = field(default_factory=dict)

    def span(self, span_id: str, parent_id: str | None, **fields: Any) -> Span:  # noqa: ANN401  # fields of a span
        """It as a span without an end."""
        return Span(
            span_id=span_id,
            parent_span_id=parent_id,
            name=self.name,
            kind=Kind.INTERNAL,
            layer=Layer.TEST,
            component=self.component,
            operation=self.operation,
            start_ns=self.start_ns,
            attributes=self.attributes,
            **{"trigger": "", "end_ns": None, "duration_ns": None, "status": SpanStatus.UNSET, **fields},
        )


class SpanTree:
    """Spans by id, parents before children; what comes after the limits is counted in the root.

    Args:
        root: Never dropped.
        instance: The run.
    """

    def __init__(self, root: Span, instance: str) -> None:
        self._instance = instance
        self._root_id = root.span_id
        self._spans = {root.span_id: replace(root, instance=instance)}
        self._children: Counter[str] = Counter()
        self._events: list[PointEvent] = []
        self._dropped: Counter[str] = Counter()

    def __contains__(self, span_id: str) -> bool:
        return span_id in self._spans

    def __getitem__(self, span_id: str) -> Span:
        return self._spans[span_id]

    @property
    def root(self) -> Span:
        """The span that all others are below."""
        return self._spans[self._root_id]

    def known(self, span_id: str) -> str:
        """The id, or that of the root when there is no such span."""
        return span_id if span_id in self._spans else self._root_id

    def add(self, span: Span) -> None:
        """Append a child of a known span; its ordinal and its trigger follow from there."""
        if len(self._spans) >= MAX_SPANS:
            self.drop("spans")
            return
        if span.span_id in self._spans:
            self.drop("duplicate")
            return
        parent = self._spans[self.known(span.parent_span_id or "")]
        self._spans[span.span_id] = replace(
            span,
            parent_span_id=parent.span_id,
            trigger=parent.operation,
            ordinal=self._children[parent.span_id],
            instance=self._instance,
        )
        self._children[parent.span_id] += 1

    def drop(self, kind: str) -> None:
        """Count something that is not kept."""
        self._dropped[kind] += 1

    def change(self, span_id: str, **fields: Any) -> None:  # noqa: ANN401  # fields of a span
        """Put in what is known of a span now; attributes are added to those it has."""
        if (span := self._spans.get(span_id)) is None:
            return
        if "attributes" in fields:
            fields["attributes"] = {**span.attributes, **fields["attributes"]}
        self._spans[span_id] = replace(span, **fields)

    def end(self, span_id: str, end_ns: int) -> None:
        """End a span; none ends before it began."""
        if (span := self._spans.get(span_id)) is not None:
            ends = max(end_ns, span.start_ns)
            self._spans[span_id] = replace(span, end_ns=ends, duration_ns=ends - span.start_ns)

    def note(self, span_id: str, name: str, entry: Entry, *, line: Timeline, attributes: dict[str, Any]) -> None:
        """Append a point event; it has the number of its line in the log."""
        if len(self._events) >= MAX_EVENTS:
            self.drop("events")
            return
        place = self.known(span_id)
        self._events.append(PointEvent(place, name, line.ns(entry.t), entry.seq, self._instance, attributes))

    @property
    def events(self) -> tuple[PointEvent, ...]:
        """All point events, in the order of the log."""
        return tuple(self._events)

    def spans(self) -> tuple[Span, ...]:
        """All spans; those without an end are incomplete."""
        self.change(self._root_id, dropped_counts=dict(self._dropped))
        return tuple(
            span if span.end_ns is not None else replace(span, incomplete=True) for span in self._spans.values()
        )


def derived_id(span_id: str, name: str) -> str:
    """The id of a span that no request names, so that the tree can be made again from the events."""
    return hashlib.sha256(f"{span_id}:{name}".encode(errors="surrogatepass")).hexdigest()[:16]


def ended_as(verdict: Verdict) -> dict[str, Any]:
    """Status and error type of a span that ended with a verdict; what was not decided is UNSET, never OK."""
    if is_green(verdict):
        return {"status": SpanStatus.OK}
    if verdict in {Verdict.FAIL, Verdict.ERROR}:
        return {"status": SpanStatus.ERROR, "error_type": verdict.value}
    return {"status": SpanStatus.UNSET}
