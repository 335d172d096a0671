"""Follows one log of a run as it grows, whole line by whole line, through the run's renaming at the end.

A log is opened once: the file stays the same when its folder gets its final name. A run has ended when nobody holds
its folder any more; whether it was sealed by then is looked up, not guessed.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from harness.evidence.event_lines import decode
from harness.evidence.faults import EvidenceError
from harness.evidence.guarded import is_locked, open_folder, open_folder_at
from harness.evidence.layout import PARTIAL_SUFFIX
from harness.evidence.paths import fault_of
from harness.evidence.reading import RunCondition, read_entry
from harness.evidence.records import DamagedRecordError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.evidence.event_lines import Entry

AT_ONCE: Final = 1 << 20
"""Bytes that are read in one turn, so that a long log lets others have theirs."""

MAX_LINE: Final = 16 << 20

_TOO_LONG: Final = f"it has more than {MAX_LINE} bytes"

_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Place:
    """The folder of a run, whichever of its two names it has by now."""

    def __init__(self, root: Path, name: str) -> None:
        self.partial, self.final = root / f"{name}{PARTIAL_SUFFIX}", root / name

    def is_running(self) -> bool:
        """Whether a process holds the folder; nothing is read for it, since it is asked several times a second."""
        return is_locked(self.partial)

    def is_finished(self) -> bool:
        """Whether the run was sealed."""
        return self.final.is_dir() and read_entry(self.final).condition is RunCondition.FINISHED

    def opened(self, path: str) -> int:
        """The descriptor of a file of the run, or -1; what is a link, no regular file or lies elsewhere is none."""
        found = (opened(folder, path) for folder in (self.partial, self.final))
        return next((file for file in found if file >= 0), -1)


class Follower:
    """One log of a run.

    Attributes:
        last: Number of the last line that was read.
    """

    def __init__(self, place: Place, path: str) -> None:
        self._place, self._path = place, path
        self._rest, self._fault = b"", ""
        self._file = -1
        self.last = 0

    def close(self) -> None:
        """Let the log go."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def read(self) -> list[Entry]:
        """The lines that came since; none says that the log has no more whole ones by now, not that it is over.

        Raises:
            EvidenceError: ``events-damaged``.
        """
        if self._file < 0:
            # A run that has only just begun has no log yet.
            self._file = self._place.opened(self._path)
        found: list[Entry] = []
        while not found and not self._fault and (data := self._more()):
            *lines, self._rest = (self._rest + data).split(b"\n")
            found = list(self._decoded(lines))
        if self._fault and not found:
            raise EvidenceError("events-damaged", self._fault, "")
        return found

    def _more(self) -> bytes:
        return os.read(self._file, AT_ONCE) if self._file >= 0 else b""

    def _decoded(self, lines: list[bytes]) -> Iterator[Entry]:
        """Whole lines as far as they can be read; those before a fault are told before it is."""
        for line in lines:
            try:
                found = decode(_bounded(line).decode())
            except (DamagedRecordError, UnicodeDecodeError, OverflowError) as error:
                self._fault = f"line {self.last + 1}: {error}"
                return
            self.last += 1
            yield found
        if len(self._rest) > MAX_LINE:
            self._fault = f"line {self.last + 1}: {_TOO_LONG}"


def _bounded(line: bytes) -> bytes:
    if len(line) > MAX_LINE:
        raise DamagedRecordError(_TOO_LONG)
    return line


def opened(folder: Path, path: str) -> int:
    """The descriptor of a file below a folder, or -1; as ``Place.opened``."""
    if fault_of(path):
        return -1
    *below, name = path.split("/")
    with suppress(OSError):
        parent = open_folder(folder)
        try:
            for inner in below:
                found = open_folder_at(parent, inner)
                os.close(parent)
                parent = found
            file = os.open(name, _FILE, dir_fd=parent)
        finally:
            os.close(parent)
        if stat.S_ISREG(os.fstat(file).st_mode):
            return file
        os.close(file)
    return -1
