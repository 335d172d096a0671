"""Lines of a waterfall: cells cut to their column, and bars to scale, in signs that the screen has.

Bars are computed in whole numbers, since far-off times lose their last digits as floats. What lies outside the extent
is drawn at its edge.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from harness.terminal.table import joined, line
from harness.terminal.waterfall_words import TIMES
from harness.terminal.wording import span as long_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console
    from rich.text import Text

    from harness.terminal.waterfall_rows import Extent

    Cell = tuple[str, str]
    """Text and style."""

LEAST_BAR: Final = 10
_GAP: Final = 2
_MS: Final = 1_000_000
_TENTH: Final = 10
_HUNDRED: Final = 100
_THOUSAND: Final = 1000
_MINUTE_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class Pens:
    """The signs that the encoding of a screen has."""

    full: str
    unknown: str
    times: str

    @classmethod
    def of(cls, console: Console) -> Pens:
        """Blocks where they can be shown."""
        return cls("█", "░", TIMES) if console.encoding.startswith("utf") else cls("#", ".", "x")

    def written(self, words: str) -> str:
        """Words of ours in signs that are there."""
        return words.replace(TIMES, self.times)


@dataclass(frozen=True, slots=True)
class Ruler:
    """A column of bars.

    Attributes:
        width: Columns of the screen.
    """

    extent: Extent
    width: int
    pens: Pens

    def scale(self) -> str:
        """Its heading."""
        return "0" + took_words(self.extent.end_ns - self.extent.start_ns).rjust(self.width - 1)

    def bar(self, start_ns: int, end_ns: int | None) -> str:
        """Where something lies, one sign at least; what never ended reaches to the edge."""
        whole = max(1, self.extent.end_ns - self.extent.start_ns)
        first = _within((start_ns - self.extent.start_ns) * self.width // whole, self.width - 1)
        if end_ns is None:
            return " " * first + self.pens.full + self.pens.unknown * (self.width - first - 1)
        last = _within(-(-(end_ns - self.extent.start_ns) * self.width // whole), self.width)
        return " " * first + self.pens.full * max(1, last - first)


def cells_line(cells: Sequence[Cell], widths: Sequence[int], last: Cell = ("", "")) -> Text:
    """One line: cells padded or cut to their columns, and one that takes what is left."""
    return joined(*_padded(cells, widths), line(*last))


def _padded(cells: Sequence[Cell], widths: Sequence[int]) -> Iterator[Text]:
    for (words, style), width in zip(cells, widths, strict=True):
        cell = line(words, style)
        cell.truncate(width, overflow="ellipsis", pad=True)
        yield cell
        yield line(" " * _GAP)


def shortened_before(words: str, ending: str, width: int) -> str:
    """Words cut so that an ending, which must not be lost, has room behind them."""
    from rich.cells import cell_len

    if not ending or cell_len(words) + cell_len(ending) <= width:
        return words + ending
    kept = line(words)
    kept.truncate(max(1, width - cell_len(ending)), overflow="ellipsis")
    return kept.plain + ending


def left_over(room: int, widths: Sequence[int]) -> int:
    """Columns of the screen that these columns and their gaps leave."""
    return room - sum(widths) - _GAP * len(widths)


def took_words(ns: int) -> str:
    """A duration for people: ``0.16 ms``, ``10.7 ms``, ``389 ms``, ``1.23 s``, ``2 min 05 s``."""
    ms = ns / _MS
    if ms < _TENTH:
        return f"{ms:.2f} ms"
    if ms < _HUNDRED:
        return f"{ms:.1f} ms"
    if ms < _THOUSAND:
        return f"{ms:.0f} ms"
    return f"{ms / _THOUSAND:.2f} s" if ms < _MINUTE_MS else long_words(ms / _THOUSAND)


def _within(cell: int, most: int) -> int:
    return max(0, min(cell, most))
