"""Follows the log of a run as it grows, whole line by whole line, through its renaming at the end.

The log is opened once: the file stays the same when its folder gets its final name. A run has ended when nobody holds
its folder any more; whether it was sealed by then is looked up, not guessed.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from harness.evidence.event_lines import decode
from harness.evidence.faults import EvidenceError
from harness.evidence.guarded import open_folder
from harness.evidence.layout import EVENTS
from harness.evidence.reading import RunCondition, read_entry
from harness.evidence.records import DamagedRecordError

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

    from harness.evidence.event_lines import Entry
    from harness.evidence.reading import RunEntry

AT_ONCE: Final = 1 << 20
"""Bytes that are read in one turn, so that a long log lets others have theirs."""

MAX_LINE: Final = 16 << 20

_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Follower:
    """The log of one run."""

    def __init__(self, root: Path, entry: RunEntry) -> None:
        self._root, self._entry = root, entry
        self._rest = b""
        self._file = self._opened()
        self.last = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file >= 0:
            os.close(self._file)

    def read(self) -> list[Entry]:
        """The lines that came since; none does not mean that it is over.

        Raises:
            EvidenceError: ``events-damaged``.
        """
        if self._file < 0:
            # A run that has only just begun has no log yet.
            self._file = self._opened()
        data = self._rest + (os.read(self._file, AT_ONCE) if self._file >= 0 else b"")
        *lines, self._rest = data.split(b"\n")
        if len(self._rest) > MAX_LINE:
            raise EvidenceError("events-damaged", f"line {self.last + 1} is too long", "")
        return [self._decoded(line) for line in lines]

    def state(self) -> RunCondition:
        """What the run is by now."""
        for folder in (self._root / self._entry.name, self._entry.folder):
            if folder.is_dir():
                return read_entry(folder).condition
        return RunCondition.DAMAGED

    def _decoded(self, line: bytes) -> Entry:
        try:
            found = decode(line.decode())
        except (DamagedRecordError, UnicodeDecodeError) as error:
            raise EvidenceError("events-damaged", f"line {self.last + 1}: {error}", "") from None
        self.last += 1
        return found

    def _opened(self) -> int:
        """The log's descriptor, or -1 while there is none; the folder may have got its final name meanwhile."""
        opened = (_log_of(folder) for folder in (self._entry.folder, self._root / self._entry.name))
        return next((file for file in opened if file >= 0), -1)


def _log_of(folder: Path) -> int:
    """The log of a folder, or -1; what is no regular file is none."""
    with suppress(OSError):
        descriptor = open_folder(folder)
        try:
            file = os.open(EVENTS, _FILE, dir_fd=descriptor)
        finally:
            os.close(descriptor)
        if stat.S_ISREG(os.fstat(file).st_mode):
            return file
        os.close(file)
    return -1
