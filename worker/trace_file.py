"""``.codex/trace.jsonl``: fresh for each job, only ever longer, and never longer than its limit.

A line is written at once and whole, or taken back; it is not flushed to disk, so it outlives the process and not a loss
of power. The file is reached like every other, from the workspace's descriptor and through no link, and stays open: who
renames or replaces it meanwhile gets no more lines. What a job may do to it afterwards is for its reader to suspect.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from worker.contract import CODEX_DIR, MAX_TRACE_BYTES, TRACE_PATH
from worker.workspace import FILE_MODE, NEW_FILE

if TYPE_CHECKING:
    from worker.workspace import Workspace

NAME: Final = TRACE_PATH.removeprefix(f"{CODEX_DIR}/")
RESERVE: Final = 4096
"""Kept free for the last line, which tells what had to be left out; no line is half as long."""


class TraceFullError(Exception):
    """The file has no room for the line."""


class TraceFile:
    """The trace file of one run; every method but ``close`` may raise, and none is worth a failed job."""

    __slots__ = ("_descriptor", "_size", "_workspace")

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._descriptor: int | None = None
        self._size = 0

    def clear(self) -> None:
        """Remove the file of an earlier job.

        Raises:
            OSError: Something that is no file or link has its name, or it may not be removed.
            PathError: ``.codex`` has gone, or has become a link.
        """
        with self._workspace.directory((CODEX_DIR,)) as codex, suppress(FileNotFoundError):
            os.unlink(NAME, dir_fd=codex)

    def create(self) -> None:
        """Make the file, which must not be there; raises like ``clear``."""
        with self._workspace.directory((CODEX_DIR,)) as codex:
            self._descriptor = os.open(NAME, NEW_FILE | os.O_APPEND, 0o600, dir_fd=codex)
            os.fchmod(self._descriptor, FILE_MODE)

    def append(self, line: bytes, *, last: bool = False) -> None:
        """Write one line, all of it or nothing; the last one may use the room that is kept for it.

        Raises:
            TraceFullError: It does not fit.
            OSError: It cannot be written, for instance because there is no file.
        """
        if self._size + len(line) > MAX_TRACE_BYTES - (0 if last else RESERVE):
            raise TraceFullError
        if self._descriptor is None:
            msg = "there is no trace file"
            raise OSError(msg)
        written = os.write(self._descriptor, line)
        if written < len(line):
            os.ftruncate(self._descriptor, self._size)
            msg = "the line did not fit on the disk"
            raise OSError(msg)
        self._size += written

    def close(self) -> None:
        """Close the file; harmless when there is none."""
        if self._descriptor is not None:
            with suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = None
