"""What lies in a workspace, and what changed between two looks at it.

A file is known by its path, mode and SHA-256, a link by its target; no link is followed. Size and time are not enough:
an edit of equal length within one clock tick would be missed. ``.codex`` and the caches of Python tools are left out,
and so are special files and names that are not UTF-8, which no JSON list can spell; the latter are counted.

A look is bounded. One that reached its bound says so and is incomplete: what is missing from it may still be there, so
nothing is called deleted.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from worker.contract import CODEX_DIR
from worker.workspace import FILE, PathError

if TYPE_CHECKING:
    from worker.workspace import Workspace

CACHE_NAMES: Final = ("__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache")
LEFT_OUT: Final = (CODEX_DIR, *CACHE_NAMES)
MAX_ENTRIES: Final = 20_000
MAX_TOTAL_BYTES: Final = 256 * 1024 * 1024
"""Hashed twice per job; at 0.4 GB/s or more that stays within the default stop grace of 5 s."""
MAX_DEPTH: Final = 64
CHUNK: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Entry:
    """One file or link.

    Attributes:
        content: ``sha256:…`` of a file, ``link:TARGET``, or ``unreadable:…`` with what the inode tells.
    """

    mode: int
    content: str


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much one look may take in before it gives up."""

    entries: int = MAX_ENTRIES
    total_bytes: int = MAX_TOTAL_BYTES
    depth: int = MAX_DEPTH


@dataclass(slots=True)
class Snapshot:
    """One look at a workspace.

    Attributes:
        entries: By relative path.
        complete: False when a bound was reached.
        unlisted_names: Names left out because they are not UTF-8; a directory counts once.
        unreadable: Files and directories that could not be opened.
    """

    entries: dict[str, Entry] = field(default_factory=dict)
    complete: bool = True
    unlisted_names: int = 0
    unreadable: int = 0


@dataclass(frozen=True, slots=True)
class Changes:
    """Sorted relative paths; each in one list only."""

    created: tuple[str, ...] = ()
    modified: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()


def take(workspace: Workspace, bounds: Bounds | None = None) -> Snapshot:
    """Look at every file of the workspace; never fails for a single file or directory.

    Raises:
        OSError: The workspace itself cannot be listed.
    """
    walk = _Walk(workspace, bounds or Bounds())
    walk.run()
    return walk.seen


def compare(before: Snapshot, after: Snapshot) -> Changes:
    """List what was created, modified (content, target or mode) and deleted between two looks."""
    old, new = before.entries, after.entries
    gone = old.keys() - new.keys() if after.complete else ()
    return Changes(
        created=tuple(sorted(new.keys() - old.keys())),
        modified=tuple(sorted(path for path in new.keys() & old.keys() if new[path] != old[path])),
        deleted=tuple(sorted(gone)),
    )


@dataclass(slots=True)
class _Walk:
    workspace: Workspace
    bounds: Bounds
    seen: Snapshot = field(default_factory=Snapshot)
    visited: int = 0
    bytes_left: int = 0
    pending: list[tuple[str, ...]] = field(default_factory=lambda: [()])

    def run(self) -> None:
        self.bytes_left = self.bounds.total_bytes
        while self.pending and self.seen.complete:
            parts = self.pending.pop()
            try:
                self._look_into(parts)
            except (OSError, PathError):
                # Removed, replaced or closed to us in the meantime; the root is not allowed to be.
                if not parts:
                    raise
                self.seen.unreadable += 1

    def _look_into(self, parts: tuple[str, ...]) -> None:
        with self.workspace.directory(parts) as descriptor, os.scandir(descriptor) as found:
            for entry in sorted(found, key=lambda one: one.name):
                self.visited += 1
                if self.visited > self.bounds.entries or len(parts) > self.bounds.depth:
                    self.seen.complete = False
                    return
                if entry.name not in CACHE_NAMES and (*parts, entry.name) != (CODEX_DIR,):
                    self._look_at(entry.name, parts, descriptor)

    def _look_at(self, name: str, parts: tuple[str, ...], parent: int) -> None:
        if not _is_utf8(name):
            self.seen.unlisted_names += 1
            return
        try:
            status = os.stat(name, dir_fd=parent, follow_symlinks=False)
        except FileNotFoundError:
            return
        path = "/".join((*parts, name))
        if stat.S_ISDIR(status.st_mode):
            self.pending.append((*parts, name))
        elif stat.S_ISLNK(status.st_mode):
            self.seen.entries[path] = Entry(0, f"link:{os.readlink(name, dir_fd=parent)}")
        elif stat.S_ISREG(status.st_mode):
            self.seen.entries[path] = Entry(stat.S_IMODE(status.st_mode), self._content(name, parent, status))

    def _content(self, name: str, parent: int, status: os.stat_result) -> str:
        try:
            return f"sha256:{self._digest(name, parent)}"
        except OSError:
            self.seen.unreadable += 1
            return f"unreadable:{status.st_ino}:{status.st_size}:{status.st_mtime_ns}"

    def _digest(self, name: str, parent: int) -> str:
        import hashlib

        digest = hashlib.sha256()
        with open(os.open(name, FILE, dir_fd=parent), "rb", buffering=0) as file:  # noqa: PTH123  # opens a descriptor
            while chunk := file.read(min(CHUNK, self.bytes_left + 1)):
                self.bytes_left -= len(chunk)
                if self.bytes_left < 0:
                    self.seen.complete = False
                    break
                digest.update(chunk)
        return digest.hexdigest()


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
