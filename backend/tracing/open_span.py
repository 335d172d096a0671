"""A span while it is open: what is learned about it until it ends."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from backend.tracing.attributes import MAX_NAME_CHARS
from backend.tracing.spans import Span, Status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from backend.tracecontext import SpanContext
    from backend.tracing.attributes import Cleaner
    from backend.tracing.spans import Link, Place, Scalar


class Keeper(Protocol):
    """What a span needs of the recorder."""

    instance: str

    def ended(self, span: OpenSpan) -> None:
        """Take its end."""

    def lose(self, stage: str, trace_id: str | None = None, number: int = 1) -> None:
        """Count what could not be taken."""


class OpenSpan:
    """One span that was begun. Used by one thread at a time; nothing it does raises.

    Args:
        keeper: Takes its end.
        context: Its ids.
        start_ns: When it began, if not now.

    Attributes:
        recorded: Its beginning was taken, so its end will be.
        concurrent: A sibling was open at the same time; known when it has ended.
    """

    def __init__(
        self, keeper: Keeper, context: SpanContext, place: Place, *, start_ns: int | None, links: tuple[Link, ...]
    ) -> None:
        self._keeper, self.context, self.place = keeper, context, place
        self._begun_ns = time.monotonic_ns() if start_ns is None else None
        self.start_ns = time.time_ns() if start_ns is None else start_ns
        self._links = links
        self.clean: Cleaner | None = None
        self.recorded = self.concurrent = False
        self._attributes: dict[str, Scalar] = {}
        self._dropped = 0
        self._ordinal: int | None = None
        self._status = Status.UNSET
        self._error_type: str | None = None
        self._end_ns: int | None = None
        self._duration_ns: int | None = None

    def born(self, ordinal: int | None, trigger: str) -> None:
        """Take over what the parent knows."""
        self._ordinal = ordinal
        if trigger and not self.place.trigger:
            self.place = replace(self.place, trigger=trigger)

    def set(self, attributes: Mapping[str, object]) -> None:
        """Add attributes; what is not allowed is dropped and counted."""
        if self.clean is None or self._end_ns is not None:
            return
        try:
            kept, dropped = self.clean.attributes(attributes)
        except Exception:  # noqa: BLE001  # as everywhere in recording
            kept, dropped = {}, len(attributes)
            self._keeper.lose("attribute", self.context.trace_id, dropped)
        self._attributes |= kept
        self._dropped += dropped

    def rename(self, name: str) -> None:
        """Give the name that is only known later; the operation, which children have been told, stays."""
        if self._end_ns is None:
            self.place = replace(self.place, name=name)

    def adopt(self, parent_span_id: str | None) -> None:
        """Say what it hangs under, when that becomes known after its beginning."""
        if self._end_ns is None and parent_span_id is not None:
            self.context = replace(self.context, parent_span_id=parent_span_id)

    def succeed(self) -> None:
        """Say that what it stands for worked."""
        self._status = Status.OK

    def fail(self, error_type: str) -> None:
        """Say that it did not, by an exception's class or a failure kind."""
        self._status, self._error_type = Status.ERROR, error_type

    def settle(self) -> None:
        """Say that it worked, unless something else was said."""
        if self._status is Status.UNSET:
            self._status = Status.OK

    def end(self) -> None:
        """End it now; a second time changes nothing."""
        if self._end_ns is not None:
            return
        self._end_ns = max(time.time_ns(), self.start_ns)
        if self._begun_ns is not None:
            self._duration_ns = time.monotonic_ns() - self._begun_ns
        self._keeper.ended(self)

    @property
    def has_ended(self) -> bool:
        """Whether it is over."""
        return self._end_ns is not None

    def record(self) -> Span:
        """It as it is now."""
        place = self.place if self.clean is None else self.clean.place(self.place)
        return Span(
            trace_id=self.context.trace_id,
            span_id=self.context.span_id,
            parent_span_id=self.context.parent_span_id,
            place=place,
            start_ns=self.start_ns,
            end_ns=self._end_ns,
            duration_ns=self._duration_ns,
            status=self._status,
            error_type=self._error_type[:MAX_NAME_CHARS] if self._error_type else None,
            attributes=dict(self._attributes),
            links=self._links,
            ordinal=self._ordinal,
            concurrent=self.concurrent,
            instance=self._keeper.instance,
            dropped_counts={"attributes": self._dropped} if self._dropped else {},
        )
