"""Where a workspace is on the *engine's* machine, because the engine resolves the source of a bind there.

Decided in this order: the configured host directory wins; a backend inside a container looks itself up in the engine
and follows the mount that holds the workspace; a backend on the host itself uses the absolute path. A container id
that the engine does not know means that the engine runs beside us in the same container, so the absolute path is
right again. All of this is a conclusion from texts, and can be wrong (virtual machines, remote engines, SELinux):
the workspace probe puts it to the test.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from backend.launchers.base import LaunchRefusedError
from backend.launchers.hardening import WORKSPACE_TARGET

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SUBPATH_API: Final = (1, 45)
"""API 1.41 ignores a volume's subpath and mounts the whole volume: every project, writable."""

_HINT: Final = "set HOST_WORKSPACES_DIR to the directory on the engine's machine that is WORKSPACE_ROOT here"


class Rule(StrEnum):
    """Which rule found the path; logged once at start."""

    CONFIGURED = "configured"
    HOST_PROCESS = "host-process"
    OWN_MOUNT = "own-mount"


@dataclass(frozen=True, slots=True)
class ProcessTexts:
    """What this process can read about itself; empty where it cannot.

    Attributes:
        hostname: Empty outside a container, where it says nothing about an id.
    """

    mountinfo: str
    cgroup: str
    hostname: str


def read_process_texts() -> ProcessTexts:
    """Read ``/proc/self`` and the hostname of this process."""
    in_container = any(Path(marker).exists() for marker in ("/.dockerenv", "/run/.containerenv"))
    return ProcessTexts(
        mountinfo=_read("/proc/self/mountinfo"),
        cgroup=_read("/proc/self/cgroup"),
        hostname=_read("/proc/sys/kernel/hostname").strip() if in_container else "",
    )


def _read(path: str) -> str:
    try:
        return Path(path).read_text(errors="replace")
    except OSError:
        return ""


def own_container_id(texts: ProcessTexts) -> str | None:
    """Find the id (or its first 12 digits) of the container that this process runs in, if it runs in one."""
    return _id_in_mountinfo(texts.mountinfo) or _id_in_cgroup(texts.cgroup) or _id_in_hostname(texts.hostname)


def _id_in_mountinfo(mountinfo: str) -> str | None:
    # proc(5): id, parent, device, root within its file system, mount point, … An engine's own host also has mounts
    # named after containers (`…/containers/<id>/mounts/shm`); only what lies behind /etc/hostname is about ourselves.
    found = re.search(
        r"^\S+ \S+ \S+ \S*/?containers/([0-9a-f]{64})/(?:userdata/)?hostname /etc/hostname ", mountinfo, re.MULTILINE
    )
    return found[1] if found else None


def _id_in_cgroup(cgroup: str) -> str | None:
    found = re.search(r"[/-]([0-9a-f]{64})(?:\.scope)?$", cgroup, flags=re.MULTILINE)
    return found[1] if found else None


def _id_in_hostname(hostname: str) -> str | None:
    return hostname if re.fullmatch(r"[0-9a-f]{12}", hostname) else None


@dataclass(frozen=True, slots=True)
class WorkspaceMap:
    """How paths of this process become mounts of a worker.

    Attributes:
        root: WORKSPACE_ROOT; nothing outside it is ever mounted.
        configured: HOST_WORKSPACES_DIR, or empty.
        own_mounts: ``Mounts`` from our own container's inspect answer; ``None`` when we are no container of the engine.
        api_version: As negotiated.
    """

    root: Path
    configured: str
    own_mounts: Sequence[Mapping[str, Any]] | None
    api_version: tuple[int, ...]

    @property
    def rule(self) -> Rule:
        """The rule that this map follows."""
        if self.configured:
            return Rule.CONFIGURED
        return Rule.HOST_PROCESS if self.own_mounts is None else Rule.OWN_MOUNT

    def mount(self, workspace: Path) -> dict[str, Any]:
        """Return the ``Mount`` of a create request for one project's directory.

        Raises:
            LaunchRefusedError: ``workspace-outside-root``, or ``workspace-not-mapped`` when no rule leads to the
                engine's machine.
        """
        inside = self._inside(workspace)
        if self.configured:
            return _bind(PurePosixPath(_absolute(self.configured), inside))
        return _bind(PurePosixPath(workspace)) if self.own_mounts is None else self._own_mount(workspace)

    def _inside(self, workspace: Path) -> PurePosixPath:
        inside = PurePosixPath(workspace)
        if not inside.is_relative_to(self.root) or inside == PurePosixPath(self.root) or ".." in inside.parts:
            msg = f"the workspace {workspace} is not a directory below {self.root}"
            raise LaunchRefusedError("workspace-outside-root", msg, "keep WORKSPACE_ROOT where the projects were made")
        return inside.relative_to(self.root)

    def _own_mount(self, workspace: Path) -> dict[str, Any]:
        held = [m for m in self.own_mounts or () if workspace.is_relative_to(m["Destination"])]
        if not held:
            msg = f"{workspace} lies in the backend's own container, in no mount that a worker could share"
            raise LaunchRefusedError("workspace-not-mapped", msg, _HINT)
        mount = max(held, key=lambda m: len(PurePosixPath(m["Destination"]).parts))
        return self._shared(mount, PurePosixPath(workspace).relative_to(mount["Destination"]))

    def _shared(self, mount: Mapping[str, Any], rest: PurePosixPath) -> dict[str, Any]:
        kind, source = mount.get("Type"), mount.get("Source")
        if kind == "volume" and self.api_version >= _SUBPATH_API:
            return _volume(mount["Name"], rest)
        if kind == "bind":
            return _bind(PurePosixPath(str(source), rest))
        if kind == "volume" and source and mount.get("Driver") == "local":
            # The engine refuses a private mount of anything below its own data root: "must use … rslave or rshared".
            return _bind(PurePosixPath(str(source), rest), propagation="rslave")
        msg = f"WORKSPACE_ROOT is on a mount of type {kind!r} that cannot be shared with a worker"
        raise LaunchRefusedError("workspace-not-mapped", msg, _HINT)


def _absolute(directory: str) -> str:
    if not PurePosixPath(directory).is_absolute():
        raise LaunchRefusedError("workspace-not-mapped", f"HOST_WORKSPACES_DIR={directory} is not absolute", _HINT)
    return directory


def _bind(source: PurePosixPath, propagation: str = "rprivate") -> dict[str, Any]:
    # A mount, never a `Binds` entry: with that one a missing source becomes a new directory of root's.
    return {
        "Type": "bind",
        "Source": str(source),
        "Target": WORKSPACE_TARGET,
        "ReadOnly": False,
        "BindOptions": {"Propagation": propagation},
    }


def _volume(name: str, rest: PurePosixPath) -> dict[str, Any]:
    options = {"NoCopy": True, "Subpath": str(rest)}
    return {"Type": "volume", "Source": name, "Target": WORKSPACE_TARGET, "ReadOnly": False, "VolumeOptions": options}
