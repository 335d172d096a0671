"""Containers in which a judge runs a fetched program, and which of them a killed judge has left behind.

Each is labelled with the process that made it, so that the container of a judge at work is never taken for a leftover.
Where that process cannot be looked at (another machine, another process namespace, an older judge), age tells: no run
of a program takes as long. The doubt: a judge in a process namespace of its own keeps a leftover for these minutes.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from docker import DockerClient

COMPONENT: Final = "ladder.component"
JUDGE: Final = "judge"
PROCESS: Final = "ladder.judge.process"

LONGEST_LIFE_S: Final = 600
"""A program runs for at most 20 s; the calls around it have bounds of 30 s each."""

PROC: Final = Path("/proc")
_PARTS: Final = 4
_STARTED: Final = 19
"""Place of the start time behind the name in ``/proc/PID/stat`` (proc(5), field 22)."""


def labels(proc: Path = PROC) -> dict[str, str]:
    """What a judge's container is labelled with; this process makes it."""
    return {COMPONENT: JUDGE, PROCESS: "/".join((*_here(proc), str(os.getpid()), _started(proc, str(os.getpid()))))}


def left_behind(
    every: Iterable[Mapping[str, Any]], *, now: Callable[[], float] = time.time, proc: Path = PROC
) -> tuple[str, ...]:
    """Ids of the containers whose judge is gone.

    Args:
        every: As ``GET /containers/json`` tells them, whoever made them.
        now: Seconds since the epoch.
        proc: Where the machine shows its processes.
    """
    return tuple(str(each["Id"]) for each in every if _is_judges(each) and not _may_be_at_work(each, now(), proc))


def remove_left_behind(client: DockerClient) -> int:
    """Remove what killed judges have left behind; tell how many there were."""
    from docker.errors import NotFound

    found = left_behind(client.api.containers(all=True, filters={"label": [f"{COMPONENT}={JUDGE}"]}))
    for container in found:
        try:
            client.api.remove_container(container, v=True, force=True)
        except NotFound:
            # Somebody else's removal came first, which is what we want.
            continue
    return len(found)


def _is_judges(container: Mapping[str, Any]) -> bool:
    return (container.get("Labels") or {}).get(COMPONENT) == JUDGE


def _may_be_at_work(container: Mapping[str, Any], now: float, proc: Path) -> bool:
    parts: list[str] = container["Labels"].get(PROCESS, "").split("/")
    if len(parts) == _PARTS and all(parts) and tuple(parts[:2]) == _here(proc) and parts[2].isdecimal():
        return _started(proc, parts[2]) == parts[3]
    return now - float(container.get("Created", 0)) < LONGEST_LIFE_S


def _here(proc: Path) -> tuple[str, str]:
    """This start of this machine, and the namespace in which processes have their numbers."""
    try:
        boot = (proc / "sys/kernel/random/boot_id").read_text().strip()
        space = os.readlink(proc / "self/ns/pid")  # noqa: PTH115  # the text of the link, which names no file
    except OSError:
        return "", ""
    return boot, space


def _started(proc: Path, process: str) -> str:
    """When a process was started; empty when there is none, or none any more."""
    try:
        fields = (proc / process / "stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return ""
    # One that was killed and that nobody has waited for keeps its number.
    return "" if fields[0] in {"Z", "X"} else fields[_STARTED]
