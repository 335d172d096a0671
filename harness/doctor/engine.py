"""The engine as ``ladder doctor`` sees it: reached, new enough, with a compose and with images.

Who may not use the socket is told what exactly is missing: the group, or only a new login. A compose counts when it
tells its version; a name on PATH proves nothing.
"""

from __future__ import annotations

import grp
import os
import pwd
import re
import socket
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from harness.doctor.findings import error, ok, warning
from harness.doctor.view import BASE_IMAGE, CALL_TIMEOUT_S, wanted_images
from harness.stack import compose, engine
from harness.stack.images import BACKEND_IMAGE
from harness.stack.plan import OWN_WORKER_IMAGE

if TYPE_CHECKING:
    from harness.config import Settings
    from harness.doctor.findings import Finding
    from harness.doctor.view import View
    from harness.stack.plan import Plan

OLDEST_API: Final = (1, 41)
OLDEST_COMPOSE: Final = (1, 29)


@dataclass(frozen=True, slots=True)
class User:
    """Who asks: the groups that this process has, and those that the machine gives the user at the next login."""

    name: str
    groups: frozenset[int]
    granted: frozenset[int]


def check_socket(settings: Settings) -> Finding:
    """The engine's socket is there and lets this user in.

    Raises:
        PrerequisiteError: ``engine-not-local``.
    """
    try:
        found = engine.socket_of(settings)
    except OSError as missing:
        return error("engine-socket", f"no socket: {missing.filename}: {missing.strerror}", "scripts/engine ensure")
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(CALL_TIMEOUT_S)
            probe.connect(found.path)
    except PermissionError:
        repair = permission_repair(found, _this_user())
        return error("engine-socket", f"{found.path} may not be used by this user", repair)
    except OSError as silent:
        return error("engine-socket", f"nobody listens at {found.path} ({silent})", "scripts/engine ensure")
    return ok("engine-socket", f"{found.path} may be used by this user")


def permission_repair(found: engine.Socket, user: User) -> str:
    """What lets the user use the socket."""
    if found.gid in user.granted and found.gid not in user.groups:
        return f"log in again: {user.name} is in the group {_group_name(found.gid)} by now, and this login is older"
    if found.gid == 0:
        return "give the socket a group of its own (groupadd docker, then restart the engine), or run this as root"
    return f"sudo usermod -aG {_group_name(found.gid)} {user.name}, then log in again"


def _this_user() -> User:
    try:
        name = pwd.getpwuid(os.geteuid()).pw_name
        granted = frozenset(os.getgrouplist(name, pwd.getpwnam(name).pw_gid))
    except KeyError:
        name, granted = f"user {os.geteuid()}", frozenset()
    return User(name, frozenset({*os.getgroups(), os.getegid()}), granted)


def _group_name(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def check_version(view: View) -> Finding:
    """The engine speaks an API that jobs can be run with."""
    told = f"Docker Engine {view.version}, API {view.api}"
    if _version(view.api) < OLDEST_API:
        return error("engine", f"{told}: older than 1.41", "install Docker Engine 20.10 or newer")
    return ok("engine", told)


def _version(text: str) -> tuple[int, int]:
    found = re.search(r"(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def check_compose(settings: Settings) -> Finding:
    """A compose is there: version 2, or 1.29."""
    silent = ""
    for command in compose.CHOICES:
        try:
            answer = _ask_compose(settings, command)
        except subprocess.TimeoutExpired:
            silent = " ".join(command)
            continue
        if answer:
            return _judge_compose(" ".join(command), answer)
    if silent:
        message = f"{silent} has not told its version within {CALL_TIMEOUT_S} s"
        return warning("compose", message, f"look at what keeps it busy: {silent} version")
    missing = "neither 'docker compose' nor 'docker-compose' works"
    return error("compose", missing, "sudo apt-get install -y docker-compose")


def _ask_compose(settings: Settings, command: tuple[str, ...]) -> str:
    """Its version; empty when it does not work."""
    inherited = {name: settings.environ[name] for name in compose.INHERITED if name in settings.environ}
    try:
        done = subprocess.run(
            [*command, "version", "--short"], env=inherited | {"PYTHONNOUSERSITE": "1"}, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=CALL_TIMEOUT_S, check=False,
        )  # fmt: skip
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _judge_compose(command: str, answer: str) -> Finding:
    told = f"{command} {answer.removeprefix('v')}"
    if (0, 0) < _version(answer) < OLDEST_COMPOSE:
        return error("compose", f"{told}: older than 1.29", "install Docker Compose 2, or 1.29")
    return ok("compose", told)


def check_images(view: View, wanted: Plan | None) -> Finding:
    """Base, backend and worker image are there; ours can be built, another worker image cannot."""
    names = wanted_images(wanted)
    missing = [name for name in names if name not in view.images]
    foreign = [name for name in missing if name not in {BASE_IMAGE, BACKEND_IMAGE, OWN_WORKER_IMAGE}]
    if foreign:
        repair = f"docker pull {foreign[0]}, or remove CODEX_WORKER_IMAGE to use our own"
        return error("images", f"CODEX_WORKER_IMAGE={foreign[0]} is not on this engine", repair)
    if missing:
        return warning("images", f"not built yet: {', '.join(missing)}", "make up builds them")
    return ok("images", ", ".join(names))
