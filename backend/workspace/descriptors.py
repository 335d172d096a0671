"""Descriptors instead of names: what was checked is what is read.

A name in a workspace may mean something else a moment later; an ``O_PATH`` descriptor pins the object itself, opens
nothing (a FIFO does not block, a device does not notice) and follows no link. Content is then read through
``/proc/self/fd``, which leads to the pinned object and not to a name. Doubt: without a mounted ``/proc`` nothing can be
read at all, and every file is reported as unreadable.
"""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PIN: Final = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
SCAN: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# O_NONBLOCK also turns a lease that a worker holds on its file into an error instead of a 45 s wait (fcntl(2)).
READ: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC

_CHUNK: Final = 256 * 1024
_EVERYONE_READS: Final = 0o444


@dataclass(frozen=True, slots=True)
class Pinned:
    """One object of the file system, held by a descriptor, with its ``fstat`` at that moment."""

    fd: int
    stat: os.stat_result

    @property
    def is_directory(self) -> bool:
        """A directory, not a link to one."""
        return stat.S_ISDIR(self.stat.st_mode)

    @property
    def is_link(self) -> bool:
        """A symbolic link, which ``PIN`` holds instead of its target."""
        return stat.S_ISLNK(self.stat.st_mode)

    @property
    def is_regular(self) -> bool:
        """A regular file: the one kind whose content is ever read."""
        return stat.S_ISREG(self.stat.st_mode)


def pin(name: bytes | str | Path, dir_fd: int | None = None) -> Pinned:
    """Pin what a name means now, without following a link in its last component; the caller closes it."""
    return _pinned(os.open(name, PIN, dir_fd=dir_fd))


def pin_again(fd: int) -> Pinned:
    """Pin what a descriptor holds a second time; the caller closes the copy."""
    return _pinned(os.dup(fd))


def _pinned(fd: int) -> Pinned:
    try:
        return Pinned(fd, os.fstat(fd))
    except BaseException:
        os.close(fd)
        raise


@contextmanager
def opened(fd: int) -> Iterator[int]:
    """Close a descriptor at the end of a block."""
    try:
        yield fd
    finally:
        os.close(fd)


def by_descriptor(fd: int) -> str:
    """The path that leads to what a descriptor holds, whatever became of its name."""
    return f"/proc/self/fd/{fd}"


def read_pinned(regular: Pinned, limit: int) -> bytes:
    """Read at most ``limit`` bytes from the start of a pinned regular file, however it grows or shrinks meanwhile."""
    with opened(os.open(by_descriptor(regular.fd), READ)) as fd:
        chunks: list[bytes] = []
        while limit > 0 and (chunk := os.read(fd, min(limit, _CHUNK))):
            chunks.append(chunk)
            limit -= len(chunk)
    return b"".join(chunks)


def may_read(found: os.stat_result, name: str, dir_fd: int | None = None) -> bool:
    """Whether this process may read a file; most modes answer that without another system call."""
    return found.st_mode & _EVERYONE_READS == _EVERYONE_READS or os.access(
        name, os.R_OK, dir_fd=dir_fd, effective_ids=True
    )
