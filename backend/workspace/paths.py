"""What a path means inside a workspace, decided without ever stepping outside.

First the text alone is judged: absolute, drive and share forms, NUL, and any ``..`` above the root are invalid. Then
the path is walked component by component on descriptors. Links are read, never followed by the kernel: their targets
are put in front of the remaining components, so the same rules hold for them. ``..`` never asks the kernel either,
because a directory may be moved while we stand in it; it walks again from the root. What is returned is pinned: later
changes of names cannot change what it refers to.

As with ``Path.resolve(strict=False)``, ``missing/../app.py`` is ``app.py``. Unlike it, a file is never a directory, a
loop is invalid, and a relative link that leaves the root is invalid even if it comes back. Doubt: a hard link cannot be
told from a file, but a worker whose only mount is its workspace cannot make one to anything outside.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import unquote_to_bytes

from backend.workspace.descriptors import Pinned, by_descriptor, opened, pin, pin_again
from backend.workspace.errors import FileMissingError, InvalidPathError, shown

if TYPE_CHECKING:
    from types import TracebackType

MAX_PATH_BYTES: Final = 4096
"""PATH_MAX of Linux (limits.h); longer paths are missing by contract."""

MAX_LINKS: Final = 40
"""MAXSYMLINKS of Linux (path_resolution(7))."""

_MAX_STEPS: Final = 20_000
"""Bounds one resolution to some 30 ms; the longest path without links needs 2,048 steps."""

_ABSOLUTE = re.compile(r"/|[A-Za-z]:[\\/]|\\[\\/]")


@dataclass(slots=True)
class Budget:
    """Steps that may still be taken; shared by all links of one listing, so that hostile links cannot stall it."""

    steps: int = _MAX_STEPS

    def spend(self, steps: int) -> None:
        """Take steps.

        Raises:
            FileMissingError: ``path-too-long`` when none are left.
        """
        self.steps -= steps
        if self.steps < 0:
            raise FileMissingError("path-too-long", "the path takes too many steps to resolve")


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a path means: something inside the root, pinned until the ``with`` block ends.

    Attributes:
        target: The object itself; never a link.
        parts: Its real components below the root at the time of the walk; empty for the root.
    """

    target: Pinned
    parts: tuple[str, ...]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        os.close(self.target.fd)


@dataclass(frozen=True, slots=True)
class Start:
    """Where a walk begins: an open directory and its real components below the root."""

    fd: int
    names: tuple[bytes, ...] = ()


def decode_path(raw: bytes) -> str:
    """Percent-decode a path once, as strict UTF-8.

    Raises:
        FileMissingError: ``path-not-utf8``; such a name cannot be told in JSON, so it is not served.
    """
    try:
        return unquote_to_bytes(raw).decode("utf-8")
    except UnicodeDecodeError as error:
        raise FileMissingError("path-not-utf8", "the path is not UTF-8 after percent-decoding") from error


def resolve(root_fd: int, path: str) -> Resolved:
    """Find what a percent-decoded path means below a root directory.

    Args:
        root_fd: The workspace; an ``O_PATH`` descriptor is enough. It stays open.
        path: As the caller asked, decoded once. One slash may follow a file's name.

    Raises:
        InvalidPathError: The path or a link on its way leads outside, or links form a loop.
        FileMissingError: Nothing is there, a file is used as a directory, or the path cannot be looked at.
    """
    refuse_escapes(path)
    components = _split(_encode(path))
    return resolve_from(root_fd, Start(root_fd), components=components, budget=Budget())


def resolve_from(root_fd: int, start: Start, *, components: list[bytes], budget: Budget) -> Resolved:
    """Walk harmless components from a directory that is known to lie below the root; raises like ``resolve``."""
    try:
        walk = _Walk(root_fd, budget, pin_again(start.fd), list(start.names))
    except OSError as error:
        raise _unreadable(error) from error
    try:
        walk.run(components)
    except BaseException as error:
        os.close(walk.here.fd)
        if isinstance(error, OSError):
            raise _unreadable(error) from error
        raise
    return Resolved(walk.here, tuple(os.fsdecode(name) for name in walk.names))


def refuse_escapes(path: str) -> None:
    """Judge the text alone, which needs no workspace.

    Raises:
        InvalidPathError: It is absolute, has a drive, a share or a NUL, or ``..`` leads above the root at any point.
    """
    if "\0" in path:
        raise InvalidPathError("path-has-nul", f"{shown(path)} holds a NUL")
    if _ABSOLUTE.match(path):
        raise InvalidPathError("path-absolute", f"{shown(path)} is absolute; paths start at the workspace's root")
    depth = 0
    for component in path.split("/"):
        depth += {"": 0, ".": 0, "..": -1}.get(component, 1)
        if depth < 0:
            raise _outside()


def _encode(path: str) -> bytes:
    # No route can carry a newline, so that no file is readable by one client and not by another.
    if "\n" in path:
        raise FileMissingError("path-has-newline", f"{shown(path)} holds a newline")
    try:
        encoded = path.encode()
    except UnicodeEncodeError as error:
        raise FileMissingError("path-not-utf8", f"{shown(path)} cannot be encoded as UTF-8") from error
    if len(encoded) > MAX_PATH_BYTES:
        raise FileMissingError("path-too-long", f"the path has more than {MAX_PATH_BYTES} bytes")
    return encoded


def _split(path: bytes) -> list[bytes]:
    # An empty component is a dot: harmless behind a directory, and behind a file a sign that it is used as one.
    return [component or b"." for component in path.removesuffix(b"/").split(b"/")]


@dataclass(slots=True)
class _Walk:
    """A position below the root and the components still to go, last first.

    ``phantoms`` counts components below ``here`` that do not exist; ``..`` takes them back.
    """

    root_fd: int
    budget: Budget
    here: Pinned
    names: list[bytes]
    pending: list[bytes] = field(default_factory=list)
    phantoms: int = 0
    links: int = 0

    def run(self, components: list[bytes]) -> None:
        self._queue(components)
        while self.pending:
            if not self.here.is_directory:
                raise FileMissingError("file-missing", "a file is used as a directory")
            self._step(self.pending.pop())
        if self.phantoms:
            raise FileMissingError("file-missing", "no such file in the workspace")

    def _queue(self, components: list[bytes]) -> None:
        self.budget.spend(len(components))
        self.pending += reversed(components)

    def _step(self, component: bytes) -> None:
        if component == b"..":
            self._up()
        elif self.phantoms:
            self.phantoms += component != b"."
        elif component != b".":
            self._down(component)

    def _down(self, name: bytes) -> None:
        try:
            found = pin(name, self.here.fd)
        except FileNotFoundError:
            self.phantoms = 1
            return
        if found.is_link:
            with opened(found.fd):
                self._follow(os.readlink(b"", dir_fd=found.fd))
        else:
            self._move(found)
            self.names.append(name)

    def _up(self) -> None:
        if self.phantoms:
            self.phantoms -= 1
            return
        if not self.names:
            raise _outside()
        self.names.pop()
        # One walk serves a whole run of `..`, else deep paths would cost the square of their depth.
        while self.names and self.pending and self.pending[-1] == b"..":
            self.pending.pop()
            self.names.pop()
        self._return_to(self.names)

    def _follow(self, target: bytes) -> None:
        self.links += 1
        if self.links > MAX_LINKS:
            raise InvalidPathError("path-loop", f"the path leads through more than {MAX_LINKS} links")
        components = _split(target)
        if target.startswith(b"/"):
            components = self._below_root(components)
            self._return_to([])
        self._queue(components)

    def _below_root(self, components: list[bytes]) -> list[bytes]:
        root = [name for name in os.fsencode(Path(by_descriptor(self.root_fd)).readlink()).split(b"/") if name]
        wanted = [component for component in components if component != b"."]
        if wanted[: len(root)] != root:
            raise _outside()
        return wanted[len(root) :]

    def _return_to(self, names: list[bytes]) -> None:
        self.budget.spend(len(names))
        self._move(pin_again(self.root_fd))
        for name in names:
            self._move(pin(name, self.here.fd))
            if not self.here.is_directory:
                raise FileMissingError("file-missing", "a directory was replaced while the path was resolved")
        self.names = list(names)

    def _move(self, found: Pinned) -> None:
        os.close(self.here.fd)
        self.here = found


def _outside() -> InvalidPathError:
    return InvalidPathError("path-outside", "the path leads out of the workspace")


def _unreadable(error: OSError) -> FileMissingError:
    return FileMissingError("file-unreadable", f"the path cannot be looked at: {error.strerror}")
