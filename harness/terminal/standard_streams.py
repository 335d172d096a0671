"""The three standard streams of the process, made harmless: closed ones at the start, broken ones at the end.

A closed stream is opened on nothing, for the first file of a run would get its number otherwise, and whatever writes
to standard error would write into evidence. A pipe that nobody reads any more, or a full device behind standard output,
must not turn the exit code of a run into the interpreter's own; a command whose result could not be written says so.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from harness.errors import PrerequisiteError

_NAMES = ("stdin", "stdout", "stderr")


def open_closed() -> None:
    """Open those that are closed, on nothing. To be called before anything else is opened."""
    for descriptor, name in enumerate(_NAMES):
        try:
            os.fstat(descriptor)
        except OSError:
            _on_nothing(descriptor)
        if getattr(sys, name) is None:
            file = Path(os.devnull).open("r" if name == "stdin" else "w", encoding="utf-8")  # noqa: SIM115  # for good
            setattr(sys, name, file)


def write_result(text: str) -> None:
    """Write what a command was asked for; whoever closed the pipe has read enough.

    Raises:
        PrerequisiteError: ``output-unwritable``; a result that nobody got is none.
    """
    try:
        sys.stdout.write(text if text.endswith("\n") else f"{text}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        sys.stdout = None
    except OSError as error:
        message = f"standard output cannot be written: {error.strerror}"
        raise PrerequisiteError("output-unwritable", message, "make room, or write it elsewhere") from error


def settle() -> None:
    """Write what is left; where that fails nobody wants it, and the interpreter must not find out at its end."""
    for descriptor, stream in ((1, sys.stdout), (2, sys.stderr)):
        if stream is None:
            continue
        try:
            stream.flush()
        except (OSError, ValueError):
            _on_nothing(descriptor)


def _on_nothing(descriptor: int) -> None:
    nothing = os.open(os.devnull, os.O_RDWR)
    if nothing != descriptor:
        os.dup2(nothing, descriptor)
        os.close(nothing)
