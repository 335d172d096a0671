"""Foreign text in Markdown as GitHub reads it: shown as it is, and never a link, an image, markup or another cell.

A code span is what every reader of Markdown leaves alone: no addresses, mentions, references or emoji are looked for in
it. What could end one is the fence, which is made longer than any run of backticks inside, and in a table the pipe.
"""

from __future__ import annotations

import html
import re
from typing import Final

from harness.evidence.printable import one_line, shortened

LONGEST: Final = 300
"""Characters of one text."""

_BACKTICKS: Final = re.compile("`+")
_PIPE: Final = re.compile(r"(\\*)\|")


def code(text: str, *, limit: int = LONGEST) -> str:
    """A text as a code span; nothing for an empty one."""
    safe = shortened(one_line(text), limit)
    if not safe.strip():
        return ""
    fence = "`" * (1 + max(map(len, _BACKTICKS.findall(safe)), default=0))
    # A span may not begin or end with a backtick; one space on both sides is taken off by the reader.
    return f"{fence} {safe} {fence}" if safe[0] in "` " or safe[-1] in "` " else f"{fence}{safe}{fence}"


def cell(text: str, *, limit: int = LONGEST) -> str:
    """A text as a code span in a table, where the row is cut at its pipes before any span is looked for."""
    return _PIPE.sub(_escaped, code(text, limit=limit))


def inside_html(text: str, *, limit: int = LONGEST) -> str:
    """A text for a line of HTML, where no Markdown is read; in ``code`` nobody looks for mentions."""
    return f"<code>{html.escape(shortened(one_line(text), limit))}</code>"


def row(cells: tuple[str, ...]) -> str:
    """One row of a table; the cells are Markdown already."""
    return "| " + " | ".join(cells) + " |\n"


def _escaped(found: re.Match[str]) -> str:
    """A pipe after an even number of backslashes, and one of its own: some readers count them, others look back."""
    before = found[1]
    return before + ("\\" if len(before) % 2 else "") + "\\|"
