"""What a trace holds, counted: spans by layer, and the writes that are there for good."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from harness.traces.records import Layer, Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.traces.records import Capture, Trace


@dataclass(frozen=True, slots=True)
class Contents:
    """Counts of one trace.

    Attributes:
        spans: By layer, those that are there, from TEST to DB.
        writes: All statements that wrote; ``committed`` those that are there for good.
        is_watched: Whether database writes were watched; without it, no writes says nothing.
    """

    spans: Mapping[Layer, int]
    writes: int
    committed: int
    is_watched: bool


def contents_of(trace: Trace) -> Contents:
    """Count."""
    found = Counter(span.layer for span in trace.spans)
    committed = sum(write.outcome is Outcome.COMMITTED for write in trace.db_writes)
    spans = {layer: found[layer] for layer in Layer if found[layer]}
    return Contents(spans, len(trace.db_writes), committed, is_watched(trace))


def is_watched(trace: Trace) -> bool:
    """Whether database writes were watched while the trace was made; what was lost of them is another matter."""
    return bool(trace.capture and trace.capture.active)


def unwatched(capture: Capture | None, dropped: Mapping[str, int], *, why_untold: str = "") -> str:
    """Say why writes may be missing in a trace; empty when none can be.

    Args:
        capture: Whether the hooks were in place; ``None`` when nobody told.
        dropped: Records that were lost, by what lost them.
        why_untold: Why the backend told nothing.
    """
    if capture is None:
        return why_untold or "the backend told nothing"
    if not capture.active:
        return "its hooks are not in place"
    lost = [f"{stage} {number}" for stage, number in sorted(dropped.items()) if stage not in HARMLESS and number]
    return f"records were lost: {', '.join(lost)}" if lost else ""


HARMLESS: Final = frozenset(
    {"attribute", "traceparent", "ingest", "step", "export", "duplicate", "adrift", "untold_parent", "spans"}
)
"""Losses that cannot have been a database write; every other one may."""


def pipeline_status(trace: Trace) -> str:
    """How the trace's first pipeline ended, in its own word; empty without one."""
    first = trace.pipelines[0] if trace.pipelines else None
    status = first.get("pipeline_status") if isinstance(first, dict) else None
    return status if isinstance(status, str) else ""
