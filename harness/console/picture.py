"""Traces as rows of a waterfall with places to scale: the same rows are drawn as bars and stand in a table.

The places are per cent of the picture's width, so that they can be attributes of SVG: a policy without inline styles
allows no other way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from harness.console.climbed import page_names
from harness.console.rendering import address
from harness.reporting.words import took
from harness.terminal.waterfall_rows import Extent, extent_of, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from harness.console.rendering import Json
    from harness.evidence.reading import RunEntry
    from harness.terminal.waterfall_rows import Row
    from harness.traces.reading import TracedClimb, TracedRun, TracedScenario
    from harness.traces.records import Trace

LEAST: Final = 0.6
"""Per cent; something is always there to be seen."""

DEEPEST: Final = 8
"""Steps of indentation; what lies deeper stands no further to the right."""

_NS: Final = 1_000_000_000
_STEPS: Final = 2
"""Depth of a scenario's steps in its own trace: below its root and its phase."""


@dataclass(frozen=True, slots=True)
class _Placed:
    row: Row
    depth: int
    href: str = ""
    label: str = ""


def trace_picture(trace: Trace, *, fold: bool) -> Json:
    """One trace with all its rows."""
    extent = extent_of(trace)
    return _picture((_Placed(row, row.depth) for row in rows_of(trace, fold=fold)), extent)


def run_picture(entry: RunEntry, run: TracedRun) -> Json:
    """All climbs of a run: each scenario with its steps."""
    hrefs = {folder: address("runs", entry.name, name) for folder, name in page_names(entry).items()}
    placed = [each for climb in run.climbs for each in _climb(hrefs, climb)]
    extents = [extent_of(each) for each in _traces(run)]
    extent = Extent(min((e.start_ns for e in extents), default=0), max((e.end_ns for e in extents), default=0))
    return _picture(placed, extent)


def _traces(run: TracedRun) -> Iterator[Trace]:
    for climb in run.climbs:
        found = [each.stored for each in climb.scenarios] + [climb.stored]
        yield from (stored.trace for stored in found if stored)


def _climb(hrefs: Mapping[str, str], climb: TracedClimb) -> Iterator[_Placed]:
    scenarios = [placed for each in climb.scenarios for placed in _scenario(hrefs, each)]
    root = rows_of(climb.stored.trace, fold=True)[0] if climb.stored else None
    if root is not None:
        yield _Placed(root, 0, label=climb.part)
    yield from scenarios


def _scenario(hrefs: Mapping[str, str], scenario: TracedScenario) -> Iterator[_Placed]:
    if scenario.stored is None:
        return
    record = scenario.record
    for row in rows_of(scenario.stored.trace, fold=True):
        if row.depth == 0:
            yield _Placed(row, 1, hrefs[record.folder], f"{record.id} {record.title}")
        elif row.depth == _STEPS and row.label.startswith("step "):
            yield _Placed(row, 2)


def _picture(placed: Iterable[_Placed], extent: Extent) -> Json:
    length = max(1, extent.end_ns - extent.start_ns)
    return {"total": took(length / _NS), "rows": [_row(each, extent.start_ns, length) for each in placed]}


def _row(placed: _Placed, began_ns: int, length: int) -> Json:
    row = placed.row
    end = row.end_ns if row.end_ns is not None else began_ns + length
    start = _percent(row.start_ns - began_ns, length)
    width = max(LEAST, _percent(end - began_ns, length) - start)
    return {
        "depth": min(placed.depth, DEEPEST),
        "label": placed.label or row.label,
        "layer": row.layer.value,
        "span_id": row.span_id,
        "offset": _offset(row.start_ns - began_ns),
        "duration": took(row.duration_ns / _NS) if row.duration_ns is not None else "unknown",
        "marks": [mark.value for mark in row.marks],
        "failure": row.failure,
        "x": round(min(start, 100 - LEAST), 2),
        "width": round(width, 2),
        "href": placed.href,
    }


def _offset(ns: int) -> str:
    return f"+{took(ns / _NS)}" if ns >= 0 else f"-{took(-ns / _NS)}"


def _percent(ns: int, length: int) -> float:
    return max(0.0, min(100.0, 100 * ns / length))
