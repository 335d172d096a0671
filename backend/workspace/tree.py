"""Walking a hostile tree of any depth with a handful of descriptors and no recursion.

A cursor stands in one directory. It enters children by ``openat`` without following links, and goes back through
``..`` only when device and inode show that this is the directory it came from; otherwise it walks down again from the
root and checks every directory on the way. A directory that was moved or replaced is left out, never followed to its
new place. Doubt: files that appear, vanish or move during a walk may be seen twice or not at all.
"""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from backend.workspace.descriptors import PIN, SCAN

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from types import TracebackType

Identity = tuple[int, int]
"""Device and inode: what makes a directory the same one."""


@dataclass(frozen=True, slots=True, eq=False)
class Directory:
    """A directory that was entered; linked to its parent, so that a million levels cost no long strings.

    Attributes:
        path_bytes: Length of the path from the root to here and its final slash; 0 for the root.
    """

    parent: Directory | None
    name: str
    identity: Identity
    path_bytes: int

    def names(self) -> list[str]:
        """Components from the root to here."""
        names = []
        here = self
        while here.parent is not None:
            names.append(here.name)
            here = here.parent
        return names[::-1]


Found = tuple[Directory, int, os.DirEntry[str]]
"""An entry, the directory it is in, and that directory's descriptor, lent until the next entry."""


def scan_directory(name: str, dir_fd: int) -> int:
    """Open a directory for reading, refusing links."""
    return os.open(name, SCAN, dir_fd=dir_fd)


class TreeCursor:
    """A position in the tree below ``root_fd``, which stays open.

    Args:
        open_directory: How a child is opened; removal opens what a worker has locked.
    """

    def __init__(self, root_fd: int, open_directory: Callable[[str, int], int] = scan_directory) -> None:
        self.root: Final = Directory(None, "", _identity(root_fd), 0)
        self._root_fd = root_fd
        self._open = open_directory
        self._here = self.root
        self._fd = os.dup(root_fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        os.close(self._fd)

    def enter(self, parent: Directory, name: str) -> Directory:
        """Go to a child of a directory that was entered before.

        Raises:
            OSError: It is no directory, may not be opened, or its parent is not where it was (``ESTALE``).
        """
        fd = self._open(name, self.goto(parent))
        child = Directory(parent, name, _identity(fd), parent.path_bytes + len(os.fsencode(name)) + 1)
        self._stand(child, fd)
        return child

    def goto(self, target: Directory) -> int:
        """Go to a directory that was entered before and lend its descriptor until the next move.

        Raises:
            OSError: It is not where it was (``ESTALE``).
        """
        while self._here is not target:
            if not self._climb():
                self._descend(target)
        return self._fd

    def _climb(self) -> bool:
        if self._here.parent is None:
            return False
        try:
            fd = os.open("..", PIN, dir_fd=self._fd)
        except OSError:
            return False
        if _identity(fd) != self._here.parent.identity:
            os.close(fd)
            return False
        self._stand(self._here.parent, fd)
        return True

    def _descend(self, target: Directory) -> None:
        chain = [target]
        while (parent := chain[-1].parent) is not None:
            chain.append(parent)
        self._stand(self.root, os.dup(self._root_fd))
        for child in chain[-2::-1]:
            fd = os.open(child.name, PIN, dir_fd=self._fd)
            if _identity(fd) != child.identity:
                os.close(fd)
                raise OSError(errno.ESTALE, "a directory was moved or replaced during the walk")
            self._stand(child, fd)

    def _stand(self, directory: Directory, fd: int) -> None:
        os.close(self._fd)
        self._here, self._fd = directory, fd


class TreeWalk:
    """All entries below a directory, parents before children.

    Args:
        max_path_bytes: Directories in which no path could be this short are not entered.

    Attributes:
        unseen: Directories that could not be entered or read, those that vanished not counted.
    """

    def __init__(self, root_fd: int, *, max_path_bytes: int) -> None:
        self.unseen = 0
        self._root_fd = root_fd
        self._max_path_bytes = max_path_bytes
        self._pending: list[tuple[Directory, str]] = []

    def __iter__(self) -> Generator[Found, None, None]:
        with TreeCursor(self._root_fd) as cursor:
            yield from self._scan(cursor, cursor.root)
            while self._pending:
                parent, name = self._pending.pop()
                try:
                    directory = cursor.enter(parent, name)
                except OSError as error:
                    self.unseen += error.errno != errno.ENOENT
                    continue
                yield from self._scan(cursor, directory)

    def _scan(self, cursor: TreeCursor, directory: Directory) -> Generator[Found, None, None]:
        try:
            fd = cursor.goto(directory)
            with os.scandir(fd) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        self._remember(directory, entry.name)
                    yield directory, fd, entry
        except OSError:
            self.unseen += 1

    def _remember(self, parent: Directory, name: str) -> None:
        if parent.path_bytes + len(os.fsencode(name)) + 1 < self._max_path_bytes:
            self._pending.append((parent, name))
        else:
            self.unseen += 1


def _identity(fd: int) -> Identity:
    found = os.fstat(fd)
    return found.st_dev, found.st_ino
