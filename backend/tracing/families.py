"""Which spans are children of one parent: their order, and which of them ran side by side.

It knows the spans of this process that are open or were lately, in bounded memory; of a parent elsewhere it knows
nothing, and the order among such children is left open.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final, NamedTuple

REMEMBERED: Final = 4096
"""Spans; a worker is removed soon after its job has ended, so few are ever asked for late."""


class Birth(NamedTuple):
    """What a new span learns from its parent.

    Attributes:
        trigger: The parent's operation; empty when the parent is unknown.
    """

    ordinal: int | None
    trigger: str


@dataclass(slots=True)
class _Parent:
    operation: str
    born: int = 0
    open: set[str] = field(default_factory=set)
    overlapped: set[str] = field(default_factory=set)


class Families:
    """The spans of one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[str, _Parent] = OrderedDict()

    def enter(self, span_id: str, parent_id: str | None, *, operation: str) -> Birth:
        """Note that a span begins."""
        with self._lock:
            self._known[span_id] = _Parent(operation)
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
            if parent_id is None or (parent := self._known.get(parent_id)) is None:
                return Birth(None, "")
            parent.born += 1
            if parent.open:
                parent.overlapped |= {*parent.open, span_id}
            parent.open.add(span_id)
            return Birth(parent.born - 1, parent.operation)

    def leave(self, span_id: str, parent_id: str | None) -> bool:
        """Note that a span ends; returns whether a sibling of it was open at the same time."""
        with self._lock:
            parent = None if parent_id is None else self._known.get(parent_id)
            if parent is None:
                return False
            parent.open.discard(span_id)
            concurrent = span_id in parent.overlapped
            parent.overlapped.discard(span_id)
            return concurrent
