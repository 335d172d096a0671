"""Where the index lies: a folder below the evidence root that is ours alone, and the lock under which it is changed.

What somebody else owns or may write is not believed: whoever can write the index could make a red run look green.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from harness.evidence.guarded import PRIVATE_FOLDER, open_folder_at, open_root, try_lock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HIDDEN: Final = ".ladder"
FILE: Final = "index.sqlite3"

_PAUSE_S: Final = 0.01
_NO_FOLDER: Final = frozenset({errno.ELOOP, errno.ENOTDIR})


class BypassedError(Exception):
    """The index cannot be used now, and is left as it is; the message is for people, without a subject."""


@contextmanager
def hidden(root: Path, *, makes: bool = False) -> Iterator[int | None]:
    """Open the folder of the index; ``None`` when there is none, and with ``makes`` when none can be made.

    Raises:
        BypassedError: It is a link, or somebody else's.
        OSError: It cannot be opened.
    """
    try:
        outer = open_root(root)
    except FileNotFoundError:
        yield None
        return
    try:
        if makes:
            _make(outer)
        inner = _open(outer)
    finally:
        os.close(outer)
    try:
        yield inner
    finally:
        if inner is not None:
            os.close(inner)


def _make(root: int) -> None:
    """An evidence root that is somebody else's gets no index of ours, which they could not use."""
    if os.fstat(root).st_uid == os.geteuid():
        # Where it is there, or the disk may not be written, the look after this one tells.
        with suppress(OSError):
            os.mkdir(HIDDEN, PRIVATE_FOLDER, dir_fd=root)


def _open(root: int) -> int | None:
    try:
        folder = open_folder_at(root, HIDDEN)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno in _NO_FOLDER:
            raise BypassedError("is not used, because its folder is none or a link") from None
        raise
    if not _is_private(os.fstat(folder)):
        os.close(folder)
        raise BypassedError("is not used, because its folder is somebody else's or others may write it")
    return folder


def own_file(folder: int) -> int:
    """The inode of the index in its open folder; 0 when there is none.

    Raises:
        BypassedError: It is no file of ours alone.
    """
    try:
        found = os.stat(FILE, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return 0
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1 or not _is_private(found):
        raise BypassedError("is not used, because it is somebody else's, a link, or others may write it")
    return found.st_ino


@contextmanager
def locked(folder: int, patience_s: float) -> Iterator[None]:
    """Hold the lock under which the index is changed; it ends with the process at the latest.

    Raises:
        BypassedError: Another process held it all the time.
    """
    deadline = time.monotonic() + patience_s
    while not try_lock(folder):
        if time.monotonic() >= deadline:
            raise BypassedError("is being written by another process")
        time.sleep(_PAUSE_S)
    # Given back when the folder is closed, right after this.
    yield


def _is_private(found: os.stat_result) -> bool:
    return found.st_uid == os.geteuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
