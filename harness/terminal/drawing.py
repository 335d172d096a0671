"""The pictures of a climb: a table that is drawn anew while it goes on, and one that stays when it is over.

Each is computed from the board and the clock whenever it is drawn, so that time keeps moving on the screen while a step
blocks. What is shown is safe already, and decided elsewhere; here it gets its place and its colour.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from harness.judging.verdict import Verdict
from harness.terminal.table import LONGEST, REST, joined, line, table
from harness.terminal.wording import poll_state, remarks, span, tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.table import Table
    from rich.text import Text

    from harness.evidence.run_record import ScenarioRecord
    from harness.terminal.board import Board, Row
    from harness.terminal.table import Cells

STYLES: Final = {
    Verdict.PASS: "green",
    Verdict.LIMITED: "yellow",
    Verdict.FAIL: "bold red",
    Verdict.ERROR: "bold magenta",
    Verdict.INCONCLUSIVE: "bold yellow",
    Verdict.BLOCKED: "dim",
}

_FRAMES: Final = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_ASCII_FRAMES: Final = r"-\|/"
FRAMES_PER_S: Final = 6
"""Drawing takes a few milliseconds of the interpreter; more frames would delay what is being timed."""

WIDE: Final = 80
"""Columns from which the table has room for the step; below, only the line under it tells the step."""

_TIME_WIDTH: Final = len("59 min 59 s")
_RESULT_WIDTH: Final = len("success")
_LONGEST_STEP: Final = 20
_LINES_AROUND: Final = 6
"""Of the screen, what is no row: heading, how many are left out, an empty line, two on the step, the cursor's."""


@dataclass(frozen=True, slots=True)
class Underway:
    """The climb as it stands at the instant of drawing."""

    board: Board
    clock: Callable[[], float]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        now, rows = self.clock(), self.board.rows
        ended = f"{len(self.board.records)} of {len(rows)} ended"
        yield _heading(self.board, f"{ended}, {span(now - self.board.began)}")
        seen, left_out = _window(rows, options.size.height - _LINES_AROUND)
        cells = [self._cells(row, now, mark=_mark(now, console)) for row in seen]
        yield self._grid(cells, options.max_width)
        if left_out:
            yield line(f"{left_out} more", "dim")
        yield from self._step_lines(now)

    def _grid(self, cells: Sequence[Cells], width: int) -> Table:
        step_width = min(max(self.board.step_width, _RESULT_WIDTH), _LONGEST_STEP)
        widths = (1, LONGEST, REST, LONGEST, step_width, _TIME_WIDTH)
        if width < WIDE:
            return table([row[:4] + row[5:] for row in cells], widths[:4] + widths[5:], width)
        return table(cells, widths, width)

    def _cells(self, row: Row, now: float, *, mark: str) -> Cells:
        if row.record is not None:
            return (line(""), *_ended_cells(row.record))
        if row.began is None:
            return (line(""), line(row.id, "dim"), line(row.title, "dim"), line("waiting", "dim"))
        doing = self.board.doing
        step = doing.step if doing and doing.scenario == row.id else ""
        told = line("running", "cyan"), line(step, "cyan"), line(span(now - row.began))
        return (line(mark, "cyan"), line(row.id, "bold"), line(row.title, "bold"), *told)

    def _step_lines(self, now: float) -> Iterator[RenderableType]:
        doing = self.board.doing
        if doing is None:
            return
        waiting = doing.waiting
        at = poll_state(waiting, now - doing.told_at) if waiting else doing.action
        yield line("")
        yield line(": ".join(part for part in (f"{doing.scenario} {doing.step}".strip(), at) if part))
        yield line(f"not ready: {waiting.why}" if waiting and waiting.why else "", "dim")


@dataclass(frozen=True, slots=True)
class Ended:
    """The climb when it is over: verdicts, and below them why those that are not green are not."""

    board: Board
    took_s: float

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        rows, records = self.board.rows, self.board.records
        yield _heading(self.board)
        head = tuple(line(word, "dim") for word in ("ID", "TITLE", "VERDICT", "RESULT", "DURATION"))
        widths = (LONGEST, REST, LONGEST, LONGEST, LONGEST)
        yield table([head, *(_final_cells(row) for row in rows)], widths, options.max_width)
        yield from _remark_lines(records)
        yield line("")
        yield self._sum(records)
        yield line("")

    def _sum(self, records: Sequence[ScenarioRecord]) -> Text:
        counts = [line(f"{count} {verdict}", STYLES[verdict]) for verdict, count in tally(records)]
        said = line(", ").join(counts or [line("nothing was run")])
        return joined(line(f"{self.board.folder}: ", "bold"), said, line(f" in {span(self.took_s)}"))


def _heading(board: Board, facts: str = "") -> Text:
    said = line(f"  {facts}" if facts else "")
    return joined(line(board.folder, "bold"), said, line(f"  {board.file}", "dim"))


def _mark(now: float, console: Console) -> str:
    frames = _FRAMES if console.encoding.startswith("utf") else _ASCII_FRAMES
    return frames[int(now * FRAMES_PER_S) % len(frames)]


def _window(rows: Sequence[Row], room: int) -> tuple[Sequence[Row], int]:
    """The rows that fit, the running one among them, and how many were left out."""
    room = max(room, 1)
    if len(rows) <= room:
        return rows, 0
    at = next((index for index, row in enumerate(rows) if row.is_running or row.record is None), len(rows) - 1)
    start = min(max(0, at - room // 2), len(rows) - room)
    return rows[start : start + room], len(rows) - room


def _final_cells(row: Row) -> Cells:
    if row.record is not None:
        return _ended_cells(row.record)
    word = "not run" if row.began is None else "cut short"
    return (line(row.id), line(row.title), line(word, "dim"))


def _ended_cells(record: ScenarioRecord) -> Cells:
    began = record.started_at is not None
    style = "" if began else "dim"
    return (
        line(record.id, style),
        line(record.title, style),
        line(record.verdict.value, STYLES[record.verdict]),
        line(record.result_status if began else "", "dim"),
        line(span(record.duration_s) if began else ""),
    )


def _remark_lines(records: Sequence[ScenarioRecord]) -> Iterator[RenderableType]:
    from rich.padding import Padding
    from rich.text import Text

    for remark in remarks(records):
        yield line("")
        yield Text.assemble((remark.verdict.value, STYLES[remark.verdict]), f" {remark.text}")
        yield from (Padding(Text(each), (0, 0, 0, 2)) for each in remark.lines)
