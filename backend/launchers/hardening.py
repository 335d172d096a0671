"""How a worker container is locked down, as data: what is asked of the engine, and what the engine granted.

Asking proves nothing: some hosts drop a limit in silence. So the options asked for and the facts read back from one
inspect answer share their names, and a name whose two values differ is a finding. Facts are an allow list; the rest
of an inspect answer (values of the environment above all) never leaves this package. Facts are compared by meaning,
because Podman spells out capabilities and adds words to tmpfs options.

One doubt remains: the engine repeats what it was asked, so a kernel that ignores a limit is seen from inside only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

WORKSPACE_TARGET: Final = "/workspace"
TMPFS: Final = {"/tmp": "rw,noexec,nosuid,nodev,size=64m,mode=1777"}  # noqa: S108  # a path inside the container
LOG_MAX_SIZE_BYTES: Final = 2_000_000
LOG_MAX_FILES: Final = 3
SHM_BYTES: Final = 16 * 1024 * 1024

_ULIMITS: Final = {"core": (0, 0), "nofile": (1024, 1024)}
_TMPFS_NOISE: Final = {"rprivate", "private", "tmpcopyup"}
_UNITS: Final = {"": 1, "b": 1, "k": 1024, "m": 1024**2, "g": 1024**3}


@dataclass(frozen=True, slots=True)
class Hardening:
    """What varies between deployments; everything else about a worker container is fixed.

    Attributes:
        user: ``uid:gid`` in digits; never the root user.
        network: ``none``, or the name of a network made for workers; never another's namespace.
        nano_cpus: Billionths of one CPU.

    Raises:
        ValueError: The user is root or no pair of numbers, or the network shares a namespace.
    """

    user: str
    network: str
    memory_bytes: int
    nano_cpus: int
    pids: int

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[1-9][0-9]*:[1-9][0-9]*", self.user):
            msg = f"a worker's user is 'uid:gid' in digits and never root, not {self.user!r}"
            raise ValueError(msg)
        if self.network == "host" or ":" in self.network:
            msg = f"a worker never shares a network namespace; WORKER_NETWORK={self.network!r} would"
            raise ValueError(msg)

    def host_config(self, mount: Mapping[str, Any]) -> dict[str, Any]:
        """Return the ``HostConfig`` of a create request (Docker Engine API 1.41, ContainerCreate)."""
        return {
            "Mounts": [mount],
            "NetworkMode": self.network,
            "ReadonlyRootfs": True,
            "Tmpfs": TMPFS,
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges:true"],
            "Privileged": False,
            "Memory": self.memory_bytes,
            "MemorySwap": self.memory_bytes,
            "NanoCpus": self.nano_cpus,
            "PidsLimit": self.pids,
            "Ulimits": [{"Name": name, "Soft": soft, "Hard": hard} for name, (soft, hard) in _ULIMITS.items()],
            "IpcMode": "private",
            "ShmSize": SHM_BYTES,
            # Python as PID 1 ignores SIGTERM and drops its own signals; an init does neither.
            "Init": True,
            "RestartPolicy": {"Name": "no"},
            # With auto_remove the output is gone before anybody can read it.
            "AutoRemove": False,
            "LogConfig": {
                "Type": "json-file",
                "Config": {"max-size": f"{LOG_MAX_SIZE_BYTES}b", "max-file": str(LOG_MAX_FILES)},
            },
        }

    def expected(self) -> dict[str, object]:
        """Return the facts that ``granted`` must show, by the same names."""
        return {
            "user": self.user,
            "network": self.network,
            "read_only_root": True,
            "tmpfs": _tmpfs(TMPFS),
            "capabilities_dropped": "all",
            "capabilities_added": [],
            "privileged": False,
            "no_new_privileges": True,
            "seccomp": "default",
            "memory_bytes": self.memory_bytes,
            "memory_swap_bytes": self.memory_bytes,
            "nano_cpus": self.nano_cpus,
            "pids_limit": self.pids,
            "ulimits": {name: list(limits) for name, limits in _ULIMITS.items()},
            "ipc": "private",
            "host_namespaces": [],
            "init": True,
            "mounts": [f"{WORKSPACE_TARGET} rw"],
            "shared_mounts": [],
            "other_access": [],
            "auto_remove": False,
        }

    def missing(self, facts: Mapping[str, object]) -> tuple[str, ...]:
        """Name what was asked for and not granted; ``facts`` come from ``granted``."""
        return tuple(name for name, value in self.expected().items() if facts.get(name) != value)


def granted(inspect: Mapping[str, Any]) -> dict[str, object]:
    """Read the allow-listed facts from one inspect answer of a container (API 1.41 to 1.5x, Podman)."""
    config, host = inspect.get("Config") or {}, inspect.get("HostConfig") or {}
    mounts = inspect.get("Mounts") or []
    security = host.get("SecurityOpt") or []
    return {
        "user": config.get("User", ""),
        "network": host.get("NetworkMode", ""),
        "read_only_root": host.get("ReadonlyRootfs") is True,
        "tmpfs": _tmpfs(host.get("Tmpfs") or {}),
        "capabilities_dropped": _dropped(inspect, host),
        "capabilities_added": sorted(host.get("CapAdd") or []),
        "privileged": bool(host.get("Privileged")),
        "no_new_privileges": any(re.fullmatch(r"no-new-privileges([:=]true)?", option) for option in security),
        "seccomp": next((option.partition("=")[2] for option in security if option.startswith("seccomp=")), "default"),
        "memory_bytes": host.get("Memory", 0),
        "memory_swap_bytes": host.get("MemorySwap", 0),
        "nano_cpus": host.get("NanoCpus", 0),
        "pids_limit": host.get("PidsLimit") or 0,
        "ulimits": _ulimits(host),
        "ipc": host.get("IpcMode", ""),
        "host_namespaces": [name for name in ("PidMode", "UTSMode", "UsernsMode") if host.get(name) == "host"],
        "init": host.get("Init") is True,
        "mounts": sorted(f"{m.get('Destination')} {'rw' if m.get('RW') else 'ro'}" for m in mounts),
        "shared_mounts": [m["Destination"] for m in mounts if m.get("Propagation") not in _ONE_WAY],
        "other_access": [name for name in _OTHER_ACCESS if host.get(name)],
        "auto_remove": bool(host.get("AutoRemove")),
        "log_driver": (host.get("LogConfig") or {}).get("Type", ""),
        "environment": _presence(config),
    }


# What a worker mounts never reaches the host; a slave sees the host's later mounts, and is the only way into a volume.
_ONE_WAY: Final = {None, "", "private", "rprivate", "slave", "rslave"}
_OTHER_ACCESS: Final = ("Binds", "Devices", "DeviceRequests", "VolumesFrom", "PortBindings", "Links", "GroupAdd")


def _tmpfs(options: Mapping[str, str]) -> dict[str, object]:
    return {path: sorted(set(text.split(",")) - _TMPFS_NOISE) for path, text in options.items()}


def _dropped(inspect: Mapping[str, Any], host: Mapping[str, Any]) -> str:
    names = [str(name).upper() for name in host.get("CapDrop") or []]
    # Podman lists every capability by name; its own answer to "what is left" is the bounding set.
    nothing_left = "BoundingCaps" in inspect and not inspect["BoundingCaps"]
    return "all" if nothing_left or {"ALL", "CAP_ALL"} & set(names) else ",".join(sorted(names))


def _ulimits(host: Mapping[str, Any]) -> dict[str, object]:
    found = {str(u["Name"]).lower().removeprefix("rlimit_"): [u["Soft"], u["Hard"]] for u in host.get("Ulimits") or []}
    return {name: found[name] for name in _ULIMITS if name in found}


def _presence(config: Mapping[str, Any]) -> dict[str, str]:
    variables = (entry.partition("=") for entry in config.get("Env") or [])
    return {name: "present" if value else "absent" for name, _, value in variables}


def parse_memory(text: str) -> int:
    """Read a size such as ``512m`` (units b, k, m, g; powers of 1024) as bytes.

    Raises:
        ValueError: It is no such size.
    """
    if not (found := re.fullmatch(r"([1-9][0-9]*)([bkmg]?)", text.lower())):
        msg = f"a memory limit looks like 512m or 1g, not {text!r}"
        raise ValueError(msg)
    return int(found[1]) * _UNITS[found[2]]
