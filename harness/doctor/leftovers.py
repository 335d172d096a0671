"""What an earlier use may have left behind, as ``ladder doctor`` sees it; it names each thing and removes none.

Leftovers are told apart from what is at work: workers by their backend, containers of a judge by its process, evidence
by the lock that its process holds, the engine's files by whether anybody answers at its socket. The doubt: an engine in
another process namespace has a number that nobody here has, so its files count as left behind only while its socket
does not answer either.
"""

from __future__ import annotations

import socket
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final

from harness.doctor.findings import ok, warning
from harness.evidence.layout import PARTIAL_SUFFIX
from harness.evidence.reading import RunCondition, read_entry
from harness.evidence.timestamps import is_folder_name
from harness.stack import containers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.config import Settings
    from harness.doctor.findings import Finding
    from harness.doctor.view import View
    from harness.stack.plan import Plan

PROC: Final = Path("/proc")
SOCKET_TIMEOUT_S: Final = 5
_NAMED: Final = 3
_RUNNING: Final = "running"


def check_project(settings: Settings, wanted: Plan, view: View) -> Finding:
    """The project is ours, and its backend runs or is not there.

    Raises:
        PrerequisiteError: ``project-in-use``.
    """
    backend = view.backend
    containers.require_own(backend, root=settings.root, project=wanted.project)
    if backend is None:
        return ok("project", f"project {wanted.project} is down")
    if backend.status == _RUNNING:
        return ok("project", f"project {wanted.project} runs")
    told = f"the backend of project {wanted.project} is {backend.status}, with exit code {backend.exit_code}"
    return warning("project", told, f"docker logs {backend.id[:12]}, then make up")


def check_workers(wanted: Plan, view: View) -> Finding:
    """No worker container outlived its backend."""
    if view.backend is not None and view.backend.status == _RUNNING:
        return ok("leftover-workers", f"{len(view.workers)} worker containers, looked after by the running backend")
    if not view.workers:
        return ok("leftover-workers", "none")
    told = f"{_some(view.workers)} of instance {wanted.project}, and no backend runs that looks after them"
    return warning("leftover-workers", told, "make down removes them")


def check_judges(view: View) -> Finding:
    """No container in which a program was run outlived its judge."""
    if not view.of_judges:
        return ok("leftover-judges", "none")
    told = f"{_some(view.of_judges)}: a judge was killed while it ran a program in them"
    return warning("leftover-judges", told, "make down removes them")


def check_networks(wanted: Plan, view: View) -> Finding:
    """No network of the project outlived its containers."""
    if view.backend is not None or not view.networks:
        return ok("leftover-networks", "none")
    told = f"{_some(view.networks)} of project {wanted.project}, which has no container"
    return warning("leftover-networks", told, "make down removes them")


def check_runs(out: Path) -> Finding:
    """No evidence folder was abandoned. Only partial folders are opened: there may be thousands of others."""
    try:
        found = sorted(path for path in out.iterdir() if _is_partial(path.name))
    except FileNotFoundError:
        return ok("leftover-runs", f"none; {out} is not there yet")
    entries = [read_entry(folder) for folder in found]
    left = [entry.folder.name for entry in entries if entry.condition is RunCondition.PARTIAL]
    if left:
        told = f"{_some(left)} in {out}: interrupted runs that no process holds, and no evidence"
        return warning("leftover-runs", told, f"delete them when nobody needs them any more: rm -r {out / left[0]}")
    return ok("leftover-runs", f"none; {len(entries)} runs are going on" if entries else "none")


def _is_partial(name: str) -> bool:
    return name.endswith(PARTIAL_SUFFIX) and is_folder_name(name.removesuffix(PARTIAL_SUFFIX))


def check_engine_files(settings: Settings, proc: Path = PROC) -> Finding:
    """The engine's process file and socket belong to an engine that lives."""
    folder = Path(settings.get("LADDER_RUN_DIR", "/var/run"))
    socket_path, pid_path = folder / "docker.sock", folder / "docker.pid"
    if _listens(socket_path) or _lives(pid_path, proc):
        return ok("leftover-engine", "none; the files are a living engine's")
    left = [str(path) for path in (pid_path, socket_path) if path.exists()]
    if left:
        told = f"{_some(left)}: of an engine that no longer runs"
        return warning("leftover-engine", told, "scripts/engine ensure removes them and starts the engine")
    return ok("leftover-engine", "none")


def _listens(path: Path) -> bool:
    try:
        if not stat.S_ISSOCK(path.stat().st_mode):
            return False
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(SOCKET_TIMEOUT_S)
            probe.connect(str(path))
    except (PermissionError, TimeoutError):
        # Somebody is there and does not let us in.
        return True
    except OSError:
        return False
    return True


def _lives(pid_path: Path, proc: Path) -> bool:
    try:
        process = proc / str(int(pid_path.read_text()))
        name = (process / "comm").read_text().strip()
        state = (process / "stat").read_text().rpartition(") ")[2]
    except (OSError, ValueError):
        return False
    # A killed engine that nobody has waited for keeps its name and number.
    return name == "dockerd" and state[:1] not in {"Z", "X"}


def _some(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
