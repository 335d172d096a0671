"""The picture of a run's climbs: one line for each scenario, when it ran, what its trace holds, and how to open one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from harness.terminal.drawing import STYLES
from harness.terminal.table import joined, line
from harness.terminal.waterfall_bars import LEAST_BAR, Pens, Ruler, cells_line, left_over, took_words
from harness.terminal.waterfall_rows import Extent, extent_of
from harness.terminal.waterfall_words import safe
from harness.terminal.wording import span as duration_words
from harness.traces.contents import contents_of, pipeline_status
from harness.traces.records import Layer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.text import Text

    from harness.terminal.waterfall_bars import Cell
    from harness.traces.contents import Contents
    from harness.traces.reading import TracedClimb, TracedRun, TracedScenario

_LONGEST_ID: Final = 24
_TOTAL: Final = "SPANS"


@dataclass(frozen=True, slots=True)
class ClimbPicture:
    """Every climb of a run."""

    run: TracedRun

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        record = self.run.record
        verdict = record.verdict
        word = line(verdict.value, STYLES[verdict]) if verdict else line(record.status.value)
        took = line(f" in {duration_words(record.duration_s)}")
        yield joined(line(f"run {safe(self.run.entry.name)}: ", "bold"), word, took)
        for climb in self.run.climbs:
            yield line("")
            yield from _climb(climb, options.max_width, Pens.of(console))
        yield line("")
        yield line(f"open one: ladder trace {safe(self.run.entry.name)} {self._example()}", "dim")

    def _example(self) -> str:
        found = [each.record for climb in self.run.climbs for each in climb.scenarios if each.stored]
        if not found:
            return "SCENARIO"
        ids = [each.record.id for climb in self.run.climbs for each in climb.scenarios]
        return safe(found[0].id if ids.count(found[0].id) == 1 else found[0].folder)


@dataclass(frozen=True, slots=True)
class _Counted:
    """A scenario in words."""

    scenario: TracedScenario
    contents: Contents | None

    @classmethod
    def of(cls, scenario: TracedScenario) -> _Counted:
        return cls(scenario, contents_of(scenario.stored.trace) if scenario.stored else None)

    @property
    def writes(self) -> str:
        """Those that are there for good, and all where some are not; ``?`` when nobody watched."""
        found = self.contents
        if found is None:
            return ""
        if not found.is_watched:
            return "?"
        return str(found.committed) if found.committed == found.writes else f"{found.committed} of {found.writes}"

    def spans(self, layers: Sequence[str]) -> tuple[str, ...]:
        """Counts for these columns."""
        if self.contents is None:
            return ("",) * len(layers)
        counts = self.contents.spans
        return tuple(str(sum(counts.values()) if each == _TOTAL else counts.get(Layer(each), 0)) for each in layers)


def _climb(climb: TracedClimb, room: int, pens: Pens) -> Iterator[Text]:
    from rich.text import Text

    yield _head(climb)
    counted = [_Counted.of(each) for each in climb.scenarios]
    head, *rows = _grid(counted, _layers(counted))
    widths = _widths(head, *rows)
    if left_over(room, widths) < LEAST_BAR:
        head, *rows = _grid(counted, (_TOTAL,))
        widths = _widths(head, *rows)
    ruler = Ruler(_extent(climb), max(LEAST_BAR, left_over(room, widths)), pens)
    yield cells_line(_aligned(head, widths), widths, (ruler.scale(), "dim"))
    for each, row in zip(counted, rows, strict=True):
        yield cells_line(_aligned(row, widths), widths, _bar(each.scenario, ruler))
    damaged = (each for each in climb.scenarios if each.is_damaged)
    yield from (Text(f"{safe(each.record.id)}: {safe(each.why)}", "bold red") for each in damaged)
    if any(each.contents and not each.contents.is_watched for each in counted):
        yield line("WRITES ?: capture inactive, so no writes would say nothing", "bold yellow")


def _head(climb: TracedClimb) -> Text:
    facts = [f"{len(climb.scenarios)} scenario{'' if len(climb.scenarios) == 1 else 's'}"]
    if climb.stored:
        facts = [pipeline_status(climb.stored.trace), *facts, f"trace {climb.stored.trace.trace_id}"]
    return joined(line(f"{safe(climb.part)}  ", "bold"), line(safe(", ".join(fact for fact in facts if fact))))


def _layers(counted: Sequence[_Counted]) -> tuple[str, ...]:
    return tuple(layer for layer in Layer if any(each.contents and layer in each.contents.spans for each in counted))


def _grid(counted: Sequence[_Counted], columns: Sequence[str]) -> list[list[Cell]]:
    """Heading and rows, with a column for each layer, or with their sum."""
    return [_words("ID", "VERDICT", "DURATION", "WRITES", *columns), *(_cells(each, columns) for each in counted)]


def _widths(*rows: Sequence[Cell]) -> list[int]:
    first, *others = (max(len(row[at][0]) for row in rows) for at in range(len(rows[0])))
    return [min(first, _LONGEST_ID), *others]


def _cells(each: _Counted, columns: Sequence[str]) -> list[Cell]:
    record = each.scenario.record
    took = took_words(int(record.duration_s * 1e9)) if record.started_at else ""
    counts = [(count, "") for count in each.spans(columns)]
    return [
        (safe(record.id), "bold"),
        (record.verdict.value, STYLES[record.verdict]),
        *_words(took, each.writes),
        *counts,
    ]


def _words(*words: str) -> list[Cell]:
    return [(word, "dim") for word in words]


def _aligned(cells: Sequence[Cell], widths: Sequence[int]) -> list[Cell]:
    """Words to the left, numbers to the right."""
    numbers = [(words.rjust(width), style) for (words, style), width in zip(cells[2:], widths[2:], strict=True)]
    return [*cells[:2], *numbers]


def _bar(scenario: TracedScenario, ruler: Ruler) -> Cell:
    if scenario.stored is None:
        return ("damaged", "bold red") if scenario.is_damaged else (safe(scenario.why), "dim")
    own = extent_of(scenario.stored.trace)
    return ruler.bar(own.start_ns, own.end_ns), STYLES[scenario.record.verdict]


def _extent(climb: TracedClimb) -> Extent:
    found = [extent_of(each.stored.trace) for each in climb.scenarios if each.stored]
    return Extent(min((each.start_ns for each in found), default=0), max((each.end_ns for each in found), default=0))
