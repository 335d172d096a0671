"""Reading one file and listing all of them, for people who trust nothing in the workspace.

Decides what is a readable file: a regular one inside the root, reached by any links that stay inside. Refuses links
out, FIFOs, sockets, devices and directories, none of which is ever opened. A listing names what a read of the same
moment would find; names that JSON cannot carry and paths too long to ask for are left out. Doubt: a file that is
written while it is read may be seen half old and half new; the result is safe from that because it is renamed in.
"""

from __future__ import annotations

import base64
import hashlib
import os
import sys
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from backend.workspace.descriptors import PIN, SCAN, by_descriptor, may_read, opened, read_pinned
from backend.workspace.errors import FileMissingError, FileTooLargeError, WorkspaceError, fault_of, shown
from backend.workspace.paths import MAX_PATH_BYTES, Budget, Start, refuse_escapes, resolve, resolve_from
from backend.workspace.tree import Directory, TreeWalk

if TYPE_CHECKING:
    from pathlib import Path

    from backend.workspace.paths import Resolved

_LINK_STEPS: Final = 500_000
"""For all links of one listing together, about a second; 10,000 links over ten directories each need a fifth."""

_BLOCK: Final = 512
"""Unit of ``st_blocks`` (stat(3type)), whatever the file system's own block size."""


class Encoding(StrEnum):
    """How ``contents`` spells the bytes of a file."""

    UTF_8 = "utf-8"
    BASE64 = "base64"


@dataclass(frozen=True, slots=True)
class FileContent:
    """A file as it was read once.

    Attributes:
        path: As the caller asked.
        real_path: Relative path of the file itself, behind all links.
        contents: The exact text, byte-order mark and line ends included; or standard padded base64 (RFC 4648 §4).
        sha256: Hex digest of ``data``.
    """

    path: str
    real_path: str
    data: bytes
    encoding: Encoding
    contents: str
    sha256: str


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One line of a listing: relative ``/`` separated path and size in bytes; for a link those of its target."""

    path: str
    size: int


@dataclass(frozen=True, slots=True)
class WorkspaceSize:
    """What a workspace occupies.

    Attributes:
        disk_bytes: Allocated blocks, so that a sparse file counts for what it takes; a hard link counts each time.
        entries: Files, directories and everything else below the root.
        complete: False when the count stopped at its limit or a directory could not be read: it is a lower bound.
    """

    disk_bytes: int
    entries: int
    complete: bool


def read_file(root: Path, path: str, *, max_bytes: int) -> FileContent:
    """Read a regular file inside a workspace.

    Args:
        root: The project's stored workspace path; a link in its last component is refused.
        path: Percent-decoded once.
        max_bytes: Limit on the bytes really read, whatever the file's size was before.

    Raises:
        InvalidPathError: See ``paths.resolve``.
        FileMissingError: See ``paths.resolve``; also when it is no regular file or cannot be read.
        FileTooLargeError: More than ``max_bytes`` bytes.
    """
    try:
        root_fd = os.open(root, PIN | os.O_DIRECTORY)
    except OSError as error:
        # The text of the path decides first, so that an escape is invalid in a deleted workspace, too.
        refuse_escapes(path)
        raise FileMissingError("workspace-missing", f"the workspace cannot be opened: {error.strerror}") from error
    with opened(root_fd), resolve(root_fd, path) as resolved:
        data = _read(resolved, path, max_bytes)
        real_path = "/".join(resolved.parts)
    encoding, contents = _spell(data)
    return FileContent(path, real_path, data, encoding, contents, hashlib.sha256(data).hexdigest())


def _read(resolved: Resolved, path: str, max_bytes: int) -> bytes:
    if not resolved.target.is_regular:
        raise FileMissingError("file-not-regular", f"{shown(path)} is no regular file")
    try:
        # One byte more than allowed tells a file that grew after its size was taken.
        data = b"" if resolved.target.stat.st_size > max_bytes else read_pinned(resolved.target, max_bytes + 1)
    except OSError as error:
        raise FileMissingError("file-unreadable", f"{shown(path)} cannot be read: {error.strerror}") from error
    if max(len(data), resolved.target.stat.st_size) > max_bytes:
        raise FileTooLargeError("file-too-large", f"{shown(path)} has more than {max_bytes} bytes")
    return data


def _spell(data: bytes) -> tuple[Encoding, str]:
    try:
        return Encoding.UTF_8, data.decode("utf-8")
    except UnicodeDecodeError:
        return Encoding.BASE64, base64.b64encode(data).decode("ascii")


def list_files(root: Path) -> tuple[FileEntry, ...]:
    """List every regular file and every link to one inside, hidden ones too, sorted by path.

    Linked directories are not entered. A workspace that is gone has no files.
    """
    try:
        root_fd = os.open(root, SCAN)
    except OSError:
        return ()
    with opened(root_fd):
        sizes = _Lister(root_fd).sizes()
    return tuple(FileEntry(path, size) for path, size in sorted(sizes.items()))


class _Lister:
    def __init__(self, root_fd: int) -> None:
        self._root_fd = root_fd
        self._budget = Budget(_LINK_STEPS)
        self._directory: Directory | None = None
        self._prefix = ""

    def sizes(self) -> dict[str, int]:
        sizes = {}
        for directory, fd, entry in TreeWalk(self._root_fd, max_path_bytes=MAX_PATH_BYTES):
            self._stand(directory)
            path = self._prefix + entry.name
            if _askable(path) and (size := self._size(fd, entry)) is not None:
                sizes[path] = size
        return sizes

    def _stand(self, directory: Directory) -> None:
        if directory is not self._directory:
            self._directory = directory
            self._prefix = "".join(f"{name}/" for name in directory.names())

    def _size(self, fd: int, entry: os.DirEntry[str]) -> int | None:
        try:
            if entry.is_symlink():
                return self._linked_size(fd, entry.name)
            if entry.is_file(follow_symlinks=False):
                found = entry.stat(follow_symlinks=False)
                return found.st_size if may_read(found, entry.name, fd) else None
        except (OSError, WorkspaceError):
            pass
        return None

    def _linked_size(self, fd: int, name: str) -> int | None:
        start = Start(fd, tuple(os.fsencode(self._prefix).split(b"/")[:-1]))
        with resolve_from(self._root_fd, start, components=[os.fsencode(name)], budget=self._budget) as resolved:
            target = resolved.target
            readable = target.is_regular and may_read(target.stat, by_descriptor(target.fd))
            return target.stat.st_size if readable else None


def _askable(path: str) -> bool:
    # Surrogates stand for bytes that are no UTF-8 (PEP 383); they cannot be encoded again.
    if path.isascii():
        return len(path) <= MAX_PATH_BYTES
    try:
        return len(path.encode()) <= MAX_PATH_BYTES
    except UnicodeEncodeError:
        return False


def workspace_size(root: Path, *, max_entries: int) -> WorkspaceSize:
    """Count what a workspace occupies, following no link and stopping after ``max_entries`` entries.

    Raises:
        WorkspaceError: It cannot be opened.
    """
    try:
        root_fd = os.open(root, SCAN)
    except OSError as error:
        raise fault_of(error, root) from error
    disk_bytes = entries = 0
    with opened(root_fd):
        walk = TreeWalk(root_fd, max_path_bytes=sys.maxsize)
        with closing(iter(walk)) as found:
            for _, _, entry in found:
                if entries == max_entries:
                    return WorkspaceSize(disk_bytes, entries, complete=False)
                entries += 1
                disk_bytes += _allocated(entry)
    return WorkspaceSize(disk_bytes, entries, complete=walk.unseen == 0)


def _allocated(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat(follow_symlinks=False).st_blocks * _BLOCK
    except OSError:
        return 0
