"""Tables of one line a row, and the pieces that their cells are made of.

Data reaches rich as ``Text``, never as markup. Widths are fixed from what is known, except that of one column, which
takes what is left of the screen, so that the columns stay where they are while their contents change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import JustifyMethod
    from rich.table import Table
    from rich.text import Text

Cells = tuple["Text", ...]
"""One row; it may have fewer cells than the table has columns."""

LONGEST: Final = 0
"""As a width: that of the column's longest text."""

REST: Final = -1
"""As a width: what the others leave, if so much is needed. One column has it."""

_LEAST_REST: Final = 8
_GAP: Final = 2


def table(rows: Sequence[Cells], widths: tuple[int, ...], room: int) -> Table:
    """Draw the rows, the last column aligned to the right.

    Args:
        rows: From top to bottom.
        widths: Columns of the screen for each column of the table, or ``LONGEST``, or ``REST``.
        room: Columns of the screen for all of it.
    """
    from rich.table import Table

    drawn = Table(box=None, show_header=False, pad_edge=False, padding=(0, _GAP, 0, 0))
    last = len(widths) - 1
    for at, width in enumerate(_fitted(rows, widths, room)):
        justify: JustifyMethod = "right" if at == last else "left"
        drawn.add_column(width=width, justify=justify, no_wrap=True, overflow="ellipsis")
    for row in rows:
        drawn.add_row(*row)
    return drawn


def _fitted(rows: Sequence[Cells], widths: tuple[int, ...], room: int) -> list[int]:
    longest = [max((row[at].cell_len for row in rows if at < len(row)), default=0) for at in range(len(widths))]
    fixed = [want or found for want, found in zip(widths, longest, strict=True)]
    rest = fixed.index(REST)
    left = room - (sum(fixed) - REST) - _GAP * (len(fixed) - 1)
    fixed[rest] = max(_LEAST_REST, min(longest[rest], left))
    return fixed


def joined(*parts: Text) -> Text:
    """One line of several pieces, each in its own style."""
    return line("").join(parts)


def line(text: str, style: str = "") -> Text:
    """Text that is cut where the room ends."""
    from rich.text import Text

    return Text(text, style, no_wrap=True, overflow="ellipsis")
