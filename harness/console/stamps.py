"""Stamps of files: what changes whenever a file does, so that what was made of it is kept until then.

A stamp is who a file is, its size and its times. The doubt: a file that is written twice within one tick of the clock,
in place and with the same length, has the same stamp.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    Stamp = tuple[int, ...]


def stamp_of(path: str | Path, *, root: int | None = None) -> Stamp:
    """The stamp of a file, and of a link its own; empty when nothing is there.

    Args:
        path: The file; below ``root`` where that is given.
        root: Descriptor of a folder.
    """
    try:
        found = os.stat(path, dir_fd=root, follow_symlinks=False)
    except OSError:
        return ()
    return (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def stamps_below(folder: Path) -> tuple[Stamp, ...]:
    """The stamps of all files below a folder, in the order of their names."""
    found = []
    for base, folders, files in os.walk(folder):
        folders.sort()
        found += [stamp_of(f"{base}/{name}") for name in sorted(files)]
    return tuple(found)
