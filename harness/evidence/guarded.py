"""A folder that only we write: private, without links, each file once. The only module that touches its files.

Everything is reached from the folder's own descriptor, name by name and never through a link, so that nobody can put
something else in the way. Files are 0600, folders 0700. Failures of the file system become errors that name the file.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from harness.evidence.faults import UnwritableError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PRIVATE_FILE: Final = 0o600
PRIVATE_FOLDER: Final = 0o700

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_END: Final = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@contextmanager
def translated(what: object) -> Iterator[None]:
    """Turn a failure of the file system into an error that names the file and the reason."""
    try:
        yield
    except OSError as error:
        message = f"evidence cannot be written: {what}: {error.strerror}"
        hint = "free space, make the evidence folder writable, or choose another one with --out"
        raise UnwritableError("evidence-unwritable", message, hint) from error


def open_folder(path: Path) -> int:
    """Open a folder that must be one, not a link to one."""
    return os.open(path, _FOLDER)


def open_root(path: Path) -> int:
    """Open an evidence root, which whoever named it may well have made a link to another disk."""
    return os.open(path, _FOLDER & ~os.O_NOFOLLOW)


def open_folder_at(folder: int, name: str) -> int:
    """Open a folder below an open one; a link is refused."""
    return os.open(name, _FOLDER, dir_fd=folder)


def lock(folder: int) -> None:
    """Take the lock of an open folder until it is closed, waiting for readers that only try it."""
    fcntl.flock(folder, fcntl.LOCK_EX)


def try_lock(folder: int) -> bool:
    """Take the lock of an open folder until it is closed; ``False`` when another process holds it."""
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_locked(path: Path) -> bool:
    """Whether a living process holds the lock of a folder; ``False`` when the folder cannot be opened."""
    try:
        descriptor = open_folder(path)
    except OSError:
        return False
    try:
        # Shared, so that two that ask at the same time do not take one another for a run.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def stored_text(path: Path) -> str:
    """Read a file that others may have put there: a link is not followed, and a pipe or a device is not waited for.

    Raises:
        OSError: It is no regular file, or cannot be read.
        UnicodeDecodeError: It is no UTF-8.
    """
    with os.fdopen(os.open(path, _READ), encoding="utf-8") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        return file.read()


def read_at(folder: int, name: str) -> bytes | None:
    """Read a regular file of an open folder; ``None`` when nothing of that name is there.

    Raises:
        OSError: It is a link or no regular file, or cannot be read.
    """
    try:
        descriptor = os.open(name, _READ, dir_fd=folder)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", name)
        return file.read()


def append_at(folder: int, name: str, data: bytes) -> None:
    """Add to the end of a file of an open folder and force it to disk; the file is made when it is not there.

    Raises:
        OSError: It is a link, or cannot be written.
    """
    file = os.open(name, _END, PRIVATE_FILE, dir_fd=folder)
    try:
        write_all(file, data)
        os.fsync(file)
    finally:
        os.close(file)


@dataclass(frozen=True, slots=True)
class Found:
    """Something in the folder, by its path below it."""

    path: str
    mode: int

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file; anything else that is no folder has no place here."""
        return stat.S_ISREG(self.mode)


class GuardedFolder:
    """Writes below one open folder; paths are checked before they come here."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def create(self, path: str, data: bytes) -> None:
        """Write a new file."""
        with translated(path):
            file = self.create_open(path, 0)
            try:
                write_all(file, data)
            finally:
                os.close(file)

    def create_open(self, path: str, flags: int) -> int:
        """Make a new file and return its descriptor."""
        with self._parent(path) as (parent, name):
            return os.open(name, _NEW | flags, PRIVATE_FILE, dir_fd=parent)

    def replace(self, path: str, data: bytes) -> None:
        """Write a file anew: a neighbour is filled, flushed to disk and renamed, so readers see the old or the new."""
        with translated(path), self._parent(path) as (parent, name):
            new = f".{name}.new"
            # Left by a write that failed before; only this process writes here.
            with suppress(FileNotFoundError):
                os.unlink(new, dir_fd=parent)
            file = os.open(new, _NEW, PRIVATE_FILE, dir_fd=parent)
            try:
                write_all(file, data)
                os.fsync(file)
            finally:
                os.close(file)
            os.rename(new, name, src_dir_fd=parent, dst_dir_fd=parent)
            os.fsync(parent)

    def remove(self, path: str) -> None:
        """Remove a file."""
        with translated(path), self._parent(path) as (parent, name):
            os.unlink(name, dir_fd=parent)

    def read(self, path: str) -> bytes:
        """Read a whole file."""
        with translated(path), self._parent(path) as (parent, name):
            file = os.fdopen(os.open(name, _READ, dir_fd=parent), "rb")
            with file:
                return file.read()

    def walk(self) -> Iterator[Found]:
        """Everything that is no folder, in any order."""
        with translated("."):
            for base, folders, files, parent in os.fwalk(".", dir_fd=self._descriptor):
                for name in (*folders, *files):
                    mode = os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode
                    # fwalk counts a link to a folder among the folders.
                    if not stat.S_ISDIR(mode):
                        yield Found(os.path.normpath(f"{base}/{name}"), mode)

    def flush(self) -> None:
        """Force files and folders to disk, contents before the names that lead to them."""
        with translated("."):
            for _, _, files, parent in os.fwalk(".", topdown=False, dir_fd=self._descriptor):
                for name in files:
                    _flush_file(name, parent)
                os.fsync(parent)

    def make_read_only(self) -> None:
        """Take every write bit away: files first, then the folders that hold them."""
        with translated("."):
            for _, _, files, parent in os.fwalk(".", topdown=False, dir_fd=self._descriptor):
                for name in files:
                    os.chmod(name, PRIVATE_FILE & 0o444, dir_fd=parent)
                os.fchmod(parent, PRIVATE_FOLDER & 0o555)

    @contextmanager
    def _parent(self, path: str) -> Iterator[tuple[int, str]]:
        *folders, name = path.split("/")
        parent = os.dup(self._descriptor)
        try:
            for folder in folders:
                with suppress(FileExistsError):
                    os.mkdir(folder, PRIVATE_FOLDER, dir_fd=parent)
                inner = os.open(folder, _FOLDER, dir_fd=parent)
                os.close(parent)
                parent = inner
            yield parent, name
        finally:
            os.close(parent)


def write_all(descriptor: int, data: bytes) -> None:
    """Write until nothing is left; one call is enough but for signals and full disks."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _flush_file(name: str, parent: int) -> None:
    file = os.open(name, _READ, dir_fd=parent)
    try:
        os.fsync(file)
    finally:
        os.close(file)
