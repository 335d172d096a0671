"""The container in which a fetched program runs, as data: its create request, and the archive that it unpacks. Pure.

A container with a read-only root takes an archive only into a volume, and the engine unpacks as root. So the engine
gets one file with a name of ours, an archive whose names come from the subject; it is unpacked inside, by the user who
may do nothing, into memory that is bounded. The program can write beside its files, and nothing reaches the disk but
its output, which rotates. The names are checked here as well, since half a project would be judged for a whole one.

The container has no ``ladder.project`` label, or the witness would count it among the subject's.
"""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING, Any, Final

from worker.contract import WORKER_UID

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

VOLUME: Final = "/fetched"
ARCHIVE_NAME: Final = "project.tar"

MEMORY_BYTES: Final = 512 << 20
NANO_CPUS: Final = 1_000_000_000
MOST_PROCESSES: Final = 64

LOG_FILE_BYTES: Final = 8_000_000
LOG_FILES: Final = 2

NOT_UNPACKED: Final = "the project could not be unpacked: "
"""Begins what the container then says on stderr; it exits with 1."""

_FOLDER: Final = "/tmp/project"  # noqa: S108  # a path inside the container
_TMPFS: Final = {"/tmp": "rw,noexec,nosuid,nodev,size=128m,mode=1777"}  # noqa: S108  # likewise
_ULIMITS: Final = {"core": 0, "nofile": 1024, "cpu": 60}
"""Seconds of ``cpu``: an endless loop ends even when the judge is killed meanwhile."""

_LONGEST_NAME_BYTES: Final = 255
_LONGEST_PATH_BYTES: Final = 1_024

# The interpreter that unpacks is replaced by the program's, so that the exit code and the signals are the program's.
_UNPACK_AND_RUN: Final = f"""
import os, sys, tarfile
try:
    with tarfile.open("{VOLUME}/{ARCHIVE_NAME}") as archive:
        archive.extractall("{_FOLDER}")
    os.chdir("{_FOLDER}")
except Exception as error:
    sys.exit(f"{NOT_UNPACKED}{{error}}")
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


class UnsafeNameError(Exception):
    """A file has a name that is not put into a container; the message shows it."""


def create_body(image: str, args: Sequence[str], labels: Mapping[str, str]) -> dict[str, Any]:
    """Return the body of ``POST /containers/create`` (Docker Engine API 1.41).

    Args:
        image: Id or name; the engine pulls nothing when it is asked this way.
        args: Of ``python3``.
        labels: Of the container and its volume; see ``judge_containers``.
    """
    return {
        "Image": image,
        "Labels": labels,
        # Not every image has a `python`; those that do have a `python3` as well.
        "Entrypoint": ["python3"],
        "Cmd": ["-I", "-W", "ignore", "-c", _UNPACK_AND_RUN, *args],
        "WorkingDir": "/",
        "User": f"{WORKER_UID}:{WORKER_UID}",
        "Env": ["HOME=/tmp", "LANG=C.UTF-8", "PYTHONDONTWRITEBYTECODE=1"],
        "Healthcheck": {"Test": ["NONE"]},
        "Tty": False,
        "OpenStdin": False,
        "HostConfig": _host_config(labels),
    }


def _host_config(labels: Mapping[str, str]) -> dict[str, Any]:
    return {
        "Mounts": [{"Type": "volume", "Target": VOLUME, "VolumeOptions": {"NoCopy": True, "Labels": labels}}],
        "NetworkMode": "none",
        "ReadonlyRootfs": True,
        "Tmpfs": _TMPFS,
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges:true"],
        "Privileged": False,
        "Memory": MEMORY_BYTES,
        "MemorySwap": MEMORY_BYTES,
        "NanoCpus": NANO_CPUS,
        "PidsLimit": MOST_PROCESSES,
        "Ulimits": [{"Name": name, "Soft": most, "Hard": most} for name, most in _ULIMITS.items()],
        "IpcMode": "private",
        # A Python that is process 1 drops its own signals, and would exit with 0 after a fault.
        "Init": True,
        "RestartPolicy": {"Name": "no"},
        "AutoRemove": False,
        "LogConfig": {
            "Type": "json-file",
            "Config": {"max-size": f"{LOG_FILE_BYTES}b", "max-file": str(LOG_FILES)},
        },
    }


def archive_of(files: Mapping[str, bytes]) -> bytes:
    """Pack a project for ``put_archive`` into the volume.

    Raises:
        UnsafeNameError: A name is absolute, leads elsewhere, or cannot lie beside the others.
    """
    _check_names(files)
    return _tar({ARCHIVE_NAME: _tar(files)})


def _tar(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT, encoding="utf-8") as archive:
        for path, data in files.items():
            # Regular files only; folders come of their names, links and devices are never made.
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(data), 0o644
            archive.addfile(entry, io.BytesIO(data))
    return packed.getvalue()


def _check_names(files: Mapping[str, bytes]) -> None:
    for path in files:
        if not _is_plain(path):
            msg = f"a file is named {path!a}, which is not put into a container"
            raise UnsafeNameError(msg)
        parts = path.split("/")
        folder = next((above for n in range(1, len(parts)) if (above := "/".join(parts[:n])) in files), None)
        if folder is not None:
            msg = f"{folder!a} is a file, and {path!a} lies in it"
            raise UnsafeNameError(msg)


def _is_plain(path: str) -> bool:
    """Whether a path is relative, goes only downwards, and can be the name of a file on any Linux."""
    try:
        names = path.encode().split(b"/")
    except UnicodeEncodeError:
        return False
    return len(path.encode()) <= _LONGEST_PATH_BYTES and all(
        name not in {b"", b".", b".."} and b"\0" not in name and len(name) <= _LONGEST_NAME_BYTES for name in names
    )
