"""What the backend writes into a workspace, and the making and removing of workspaces.

Nothing is ever written through a link: ``.codex`` is opened by descriptor, a link or file planted in its place is
removed, and each document is a new file that is flushed and renamed over whatever has its name. A result is only
believed to be bytes of a regular file; what they say is judged elsewhere. Files get the workspace's owner, so a backend
that runs as root leaves nothing that the worker cannot replace. Doubt: rename is atomic for readers, but on a crash of
the machine the older document may come back, which the database then outranks.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from backend.workspace.descriptors import PIN, SCAN, opened, pin, read_pinned
from backend.workspace.errors import ResultMissingError, ResultUnreadableError, WorkspaceError, fault_of
from backend.workspace.removal import open_unlocked, remove_entry
from worker.contract import CODEX_DIR, REQUEST_PATH, RESULT_PATH, TRACE_PATH, WORKER_UID

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_REQUEST: Final = REQUEST_PATH.removeprefix(f"{CODEX_DIR}/")
_RESULT: Final = RESULT_PATH.removeprefix(f"{CODEX_DIR}/")
_TRACE: Final = TRACE_PATH.removeprefix(f"{CODEX_DIR}/")

_WORKSPACE_MODE: Final = 0o750
_CODEX_MODE: Final = 0o755
_DOCUMENT_MODE: Final = 0o644

_PROJECT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")


@dataclass(frozen=True, slots=True)
class Owner:
    """User and group that own a workspace and everything the backend writes there."""

    uid: int
    gid: int


class Headroom(NamedTuple):
    """What a process without privileges may still take on a file system."""

    free_bytes: int
    free_inodes: int


class Taken(NamedTuple):
    """Bytes that a worker left, and whether they are all."""

    data: bytes
    complete: bool


def owner_for_worker() -> Owner:
    """The worker's own user when this process is root and can give files away; else this process's user."""
    uid = os.geteuid()
    return Owner(WORKER_UID, WORKER_UID) if uid == 0 else Owner(uid, os.getegid())


def create_workspace(root_dir: Path, project_id: str, owner: Owner) -> Path:
    """Make a project's directory at its final path, mode 0750; one that is there already is kept with its files.

    Args:
        root_dir: WORKSPACE_ROOT; made with its parents when missing.
        project_id: One plain name.
        owner: From ``owner_for_worker``.

    Returns:
        The absolute path.

    Raises:
        WorkspaceError: ``workspace-bad-name``, ``workspace-missing`` (something else has the name),
            ``workspace-unwritable``, ``disk-full`` or ``workspace-io-failed``.
    """
    workspace = root_dir.absolute() / _checked(project_id)
    with _faults(workspace):
        root_dir.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            workspace.mkdir(mode=0o700)
        with opened(os.open(workspace, SCAN)) as fd:
            _give(fd, owner)
            os.fchmod(fd, _WORKSPACE_MODE)
    return workspace


def remove_workspace(root_dir: Path, project_id: str) -> None:
    """Remove a project's directory, following no link and undoing hostile modes; harmless when it is gone.

    Raises:
        WorkspaceError: As ``create_workspace``; part of it may be gone.
    """
    name = _checked(project_id)
    with _faults(root_dir / name), suppress(FileNotFoundError), opened(os.open(root_dir, SCAN & ~os.O_NOFOLLOW)) as fd:
        remove_entry(fd, name)


def write_request(workspace: Path, text: str) -> None:
    """Replace ``.codex/request.json``.

    Raises:
        WorkspaceError: ``workspace-missing``, ``workspace-unwritable``, ``disk-full`` or ``workspace-io-failed``.
    """
    _write(workspace, _REQUEST, text)


def write_result(workspace: Path, text: str) -> None:
    """Replace ``.codex/result.json`` by the backend's own; raises like ``write_request``."""
    _write(workspace, _RESULT, text)


def clear_result(workspace: Path) -> None:
    """Remove what an earlier job left: ``.codex/result.json`` and its trace; raises like ``write_request``."""
    with _faults(workspace), _codex(workspace) as codex:
        remove_entry(codex.fd, _RESULT)
        remove_entry(codex.fd, _TRACE)


def take_result(workspace: Path, max_bytes: int) -> bytes:
    """Read what a worker left as its result, unchecked; at most one byte beyond the limit is read.

    Raises:
        ResultMissingError: There is none, or no workspace any more.
        ResultUnreadableError: It, or ``.codex``, is not what it must be, is too big, or may not be read.
    """
    try:
        with (
            opened(os.open(workspace, PIN | os.O_DIRECTORY)) as root_fd,
            opened(os.open(CODEX_DIR, PIN, dir_fd=root_fd)) as fd,
        ):
            return _read_result(fd, max_bytes)
    except FileNotFoundError as error:
        raise ResultMissingError("result-missing", f"the worker left no {RESULT_PATH}") from error
    except NotADirectoryError as error:
        raise ResultUnreadableError(
            "result-not-regular", f"the workspace or its {CODEX_DIR} is no directory"
        ) from error
    except OSError as error:
        raise ResultUnreadableError("result-unreadable", f"{RESULT_PATH} cannot be read: {error.strerror}") from error


def take_trace(workspace: Path, max_bytes: int) -> Taken | None:
    """Read what a worker left as its trace, unchecked; ``None`` when there is none.

    Raises:
        OSError: It, or ``.codex``, is not what it must be, or may not be read.
    """
    try:
        with (
            opened(os.open(workspace, PIN | os.O_DIRECTORY)) as root_fd,
            opened(os.open(CODEX_DIR, PIN, dir_fd=root_fd)) as codex_fd,
        ):
            pinned = pin(_TRACE, codex_fd)
    except FileNotFoundError:
        return None
    with opened(pinned.fd):
        if not pinned.is_regular:
            raise OSError(errno.EINVAL, "the worker's trace is no regular file")
        data = read_pinned(pinned, max_bytes + 1)
        return Taken(data[:max_bytes], len(data) <= max_bytes)


def disk_headroom(path: Path) -> Headroom:
    """Measure what is free on the file system that holds a path.

    A file system that has no fixed number of inodes counts as one with very many.

    Raises:
        WorkspaceError: The path is missing.
    """
    with _faults(path):
        found = os.statvfs(path)
    return Headroom(found.f_bavail * found.f_frsize, found.f_favail if found.f_files else sys.maxsize)


@contextmanager
def _faults(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise fault_of(error, path) from error


def _checked(project_id: str) -> str:
    if not _PROJECT_ID.fullmatch(project_id):
        msg = f"{project_id[:80]!a} is no plain directory name"
        raise WorkspaceError("workspace-bad-name", msg, "project ids are UUIDs; do not pass anything else")
    return project_id


def _read_result(codex_fd: int, max_bytes: int) -> bytes:
    pinned = pin(_RESULT, codex_fd)
    with opened(pinned.fd):
        if not pinned.is_regular:
            raise ResultUnreadableError("result-not-regular", f"{RESULT_PATH} is no regular file")
        data = b"" if pinned.stat.st_size > max_bytes else read_pinned(pinned, max_bytes + 1)
        if max(len(data), pinned.stat.st_size) > max_bytes:
            raise ResultUnreadableError("result-oversized", f"{RESULT_PATH} has more than {max_bytes} bytes")
    return data


@dataclass(frozen=True, slots=True)
class _Codex:
    fd: int
    owner: Owner


@contextmanager
def _codex(workspace: Path) -> Iterator[_Codex]:
    with opened(os.open(workspace, SCAN)) as root_fd:
        root = os.fstat(root_fd)
        owner = Owner(root.st_uid, root.st_gid)
        with opened(_open_codex(root_fd)) as fd:
            _give(fd, owner)
            if stat.S_IMODE(os.fstat(fd).st_mode) != _CODEX_MODE:
                os.fchmod(fd, _CODEX_MODE)
            yield _Codex(fd, owner)


def _open_codex(root_fd: int) -> int:
    try:
        return open_unlocked(CODEX_DIR, root_fd)
    except (FileNotFoundError, NotADirectoryError):
        # A link or file in its place was planted by a worker: the name is taken back, its target is left alone.
        remove_entry(root_fd, CODEX_DIR)
        os.mkdir(CODEX_DIR, 0o700, dir_fd=root_fd)
    return open_unlocked(CODEX_DIR, root_fd)


def _write(workspace: Path, name: str, text: str) -> None:
    temporary = f".{name}.{secrets.token_hex(8)}"
    with _faults(workspace), _codex(workspace) as codex:
        try:
            _write_new(codex, temporary, text.encode())
            _rename(codex.fd, temporary, name)
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary, dir_fd=codex.fd)
            raise


def _write_new(codex: _Codex, name: str, data: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(name, flags, 0o600, dir_fd=codex.fd), "wb") as file:
        _give(file.fileno(), codex.owner)
        os.fchmod(file.fileno(), _DOCUMENT_MODE)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _rename(dir_fd: int, temporary: str, name: str) -> None:
    try:
        os.rename(temporary, name, src_dir_fd=dir_fd, dst_dir_fd=dir_fd)
    except IsADirectoryError:
        remove_entry(dir_fd, name)
        os.rename(temporary, name, src_dir_fd=dir_fd, dst_dir_fd=dir_fd)


def _give(fd: int, owner: Owner) -> None:
    if os.geteuid() == 0:
        os.fchown(fd, owner.uid, owner.gid)
