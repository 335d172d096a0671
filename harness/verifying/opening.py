"""Opens files of a bundle that anyone may have put there, and makes or changes none.

No link is followed, no pipe waited for, and no more is read than a bundle of ours can have.
"""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from harness.evidence.guarded import open_folder
from harness.evidence.paths import fault_of
from harness.judging.documents import parse
from harness.verifying.findings import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_BYTES: Final = 64 << 20
"""Of a document that is held in memory."""

MAX_LINE: Final = 16 << 20
"""Of a log, which may be of any length itself; a line holds an answer of 100 KiB twice, escaped."""

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@contextmanager
def opened(folder: Path, path: str) -> Iterator[BinaryIO]:
    """Open a regular file below a folder.

    Raises:
        UnreadableError: ``unsafe-path``, ``missing-file``, ``not-regular`` or ``not-readable``.
    """
    if fault := fault_of(path):
        raise UnreadableError("unsafe-path", path, fault)
    try:
        descriptor = _descend(folder, path)
    except FileNotFoundError:
        raise UnreadableError("missing-file", path, "it is not there") from None
    except OSError as error:
        raise UnreadableError("not-readable", path, f"{error.strerror}") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UnreadableError("not-regular", path, "it is no regular file")
    with os.fdopen(descriptor, "rb") as file:
        yield file


def _descend(folder: Path, path: str) -> int:
    *folders, name = path.split("/")
    parent = open_folder(folder)
    try:
        for inner in folders:
            below = os.open(inner, _FOLDER, dir_fd=parent)
            os.close(parent)
            parent = below
        return os.open(name, _FILE, dir_fd=parent)
    finally:
        os.close(parent)


def read(folder: Path, path: str) -> bytes:
    """Read a whole file.

    Raises:
        UnreadableError: As ``opened``, or ``too-large``.
    """
    with opened(folder, path) as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise UnreadableError("too-large", path, f"at most {MAX_BYTES} bytes are read")
    return data


def text_of(data: bytes, path: str) -> str:
    """Decode a file.

    Raises:
        UnreadableError: ``not-text``.
    """
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise UnreadableError("not-text", path, f"byte {error.start} is no UTF-8") from None


def value_of(data: bytes, path: str) -> Any:  # noqa: ANN401  # JSON values
    """Parse a file of JSON.

    Raises:
        UnreadableError: ``not-text`` or ``not-json``.
    """
    value = parse(text_of(data, path))
    if value is None:
        raise UnreadableError("not-json", path, "it is no JSON, or nested beyond reason")
    return value


def lines(folder: Path, path: str) -> Iterator[tuple[int, bytes]]:
    """The lines of a log with their numbers from 1.

    Raises:
        UnreadableError: As ``opened``; ``too-large``, or ``torn`` when the last line has no end.
    """
    with opened(folder, path) as file:
        number = 0
        while line := file.readline(MAX_LINE):
            number += 1
            if not line.endswith(b"\n"):
                kind, what = ("too-large", "too long") if len(line) == MAX_LINE else ("torn", "torn")
                raise UnreadableError(kind, path, f"line {number} is {what}")
            yield number, line
