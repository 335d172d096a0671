"""Draws stored traces where they are wanted: in colour on a terminal, as plain text for a file or a pipe.

Nothing is obeyed that a trace says: it reaches rich as text, never as markup, with every sign spelt out that a
terminal would act on.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any, Final

from harness.terminal.quiet_stream import quiet
from harness.terminal.waterfall_climb import ClimbPicture
from harness.terminal.waterfall_documents import run_document, trace_document
from harness.terminal.waterfall_trace import TracePicture
from harness.traces.reading import TracedRun

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from harness.traces.reading import OneTrace

PLAIN_WIDTH: Final = 100
"""Columns where there is no screen and COLUMNS says nothing."""

_DIGITS: Final = 4
"""Of a width that can be meant."""


def document_of(found: TracedRun | OneTrace, *, fold: bool) -> dict[str, Any]:
    """The same for programs."""
    return run_document(found) if isinstance(found, TracedRun) else trace_document(found, fold=fold)


def draw(found: TracedRun | OneTrace, stream: IO[str], environ: Mapping[str, str], *, fold: bool) -> None:
    """Draw a run or one trace.

    Args:
        found: What ``harness.traces.reading`` found.
        stream: Standard output; when it breaks, nobody reads on.
        environ: For TERM, COLUMNS and NO_COLOR.
        fold: Whether look-alikes are one line.
    """
    picture = ClimbPicture(found) if isinstance(found, TracedRun) else TracePicture(found, fold=fold)
    _console(stream, environ).print(picture)


def _console(stream: IO[str], environ: Mapping[str, str]) -> Console:
    from rich.console import Console

    out = quiet(stream)
    is_screen = out.isatty() and environ.get("TERM", "dumb") not in {"dumb", "unknown", ""}
    return Console(
        file=out,
        force_terminal=is_screen,
        no_color=bool(environ.get("NO_COLOR")),
        width=_width(environ, is_screen=is_screen),
        emoji=False,
        markup=False,
        highlight=False,
        legacy_windows=False,
        # It reads COLUMNS itself, and stumbles over digits that are none of ASCII.
        _environ={name: value for name, value in environ.items() if name not in {"COLUMNS", "LINES"}},
    )


def _width(environ: Mapping[str, str], *, is_screen: bool) -> int | None:
    wanted = environ.get("COLUMNS", "")
    if wanted.isascii() and wanted.isdigit() and len(wanted) <= _DIGITS and int(wanted):
        return int(wanted)
    return None if is_screen else PLAIN_WIDTH
