"""A run's folder while it is being written: private, marked partial, and never mixed with another run's.

``Staging.open`` makes ``<UTC>.partial`` exclusively; a second that is taken means the next one. Whatever ends the
process, the name says that the run is not finished, and so does a note inside; only ``finishing.finish`` removes both.
A lock on the folder lasts as long as the process, so that a reader can tell a running run from a killed one.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Self

from harness.errors import PrerequisiteError
from harness.evidence.faults import UnwritableError
from harness.evidence.guarded import PRIVATE_FOLDER, GuardedFolder, lock, open_folder, translated, write_all
from harness.evidence.layout import PARTIAL_NOTE, PARTIAL_SUFFIX
from harness.evidence.paths import Names, checked
from harness.evidence.timestamps import folder_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from harness.redaction.redacted import RedactedText

MAX_SECONDS_AHEAD: Final = 600
"""So many runs in one second is no run of ours."""

_UNFINISHED: Final = "This run is not finished. Nothing in this folder counts as evidence.\n"


class AppendLog:
    """A file that grows by whole lines; each reaches the system in one call before ``append`` returns."""

    def __init__(self, descriptor: int, path: str) -> None:
        self._descriptor = descriptor
        self._path = path
        self._lock = threading.Lock()

    def append(self, line: RedactedText) -> None:
        """Write one line; the line feed is added.

        Raises:
            ValueError: The text has a line feed, so that it would be read as two lines.
        """
        if "\n" in line:
            msg = "a line of a log holds no line feed"
            raise ValueError(msg)
        with self._lock, translated(self._path):
            write_all(self._descriptor, encoded(line) + b"\n")

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)


class Staging:
    """One run's folder, open for writing.

    Attributes:
        root: The evidence root.
        name: What the folder will be called, such as ``2025-11-14T17:14:05Z``.
        folder: Where it lies now.
    """

    def __init__(self, root: Path, name: str, descriptor: int) -> None:
        self.root = root
        self.name = name
        self.folder = root / f"{name}{PARTIAL_SUFFIX}"
        self.files = GuardedFolder(descriptor)
        self._descriptor = descriptor
        self._names = Names()
        self._derived: dict[str, str] = {}
        self._logs: list[AppendLog] = []
        self._lock = threading.Lock()

    @classmethod
    def open(cls, root: Path, now: datetime) -> Self:
        """Make the folder of a run that starts now.

        Raises:
            PrerequisiteError: ``evidence-unwritable``, or ``evidence-seconds-taken`` when no near second is free.
        """
        with translated(root):
            root.mkdir(parents=True, exist_ok=True)
            for ahead in range(MAX_SECONDS_AHEAD):
                name = folder_name(now + timedelta(seconds=ahead))
                if _claim(root, name):
                    return cls._claimed(root, name)
        message = f"{root}: the folders of {MAX_SECONDS_AHEAD} seconds from {folder_name(now)} on are all taken"
        raise PrerequisiteError("evidence-seconds-taken", message, "set the clock, or choose another --out")

    @classmethod
    def _claimed(cls, root: Path, name: str) -> Self:
        descriptor = open_folder(root / f"{name}{PARTIAL_SUFFIX}")
        lock(descriptor)
        staging = cls(root, name, descriptor)
        staging.files.create(PARTIAL_NOTE, _UNFINISHED.encode())
        return staging

    def write(self, path: str, text: RedactedText, *, derived_from: str = "") -> None:
        """Write a new file.

        Args:
            path: Relative to the run's folder.
            text: What the redactor has passed.
            derived_from: The scenario that it was copied from; empty for an observation of its own.

        Raises:
            UsageError: The path is unsafe, taken, or clashes with another in case.
            PrerequisiteError: ``evidence-unwritable``.
        """
        with self._lock:
            self._names.take(path)
            if derived_from:
                self._derived[path] = derived_from
        self.files.create(path, encoded(text))

    def replace(self, path: str, text: RedactedText) -> None:
        """Write a record that grows with the run, such as ``run.json``; readers see the old or the new.

        Raises:
            UsageError: As ``write``, except that the path may be taken by an earlier ``replace`` or ``write``.
        """
        with self._lock:
            if checked(path) not in self._names:
                self._names.take(path)
            self.files.replace(path, encoded(text))

    def log(self, path: str) -> AppendLog:
        """Open a new file that grows line by line."""
        with self._lock:
            self._names.take(path)
        with translated(path):
            log = AppendLog(self.files.create_open(path, os.O_APPEND), path)
        self._logs.append(log)
        return log

    def end_log(self, log: AppendLog) -> None:
        """Close one log that nothing is appended to any more; a run of many trials would run out of open files."""
        with self._lock:
            self._logs.remove(log)
        log.close()

    @property
    def written(self) -> frozenset[str]:
        """Paths of everything written so far."""
        return frozenset(self._names)

    @property
    def derived(self) -> Mapping[str, str]:
        """Path → scenario that the file was copied from."""
        return self._derived

    def abandon(self, reason: RedactedText) -> None:
        """End without a bundle: the folder stays ``.partial``, and the note in it says why."""
        # On a full disk the first note stays, which says enough; the error that is on its way says more.
        with suppress(UnwritableError):
            self.files.replace(PARTIAL_NOTE, encoded(reason) + b"\n" + _UNFINISHED.encode())
        self.close()

    def close_logs(self) -> None:
        """Close what grows; nothing can be appended any more."""
        while self._logs:
            self._logs.pop().close()

    def close(self) -> None:
        """Close everything; the folder is left as it is."""
        self.close_logs()
        os.close(self._descriptor)


def encoded(text: RedactedText) -> bytes:
    r"""UTF-8; a lone surrogate, which has none, is spelt ``\udc80``, which JSON reads as what it was."""
    return text.encode("utf-8", "backslashreplace")


def _claim(root: Path, name: str) -> bool:
    partial = root / f"{name}{PARTIAL_SUFFIX}"
    with suppress(FileExistsError):
        partial.mkdir(mode=PRIVATE_FOLDER)
        # Asked after the mkdir: a run that ended in between was renamed away from this very name.
        if not os.path.lexists(root / name):
            return True
        partial.rmdir()
    return False
