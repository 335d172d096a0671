"""Files of a bundle that anyone may have put there: read below its folder only, through no link, up to a size."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Any, Final

from harness.evidence.guarded import open_folder
from harness.evidence.paths import fault_of
from harness.judging.documents import parse

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MAX_BYTES: Final = 64 << 20
"""Of one file; a bundle of ours has none that is larger, but for its event log, which is not read here."""

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class LostError(Exception):
    """A file of a bundle cannot be read; the message says which and why."""


def data_of(folder: Path, path: str) -> bytes:
    """Read a file.

    Raises:
        LostError: It is not there, no regular file, too large, or its path leads elsewhere.
    """
    if fault := fault_of(path):
        msg = f"a path {fault}"
        raise LostError(msg)
    try:
        data = _read(folder, path)
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror}"
        raise LostError(msg) from None
    if data is None or len(data) > MAX_BYTES:
        msg = f"{path} is no regular file" if data is None else f"{path} has more than {MAX_BYTES} bytes"
        raise LostError(msg)
    return data


def text_of(folder: Path, path: str) -> str:
    """Read a file of text.

    Raises:
        LostError: As ``data_of``, or it is no UTF-8.
    """
    try:
        return data_of(folder, path).decode()
    except UnicodeDecodeError:
        msg = f"{path} is no UTF-8"
        raise LostError(msg) from None


def object_of(folder: Path, path: str) -> Mapping[str, Any]:
    """Read a JSON object.

    Raises:
        LostError: As ``text_of``, or it is none.
    """
    found = parse(text_of(folder, path))
    if not isinstance(found, dict):
        msg = f"{path} is no JSON object"
        raise LostError(msg)
    return found


def _read(folder: Path, path: str) -> bytes | None:
    """The bytes of a regular file, and one more than are allowed; ``None`` of anything else."""
    *folders, name = path.split("/")
    parent = open_folder(folder)
    try:
        for inner in folders:
            below = os.open(inner, _FOLDER, dir_fd=parent)
            os.close(parent)
            parent = below
        descriptor = os.open(name, _FILE, dir_fd=parent)
    finally:
        os.close(parent)
    with os.fdopen(descriptor, "rb") as file:
        return file.read(MAX_BYTES + 1) if stat.S_ISREG(os.fstat(descriptor).st_mode) else None
