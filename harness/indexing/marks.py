"""By which a change of a run shows, without opening any of its files: two looks at its folder.

What a listing tells follows from ``run.json`` and from which names lie beside it. Whoever changes a file changes its
``ctime``, which no program can set; whoever adds, removes or renames one changes that of the folder. The doubts: two
changes within one tick of the kernel's clock look like one, so that what changed within the last two seconds is read
again; and a disk elsewhere whose clock runs ahead of or behind this one makes that too short or too long.
"""

from __future__ import annotations

import os
from stat import S_ISDIR, S_ISREG
from typing import Final

from harness.evidence.layout import ENVELOPE, MANIFEST, PARTIAL_NOTE, PARTIAL_SUFFIX, RUN, SUMS
from harness.evidence.timestamps import is_folder_name

SETTLED_NS: Final = 2_000_000_000


def is_run(name: str) -> bool:
    """Whether a folder of this name is a run, finished or not."""
    return is_folder_name(name.removesuffix(PARTIAL_SUFFIX))


def mark_of(root: int, name: str) -> str:
    """The mark of a folder below an open evidence root; empty when none would prove anything.

    A partial folder has none, since it is what it is by a lock, nor has anything that is or goes through a link.
    """
    if name.endswith(PARTIAL_SUFFIX):
        return ""
    try:
        folder = os.stat(name, dir_fd=root, follow_symlinks=False)
        file = os.stat(f"{name}/{RUN}", dir_fd=root, follow_symlinks=False)
    except (OSError, ValueError):
        return ""
    if not S_ISDIR(folder.st_mode) or not S_ISREG(file.st_mode):
        return ""
    return (
        f"{folder.st_ino}:{folder.st_ctime_ns}:{folder.st_mtime_ns}:"
        f"{file.st_ino}:{file.st_size}:{file.st_ctime_ns}:{file.st_mtime_ns}"
    )


def is_settled(root: int, name: str, *, now_ns: int) -> bool:
    """Whether nothing changed of late, and everything that is looked at beside the record is no link or is not there.

    A link's target changes without a trace in the folder.
    """
    try:
        seen = [os.stat(path, dir_fd=root, follow_symlinks=False) for path in (name, f"{name}/{RUN}")]
        return all(each.st_ctime_ns + SETTLED_NS <= now_ns for each in seen) and _is_plain(root, name)
    except OSError:
        return False


def _is_plain(root: int, name: str) -> bool:
    for beside in (MANIFEST, SUMS, ENVELOPE, PARTIAL_NOTE):
        try:
            if not S_ISREG(os.stat(f"{name}/{beside}", dir_fd=root, follow_symlinks=False).st_mode):
                return False
        except FileNotFoundError:
            continue
    return True
