"""What can go wrong in a workspace, as one tree; importing nothing of ours.

::

    WorkspaceError(reference, message, hint)      the workspace cannot be used: missing, unwritable, disk full, …
    ├── InvalidPathError        the path leads outside or can never be shown to stay inside    400 "Invalid path"
    ├── FileMissingError        the path is safe, but no readable regular file is there        404 "File not found"
    ├── FileTooLargeError       a regular file above the limit                                 413
    ├── ResultMissingError      the worker left no result
    └── ResultUnreadableError   the worker left something that cannot be read as a result

Which HTTP status or failure kind follows is decided by the callers; the numbers above are the contract's.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class WorkspaceError(Exception):
    """A workspace that cannot be used as asked.

    Attributes:
        reference: Stable kebab-case name of the fault, such as ``workspace-missing``.
        hint: A sentence that repairs it; empty when only the caller's input is at fault.
    """

    def __init__(self, reference: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.reference = reference
        self.hint = hint


class InvalidPathError(WorkspaceError):
    """A path that leads out of the workspace, or that no file system can hold.

    References: ``path-has-nul``, ``path-absolute``, ``path-outside``, ``path-loop``.
    """


class FileMissingError(WorkspaceError):
    """A harmless path behind which there is no regular file to read.

    References: ``file-missing``, ``file-not-regular``, ``file-unreadable``, ``path-not-utf8``, ``path-has-newline``,
    ``path-too-long``, ``workspace-missing``.
    """


class FileTooLargeError(WorkspaceError):
    """A regular file with more bytes than the limit; reference ``file-too-large``."""


class ResultMissingError(WorkspaceError):
    """There is no ``result.json``; reference ``result-missing``."""


class ResultUnreadableError(WorkspaceError):
    """A ``result.json`` is there and unfit: ``result-not-regular``, ``result-oversized`` or ``result-unreadable``."""


def shown(path: str) -> str:
    """Quote a foreign path for a message: escaped, so that it cannot forge a log line, and short."""
    return ascii(path if len(path) <= 80 else path[:77] + "...")  # noqa: PLR2004  # a message stays on one line


def fault_of(error: OSError, workspace: Path) -> WorkspaceError:
    """Translate an operating system's refusal to use a workspace."""
    what = f"{workspace}: {error.strerror}"
    match error.errno:
        case errno.ENOENT | errno.ENOTDIR | errno.ELOOP | errno.EEXIST:
            hint = "the directory was deleted or replaced; create a new project, or restore it from a backup"
            return WorkspaceError("workspace-missing", what, hint)
        case errno.ENOSPC | errno.EDQUOT:
            return WorkspaceError("disk-full", what, "free space or inodes on the file system that holds it")
        case errno.EACCES | errno.EPERM | errno.EROFS:
            hint = "give the backend's user write access to it (chown, chmod u+rwx), on a file system mounted rw"
            return WorkspaceError("workspace-unwritable", what, hint)
        case _:
            return WorkspaceError("workspace-io-failed", what, "look for errors of the disk in the kernel log")
