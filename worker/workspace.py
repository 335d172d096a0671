"""Files of one workspace, reached so that no link can lead out of it.

Every path is walked component by component from one directory descriptor, each opened with O_NOFOLLOW; nothing is ever
opened by a whole path. A file is written beside the project, in ``.codex``, and renamed into place: a reader sees the
old bytes or the new ones, a link at the target is replaced and never written through, a hard link is cut.

New directories take the permissions of their parent, so whoever may delete in the workspace may delete there too. Only
the result is flushed to disk; a project file may be lost with the power, but is never torn.
"""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from errno import ELOOP, ENOTDIR, ENXIO
from typing import TYPE_CHECKING, Final, Self

from worker.contract import CODEX_DIR, RESULT_PATH

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# O_NONBLOCK: opening a FIFO without a writer would block for ever. Regular files do not notice it.
FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
NEW_FILE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
FILE_MODE: Final = 0o644
RESULT_TEMP: Final = ".result.json."
PROJECT_TEMP: Final = ".write."


class PathError(Exception):
    """A path does not lead to a plain file or directory of the workspace."""


class MissingFileError(PathError):
    """There is nothing at that path."""


class UnsafePathError(PathError):
    """A link, a directory or a special file stands where a plain file or directory was expected."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """An open workspace; close it with ``with``.

    Attributes:
        descriptor: The workspace directory. Everything else is opened relative to it.
    """

    descriptor: int

    @classmethod
    def open(cls, path: str) -> Self:
        """Open the workspace and its ``.codex`` directory, which is made when it is missing.

        What a killed attempt may have left half-written in ``.codex`` is removed.

        Raises:
            UnsafePathError: The workspace or ``.codex`` is a link or no directory.
            OSError: One of them cannot be opened or made.
        """
        # With a trailing slash O_NOFOLLOW would follow a link.
        workspace = cls(_open(path.rstrip("/") or "/", DIRECTORY, within=None))
        try:
            with workspace._made_directory((CODEX_DIR,)) as codex:
                _sweep(codex)
        except BaseException:
            os.close(workspace.descriptor)
            raise
        return workspace

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self.descriptor)

    @contextmanager
    def directory(self, parts: tuple[str, ...]) -> Iterator[int]:
        """Open the directory that ``parts`` name and yield its descriptor.

        Raises:
            MissingFileError: It or a directory above it does not exist.
            UnsafePathError: One of them is a link or no directory.
        """
        current = os.dup(self.descriptor)
        try:
            for part in parts:
                # In this order an interruption may leave a descriptor open, but never closes one twice.
                current, above = _open(part, DIRECTORY, within=current), current
                os.close(above)
            yield current
        finally:
            os.close(current)

    def exists(self, path: str) -> bool:
        """Tell whether anything stands at ``path``, a dangling link included.

        Raises:
            UnsafePathError: A directory above it is a link or no directory.
        """
        *above, name = _parts(path)
        try:
            with self.directory(tuple(above)) as parent:
                return _mode_at(name, parent) is not None
        except MissingFileError:
            return False

    def read(self, path: str, *, max_bytes: int) -> bytes:
        """Read a regular file, at most ``max_bytes`` and one more byte of it.

        Raises:
            MissingFileError: It does not exist.
            UnsafePathError: It, or a directory above it, is a link or something else than expected.
            OSError: It cannot be read.
        """
        *above, name = _parts(path)
        with self.directory(tuple(above)) as parent:
            descriptor = _open(name, FILE, within=parent)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise UnsafePathError(path)
        with open(descriptor, "rb") as file:  # noqa: PTH123  # opens a descriptor
            return file.read(max_bytes + 1)

    def write(self, path: str, data: bytes) -> None:
        """Create or replace a project file in one step, keeping the mode of a file that was there.

        Raises:
            UnsafePathError: A link or something else than a regular file stands there, or above it.
            OSError: It cannot be written.
        """
        *above, name = _parts(path)
        with self._made_directory(tuple(above)) as parent, self.directory((CODEX_DIR,)) as codex:
            mode = _mode_at(name, parent)
            if mode is not None and not stat.S_ISREG(mode):
                raise UnsafePathError(path)
            with _temporary(PROJECT_TEMP, within=codex) as temp:
                _fill(temp, data, within=codex, mode=stat.S_IMODE(mode) if mode is not None else FILE_MODE)
                os.rename(temp, name, src_dir_fd=codex, dst_dir_fd=parent)

    def write_result(self, data: bytes) -> None:
        """Replace ``.codex/result.json`` in one step and flush it to disk.

        Raises:
            MissingFileError: ``.codex`` has gone.
            UnsafePathError: ``.codex`` has become a link.
            OSError: The result cannot be written.
        """
        name = RESULT_PATH.removeprefix(f"{CODEX_DIR}/")
        with self.directory((CODEX_DIR,)) as codex, _temporary(RESULT_TEMP, within=codex) as temp:
            _fill(temp, data, within=codex, mode=FILE_MODE)
            os.rename(temp, name, src_dir_fd=codex, dst_dir_fd=codex)
            os.fsync(codex)

    @contextmanager
    def _made_directory(self, parts: tuple[str, ...]) -> Iterator[int]:
        for depth in range(1, len(parts) + 1):
            with self.directory(parts[: depth - 1]) as parent, suppress(FileExistsError):
                # Not by chmod afterwards: that may drop the inherited set-group-id bit (chmod(2)).
                os.mkdir(parts[depth - 1], stat.S_IMODE(os.fstat(parent).st_mode) & 0o777, dir_fd=parent)
        with self.directory(parts) as made:
            yield made


def _open(name: str, flags: int, *, within: int | None) -> int:
    try:
        return os.open(name, flags, dir_fd=within)
    except FileNotFoundError as error:
        raise MissingFileError(name) from error
    except OSError as error:
        # A link is ELOOP, with O_DIRECTORY it is ENOTDIR; a socket is ENXIO.
        if error.errno in {ELOOP, ENOTDIR, ENXIO}:
            raise UnsafePathError(name) from error
        raise


def _mode_at(name: str, within: int) -> int | None:
    try:
        return os.stat(name, dir_fd=within, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return None


@contextmanager
def _temporary(prefix: str, *, within: int) -> Iterator[str]:
    name = f"{prefix}{os.urandom(8).hex()}"
    # The name is known before the file exists, so an interruption anywhere inside leaves nothing behind.
    try:
        yield name
    finally:
        with suppress(OSError):
            os.unlink(name, dir_fd=within)


def _fill(name: str, data: bytes, *, within: int, mode: int) -> None:
    with open(os.open(name, NEW_FILE, 0o600, dir_fd=within), "wb") as file:  # noqa: PTH123  # opens a descriptor
        file.write(data)
        os.fchmod(file.fileno(), mode)
        file.flush()
        if name.startswith(RESULT_TEMP):
            os.fsync(file.fileno())


def _sweep(codex: int) -> None:
    with os.scandir(codex) as entries:
        left = [entry.name for entry in entries if entry.name.startswith((RESULT_TEMP, PROJECT_TEMP))]
    for name in left:
        with suppress(OSError):
            os.unlink(name, dir_fd=codex)


def _parts(path: str) -> tuple[str, ...]:
    parts = tuple(path.split("/"))
    if any(part in {"", ".", ".."} for part in parts):
        raise UnsafePathError(path)
    return parts
