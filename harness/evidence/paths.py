"""Which names an artifact may have: relative, plain, and the same file on every system that checks the bundle out.

It refuses what a shell, an archive or another file system would read differently: ``..``, absolute and backslash forms,
spaces, control signs, names that differ in case only, and the device names of Windows. Names come from a ladder, so a
bad one is the ladder's fault. The folder of a run itself is named after its time, with colons, and is not judged here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from harness.errors import UsageError
from harness.evidence import layout

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_PATH: Final = 240
MAX_NAME: Final = 100

_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+=,@-]*")
_DEVICE: Final = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?", re.IGNORECASE)


def fault_of(path: str) -> str:
    """Say what is wrong with a path; empty when nothing is."""
    if not path or len(path) > MAX_PATH:
        return f"has {len(path)} characters; 1 to {MAX_PATH} are allowed"
    for name in path.split("/"):
        if not _NAME.fullmatch(name) or name.endswith("."):
            return "is not a relative path of plain names (letters, digits and _.+=,@-)"
        if len(name) > MAX_NAME or _DEVICE.fullmatch(name):
            return f"has a name that is longer than {MAX_NAME} characters or reserved on some system"
    return ""


def checked(path: str) -> str:
    """Return the path.

    Raises:
        UsageError: ``evidence-path-unsafe``; or ``evidence-path-reserved``, for files that the end of a run writes.
    """
    if fault := fault_of(path):
        raise UsageError("evidence-path-unsafe", f"the evidence path {path[:MAX_PATH]!r} {fault}", _HINT)
    if path in layout.RESERVED:
        raise UsageError("evidence-path-reserved", f"{path} is written by the end of a run only", _HINT)
    return path


_HINT: Final = "rename it under `save`, `copy` or `as` in the ladder"


class Names:
    """The names taken so far in one bundle, so that no two collide where case does not count."""

    def __init__(self) -> None:
        self._folders: dict[str, str] = {}
        self._files: dict[str, str] = {}

    def take(self, path: str) -> str:
        """Check a new file's path and remember it.

        Raises:
            UsageError: As ``checked``; ``evidence-written-twice``, or ``evidence-name-clash`` with another spelling.
        """
        checked(path)
        if self._files.get(path.casefold()) == path:
            raise UsageError("evidence-written-twice", f"{path} was written before; evidence is never replaced", _HINT)
        ancestors = tuple(_ancestors(path))
        clash = path.casefold() in self._files or path.casefold() in self._folders
        for folder in ancestors:
            clash |= folder.casefold() in self._files or self._folders.get(folder.casefold(), folder) != folder
        if clash:
            raise UsageError("evidence-name-clash", f"{path} differs from another evidence path in case only", _HINT)
        self._files[path.casefold()] = path
        self._folders.update((folder.casefold(), folder) for folder in ancestors)
        return path

    def __contains__(self, path: str) -> bool:
        return self._files.get(path.casefold()) == path

    def __iter__(self) -> Iterator[str]:
        return iter(self._files.values())


def _ancestors(path: str) -> Iterator[str]:
    parts = path.split("/")
    return ("/".join(parts[:count]) for count in range(1, len(parts)))
