"""The machine and the shell around the stack, as ``ladder doctor`` sees them: room, folders, proxies, overrides.

The engine's folder is measured from here, which is right for an engine on this machine; where it cannot be seen, the
finding says so. A proxy's address may hold a password, so that only the variables' names are told.
"""

from __future__ import annotations

import ipaddress
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

from harness.doctor.findings import error, not_checked, ok, warning
from harness.stack import env_file
from harness.stack.plan import MODE_SETTING

if TYPE_CHECKING:
    from harness.config import Settings
    from harness.doctor.findings import Finding
    from harness.stack.plan import Plan

MIN_FREE_BYTES: Final = 64 * 1024 * 1024
"""The backend's own floor when MIN_FREE_BYTES is not set."""
LITTLE_BYTES: Final = 1024**3
"""Images, a few hundred projects and their evidence fit; measured, the three images take 330 MB."""
FEW_FILES: Final = 10_000
LOOPBACK: Final = ("127.0.0.1", "localhost")
PROXIES: Final = ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")
_WRITE: Final = 0o2


def check_data_room(wanted: Plan) -> Finding:
    """There is room where workspaces and state lie."""
    floor = int(float(wanted.settings.get("MIN_FREE_BYTES") or MIN_FREE_BYTES))
    return _judge_room("disk-data", _existing(wanted.data_dir), floor)


def check_engine_room(root_dir: str) -> Finding:
    """There is room where the engine keeps images and containers."""
    path = Path(root_dir)
    try:
        there = bool(root_dir) and path.is_dir()
    except PermissionError:
        there = False
    if not there:
        return not_checked("disk-engine", f"the engine's folder {root_dir or '(not told)'} cannot be seen from here")
    return _judge_room("disk-engine", path, MIN_FREE_BYTES)


def _judge_room(check: str, path: Path, floor: int) -> Finding:
    free = shutil.disk_usage(path).free
    told = f"{free / 1024**2:.0f} MiB free at {path}"
    repair = "free space, or choose another disk; docker system df shows what the engine holds"
    if free < floor:
        return error(check, f"{told}: below the floor of {floor / 1024**2:.0f} MiB, where no job is accepted", repair)
    if free < LITTLE_BYTES:
        return warning(check, f"{told}: little for images and evidence", repair)
    facts = os.statvfs(path)
    # Some file systems have no such limit and say 0.
    if facts.f_files and facts.f_favail < FEW_FILES:
        return warning(check, f"{told}, but only for {facts.f_favail} more files", repair)
    return ok(check, told)


def _existing(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.exists())


def check_data_folders(wanted: Plan) -> Finding:
    """The backend's user may write where its data lies; root hands folders over, anybody else cannot."""
    folders = [wanted.data_dir, wanted.data_dir / "workspaces", wanted.data_dir / "state"]
    there = [folder for folder in folders if folder.exists()]
    if files := [folder for folder in there if not folder.is_dir()]:
        return error("data-dir", f"{files[0]} is no folder", "move it away, or choose another DATA_DIR")
    if os.geteuid() == 0:
        return ok("data-dir", f"{wanted.data_dir}: make up hands it to user {wanted.uid}")
    if not there and not os.access(_existing(wanted.data_dir), os.W_OK):
        message = f"{wanted.data_dir} cannot be made by this user"
        return error("data-dir", message, "choose another DATA_DIR, or make its parent writable")
    if shut := [str(folder) for folder in there if not writable(folder, wanted)]:
        message = f"user {wanted.uid} may not write to {', '.join(shut)}"
        return error("data-dir", message, f"sudo chown -R {wanted.uid}:{wanted.gid} {wanted.data_dir}")
    return ok("data-dir", f"{wanted.data_dir} is writable for user {wanted.uid}")


def writable(folder: Path, wanted: Plan) -> bool:
    """Whether the permission bits let the stack's user write."""
    facts = folder.stat()
    if facts.st_uid == wanted.uid:
        return bool(facts.st_mode & _WRITE << 6)
    if facts.st_gid == wanted.gid:
        return bool(facts.st_mode & _WRITE << 3)
    return bool(facts.st_mode & _WRITE)


def check_mode(settings: Settings) -> Finding:
    """Nothing outranks the mode that ``.env`` says and that ``ladder rollback`` writes."""
    name, word = settings.env_file.name, settings.get(MODE_SETTING)
    if not word:
        return ok("mode-override", f"{MODE_SETTING} is not in the environment; {name} decides")
    same = word.lower() == env_file.read(settings.env_file).get(MODE_SETTING, "").lower()
    says = "says the same now" if same else "says otherwise"
    told = f"{MODE_SETTING} in the environment outranks {name} and {says}"
    return warning("mode-override", told, f"unset {MODE_SETTING}")


def is_excepted(host: str, exceptions: str) -> bool:
    """Whether NO_PROXY names a host: by name, by a domain above it, by a network, or by ``*``."""
    entries = [entry.strip().lower() for entry in exceptions.split(",") if entry.strip()]
    return any(
        entry in {"*", host} or host.endswith(f".{entry.lstrip('*.')}") or _holds(entry, host) for entry in entries
    )


def _holds(network: str, host: str) -> bool:
    try:
        return "/" in network and ipaddress.ip_address(host) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


def check_proxy(settings: Settings) -> Finding:
    """No proxy is asked for what is on this very machine."""
    named = [name for name in PROXIES if settings.get(name)]
    if not named:
        return ok("proxy", "no proxy is set for plain HTTP")
    exceptions = settings.get("no_proxy") or settings.get("NO_PROXY")
    caught = [host for host in LOOPBACK if not is_excepted(host, exceptions)]
    if not caught:
        return ok("proxy", f"{', '.join(named)} set; loopback is excepted")
    told = f"{', '.join(named)} would be asked for {' and '.join(caught)} by curl and others; the harness goes direct"
    return warning("proxy", told, "export NO_PROXY=127.0.0.1,localhost no_proxy=127.0.0.1,localhost")
