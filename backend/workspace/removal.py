"""Removing what a worker left, whatever it did to make that hard.

No link is followed, depth does not matter, and directories that a worker locked (mode 000) are unlocked through their
descriptors first. What is gone already counts as removed. A tree that changes meanwhile is gone through again a few
times. Doubt: files of another uid, or with an immutable flag, stay; a worker has no right to make either.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

from backend.workspace.descriptors import by_descriptor, opened, pin
from backend.workspace.tree import Directory, TreeCursor

_ATTEMPTS: Final = 10
_CHANGED_MEANWHILE: Final = frozenset({errno.ENOTEMPTY, errno.ESTALE, errno.ENOENT, errno.ENOTDIR, errno.EISDIR})


def open_unlocked(name: str, dir_fd: int) -> int:
    """Open a directory for reading, after giving its owner all rights; links are refused.

    Raises:
        OSError: It is no directory (``ENOTDIR``), or its owner is another user than this process.
    """
    pinned = pin(name, dir_fd)
    with opened(pinned.fd):
        if pinned.is_directory and pinned.stat.st_mode & stat.S_IRWXU != stat.S_IRWXU:
            with suppress(PermissionError):
                # An O_PATH descriptor takes no fchmod (open(2)); its /proc path leads to the same directory.
                Path(by_descriptor(pinned.fd)).chmod(stat.S_IMODE(pinned.stat.st_mode) | stat.S_IRWXU)
        return os.open(by_descriptor(pinned.fd), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def remove_entry(dir_fd: int, name: str) -> None:
    """Remove a file, a link, or a directory with everything below it; afterwards the name is free.

    Raises:
        OSError: Something below it may not be removed, or it kept changing.
    """
    for _ in range(_ATTEMPTS - 1):
        try:
            return _remove(dir_fd, name)
        except OSError as error:
            if error.errno not in _CHANGED_MEANWHILE:
                raise
    return _remove(dir_fd, name)


def _remove(dir_fd: int, name: str) -> None:
    try:
        os.unlink(name, dir_fd=dir_fd)
    except FileNotFoundError:
        return
    except IsADirectoryError:
        with opened(open_unlocked(name, dir_fd)) as fd:
            _empty(fd)
        os.rmdir(name, dir_fd=dir_fd)


def _empty(fd: int) -> None:
    # A directory is on the stack twice: as a name to enter, and then, entered, below its children, to be removed.
    with TreeCursor(fd, open_unlocked) as cursor:
        pending: list[tuple[Directory, str] | Directory] = [(cursor.root, name) for name in _unlink_files(fd)]
        while pending:
            task = pending.pop()
            if isinstance(task, Directory):
                _remove_emptied(cursor, task)
            else:
                entered = cursor.enter(*task)
                pending.append(entered)
                pending += [(entered, name) for name in _unlink_files(cursor.goto(entered))]


def _remove_emptied(cursor: TreeCursor, directory: Directory) -> None:
    if directory.parent is not None:
        os.rmdir(directory.name, dir_fd=cursor.goto(directory.parent))


def _unlink_files(fd: int) -> list[str]:
    directories = []
    with os.scandir(fd) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                directories.append(entry.name)
            else:
                os.unlink(entry.name, dir_fd=fd)
    return directories
