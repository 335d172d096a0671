"""Whether the stack's port is free, and who holds it if it is not.

The port is tried by binding it and letting go: nothing listens meanwhile, so that nobody notices. The engine is asked
too, because it can forward a port without listening at it. The holder is found below ``/proc``; who belongs to another
user shows by number only, unless root asks.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from harness.doctor.findings import error, ok
from harness.errors import PrerequisiteError
from harness.stack import containers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.config import Settings
    from harness.doctor.findings import Finding
    from harness.doctor.view import Published, View
    from harness.stack.plan import Plan

PROC: Final = Path("/proc")
_LISTEN: Final = "0A"
_REPAIR: Final = "stop what holds it, or choose another port, for example: make up PORT=8001"


@dataclass(frozen=True, slots=True)
class Listener:
    """A listening socket of this machine, by the columns of ``/proc/net/tcp`` (proc(5))."""

    inode: str
    uid: str


def check_port(settings: Settings, wanted: Plan, view: View | None) -> Finding:
    """The port is free, or our own backend has it."""
    place = f"{wanted.bind_address}:{wanted.port}"
    published = _published(wanted, view)
    if published and published.project == wanted.project and _is_own_project(settings, wanted, view):
        return ok("port", f"{place} is held by our own backend ({published.container})")
    if published:
        owner = f" of project {published.project}" if published.project else ""
        return error("port", f"{place} is held by the container {published.container}{owner}", _REPAIR)
    return _judge_bind(place, bind_error(wanted.bind_address, wanted.port), wanted.port)


def _published(wanted: Plan, view: View | None) -> Published | None:
    everywhere = ipaddress.ip_address(wanted.bind_address).is_unspecified
    same = {wanted.bind_address, "0.0.0.0", "::", ""}  # noqa: S104  # compared with, not bound
    for published in view.published if view else ():
        if published.port == wanted.port and (everywhere or published.address in same):
            return published
    return None


def _is_own_project(settings: Settings, wanted: Plan, view: View | None) -> bool:
    try:
        containers.require_own(view.backend if view else None, root=settings.root, project=wanted.project)
    except PrerequisiteError:
        return False
    return True


def bind_error(address: str, port: int) -> OSError | None:
    """Bind and let go; ``None`` when that worked."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            # As the engine does: a port whose last connections are dying away is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((address, port))
    except OSError as refused:
        return refused
    return None


def _judge_bind(place: str, refused: OSError | None, port: int) -> Finding:
    if refused is None:
        return ok("port", f"{place} is free")
    if refused.errno == errno.EADDRINUSE:
        return error("port", f"{place} is held by {describe_holders(port)}", _REPAIR)
    if refused.errno in {errno.EACCES, errno.EPERM}:
        if any(True for _ in listeners(port)):
            return error("port", f"{place} is held by {describe_holders(port)}", _REPAIR)
        return ok("port", f"{place} may be bound by root only, which the engine is; nobody listens there")
    return error("port", f"{place} cannot be bound: {refused.strerror}", "correct BIND_ADDRESS and PORT in .env")


def describe_holders(port: int, proc: Path = PROC) -> str:
    """Say who listens at a port, as well as this user may know."""
    found = list(listeners(port, proc))
    if not found:
        return "somebody who does not show here"
    names = sorted({holder for listener in found for holder in holders(listener.inode, proc)})
    users = ", ".join(sorted({listener.uid for listener in found}))
    return ", ".join(names) or f"a process of user {users} that only that user and root can see"


def listeners(port: int, proc: Path = PROC) -> Iterator[Listener]:
    """Sockets that listen at a port, on any address."""
    for table in ("net/tcp", "net/tcp6"):
        try:
            lines = (proc / table).read_text().splitlines()[1:]
        except OSError:
            continue
        for columns in (line.split() for line in lines):
            if columns[3] == _LISTEN and int(columns[1].rpartition(":")[2], 16) == port:
                yield Listener(inode=columns[9], uid=columns[7])


def holders(inode: str, proc: Path = PROC) -> Iterator[str]:
    """Processes that have a socket open."""
    wanted = f"socket:[{inode}]"
    for process in proc.iterdir():
        if process.name.isdecimal() and wanted in _open_in(process):
            yield f"{_name_of(process)} (process {process.name})"


def _open_in(process: Path) -> Iterator[str]:
    try:
        entries = os.listdir(process / "fd")  # noqa: PTH208  # a Path for each of thousands is slow
    except OSError:
        # Another user's process, or one that has just ended.
        return
    for entry in entries:
        with suppress(OSError):
            yield os.readlink(f"{process}/fd/{entry}")  # noqa: PTH115  # likewise


def _name_of(process: Path) -> str:
    try:
        return (process / "comm").read_text(errors="replace").strip()
    except OSError:
        return "a process"
