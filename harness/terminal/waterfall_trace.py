"""The picture of one trace: whose it is, its spans and writes as a waterfall, and a table of what was written.

"No writes" is said only where somebody watched for them and no record was lost; else that is said instead.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from operator import add
from typing import TYPE_CHECKING, Final

from harness.terminal.drawing import STYLES
from harness.terminal.table import joined, line
from harness.terminal.waterfall_bars import LEAST_BAR, Pens, Ruler, cells_line, left_over, shortened_before, took_words
from harness.terminal.waterfall_rows import Mark, extent_of, rows_of
from harness.terminal.waterfall_words import (
    capture_words,
    lost_words,
    op_word,
    outcome_words,
    safe,
    span_words,
    tables_word,
)
from harness.traces.contents import is_watched
from harness.traces.records import Layer, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.text import Text

    from harness.terminal.waterfall_rows import Row
    from harness.traces.reading import OneTrace
    from harness.traces.records import DbWrite, Trace

COLOURS: Final = {
    Layer.TEST: "",
    Layer.HTTP: "cyan",
    Layer.APP: "blue",
    Layer.RUNNER: "magenta",
    Layer.WORKER: "green",
    Layer.AGENT: "bright_green",
    Layer.DB: "yellow",
}
WIDE: Final = 100
"""Columns from which a level of the tree is two columns deep."""

_SIGNS: Final = {Mark.ERROR: "!", Mark.INCOMPLETE: "?", Mark.CONCURRENT: "="}
_MEANINGS: Final = {Mark.ERROR: "failed", Mark.INCOMPLETE: "its end was never seen", Mark.CONCURRENT: "side by side"}
_WRITE_STYLES: Final = {Outcome.COMMITTED: "green", Outcome.FAILED: "bold red"}
_LAYER_WIDTH: Final = max(len(layer) for layer in Layer)
_DEEPEST: Final = 24
_LONGEST_LABEL: Final = 72
_LEAST_LABEL: Final = 8
_LONGEST_TABLE: Final = 24
_LONGEST_OUTCOME: Final = 40


@dataclass(frozen=True, slots=True)
class TracePicture:
    """A trace for people; ``fold`` makes look-alikes one line."""

    found: OneTrace
    fold: bool

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        trace, width = self.found.stored.trace, options.max_width
        yield from _head(self.found)
        yield line("")
        rows = rows_of(trace, fold=self.fold)
        yield from _waterfall(rows, Ruler(extent_of(trace), width, Pens.of(console)))
        yield from _legend(rows)
        yield from _writes(trace)


def _head(found: OneTrace) -> Iterator[Text]:
    trace, record = found.stored.trace, found.record
    if record is None:
        yield line(span_words(trace.root), "bold")
    else:
        verdict = line(record.verdict.value, STYLES[record.verdict])
        yield joined(line(f"{safe(record.folder)} ", "bold"), verdict, line(f"  {safe(record.title)}"))
    if record is not None and record.reason:
        yield line(f"  why: {safe(record.reason)}")
    yield line(f"  trace: {safe(trace.trace_id)}")
    yield line(f"  run: {safe(found.entry.name)}")
    yield line(f"  {capture_words(trace)}", "" if is_watched(trace) else "bold yellow")
    if trace.incomplete:
        yield line("  incomplete: the end of a span was never seen", "bold yellow")
    if trace.dropped:
        yield line(f"  lost: {lost_words(trace)}", "bold yellow")


def _waterfall(rows: Sequence[Row], screen: Ruler) -> Iterator[Text]:
    """Names, layers and durations, and bars where the screen has room for them."""
    step = 2 if screen.width >= WIDE else 1
    labels = [" " * (min(row.depth, _DEEPEST) * step) + screen.pens.written(row.label) for row in rows]
    failures = [f" ({row.failure})" if row.failure else "" for row in rows]
    signs = ["".join(_SIGNS[mark] for mark in row.marks) for row in rows]
    took = ["" if row.duration_ns is None else took_words(row.duration_ns) for row in rows]
    widths = [max(map(len, signs)), 0, _LAYER_WIDTH, max(len("DURATION"), *map(len, took))]
    # Three fifths of what is left for names: they are cut, while a bar only gets coarser.
    left = left_over(screen.width, widths)
    widths[1] = max(_LEAST_LABEL, min(max(map(len, map(add, labels, failures))), _LONGEST_LABEL, left * 3 // 5))
    ruler = replace(screen, width=max(LEAST_BAR, left - widths[1]))
    head = [(word, "dim") for word in ("", "SPAN", "LAYER", "DURATION".rjust(widths[3]))]
    yield cells_line(head, widths, (ruler.scale(), "dim"))
    for at, row in enumerate(rows):
        style = "bold red" if Mark.ERROR in row.marks else ""
        colour = COLOURS[row.layer]
        label = shortened_before(labels[at], failures[at], widths[1])
        cells = [(signs[at], style), (label, style), (row.layer.value, colour), (took[at].rjust(widths[3]), "")]
        yield cells_line(cells, widths, (ruler.bar(row.start_ns, row.end_ns), colour))


def _legend(rows: Sequence[Row]) -> Iterator[Text]:
    used = {mark for row in rows for mark in row.marks}
    meanings = [f"{_SIGNS[mark]} {_MEANINGS[mark]}" for mark in Mark if mark in used]
    if any(row.count > 1 for row in rows):
        meanings.append("… several as one line, --all shows each")
    if meanings:
        yield line("  ".join(meanings), "dim")


def _writes(trace: Trace) -> Iterator[Text]:
    """The table, or why there is none; the trace of a climb is the judge's, who writes to no database."""
    if trace.case_id or trace.db_writes:
        yield line("")
    if trace.db_writes:
        yield from _write_lines(trace)
    elif trace.case_id and not is_watched(trace):
        yield line(f"writes unknown: {capture_words(trace)}", "bold yellow")
    elif trace.case_id and trace.dropped:
        yield line(f"no writes among what was kept; lost: {lost_words(trace)}", "bold yellow")
    elif trace.case_id:
        yield line("no writes")


def _write_lines(trace: Trace) -> Iterator[Text]:
    spans = {span.span_id: span_words(span) for span in trace.spans}
    writes = sorted(trace.db_writes, key=lambda write: write.started_ns)
    rows = [_write_cells(write) for write in writes]
    head = ("OP", "TABLE", "ROWS", "OUTCOME")
    longest = [max(len(row[at]) for row in (head, *rows)) for at in range(len(head))]
    widths = [longest[0], min(longest[1], _LONGEST_TABLE), longest[2], min(longest[3], _LONGEST_OUTCOME)]
    count = f"{len(writes)} write{'' if len(writes) == 1 else 's'}"
    yield line(count, "bold")
    yield cells_line([(word, "dim") for word in head], widths, ("SPAN", "dim"))
    for write, row in zip(writes, rows, strict=True):
        op, table, touched, outcome = row
        cells = [(op, ""), (table, ""), (touched.rjust(widths[2]), ""), (outcome, _WRITE_STYLES.get(write.outcome, ""))]
        yield cells_line(cells, widths, (spans.get(write.span_id, f"span {safe(write.span_id)} is missing"), ""))


def _write_cells(write: DbWrite) -> tuple[str, str, str, str]:
    rows = "unknown" if write.rows is None else str(write.rows)
    return op_word(write), tables_word(write), rows, outcome_words(write)
