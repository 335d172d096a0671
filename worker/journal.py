"""The lines that a worker leaves: on stdout as the work goes, and in its result at the end.

Every line is one physical line of printable ASCII, whatever it was made from, so nothing in a workspace can forge a
second line. A reader who has gone away does not stop the work.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

STDOUT: Final = 1


class Journal:
    """Keeps each line and hands it on at once.

    Args:
        write: Takes one printable line without its newline.
    """

    __slots__ = ("_lines", "_write")

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._lines: list[str] = []

    def emit(self, line: str) -> None:
        """Add a line; what is not printable ASCII appears escaped."""
        printable = "".join(one if " " <= one <= "~" else one.encode("unicode_escape").decode() for one in line)
        self._lines.append(printable)
        self._write(printable)

    @property
    def lines(self) -> tuple[str, ...]:
        """All lines so far, oldest first."""
        return tuple(self._lines)


def write_stdout(line: str) -> None:
    """Write one line to descriptor 1 at once; a closed or full stdout loses the line and nothing else."""
    try:
        # Past sys.stdout: a line left in its buffer after EPIPE would turn exit code 0 into 120.
        os.write(STDOUT, line.encode("ascii") + b"\n")
    except OSError:
        return
