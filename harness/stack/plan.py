"""What the stack shall be, decided from settings alone, before anything is touched.

It names the project, the address, the folders, the user and the settings of the backend; it refuses an address that
others can reach while the API asks for no token. ``digest`` sums a plan up, so that a running stack can be compared
with what is wanted now. A secret enters that sum as present or absent only; that its value changed shows by the time
of its file.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from harness.errors import PrerequisiteError, UsageError
from harness.stack.secrets import API_TOKENS, PRIVATE_NAMES
from worker.contract import WORKER_UID

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.config import Settings
    from harness.stack.secrets import Secrets

DEFAULT_PROJECT: Final = "ladder"
OWN_WORKER_IMAGE: Final = "codex-worker:latest"
MODE_SETTING: Final = "USE_DUMMY_WORKER"
_TRUE_WORDS: Final = frozenset({"1", "true", "t", "yes", "y", "on"})
_FALSE_WORDS: Final = frozenset({"0", "false", "f", "no", "n", "off"})
"""Words that pydantic reads as true and false, so that this side and the backend agree about the mode."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One stack as wanted.

    Attributes:
        project: Compose project and backend instance; containers, networks and workers are found by it.
        data_dir: Absolute; holds ``workspaces`` and ``state``.
        uid: User of the backend and of its workers, so that this user can delete what they made.
        settings: The backend's settings without private ones: ``.env`` with the environment laid over it.
    """

    project: str
    bind_address: str
    port: int
    data_dir: Path
    uid: int
    gid: int
    settings: Mapping[str, str]

    @property
    def mode(self) -> str:
        """``mocked`` or ``live``."""
        return "live" if self.settings.get(MODE_SETTING, "True").strip().lower() in _FALSE_WORDS else "mocked"

    @property
    def base_url(self) -> str:
        """Where this machine reaches the backend."""
        host = ipaddress.ip_address(self.bind_address)
        reachable = ("::1" if host.version == 6 else "127.0.0.1") if host.is_unspecified else self.bind_address  # noqa: PLR2004
        return f"http://[{reachable}]:{self.port}" if ":" in reachable else f"http://{reachable}:{self.port}"

    @property
    def api_url(self) -> str:
        """Base URL with the API's prefix."""
        return self.base_url + (self.settings.get("API_V1_STR") or "/api/v1")

    @property
    def worker_image(self) -> str:
        """The image that jobs run in."""
        return self.settings.get("CODEX_WORKER_IMAGE") or OWN_WORKER_IMAGE

    @property
    def stop_grace_s(self) -> int:
        """Longer than the grace that the backend itself gives its workers when it stops."""
        return round(_number(self.settings, "JOB_STOP_GRACE_SECONDS", 5)) + 15


def make_plan(settings: Settings, values: Mapping[str, str], *, known: frozenset[str], uid: int, gid: int) -> Plan:
    """Lay the environment over the values of ``.env`` and read what this side needs of them.

    Args:
        settings: The snapshot of the environment.
        values: Content of ``.env``.
        known: Names of settings, as ``.env.example`` lists them; any other is ignored.
        uid: Effective user of this process; root is replaced by the worker's own user.
        gid: Its group.

    Raises:
        UsageError: ``setting-invalid``.
    """
    merged = {name: settings.get(name, values.get(name, "")) for name in sorted(known)}
    project = merged.get("LADDER_PROJECT") or DEFAULT_PROJECT
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,40}", project):
        raise _invalid("LADDER_PROJECT", "lower-case letters, digits, '-' and '_', at most 41")
    if merged.get(MODE_SETTING, "").strip().lower() not in _TRUE_WORDS | _FALSE_WORDS | {""}:
        raise _invalid(MODE_SETTING, "True or False")
    return Plan(
        project=project,
        bind_address=_address(merged.get("BIND_ADDRESS") or "127.0.0.1"),
        port=int(_number(merged, "PORT", 8000, lowest=1, highest=65535)),
        data_dir=(settings.root / Path(merged.get("DATA_DIR") or "var/data").expanduser()).resolve(),
        uid=uid or WORKER_UID,
        gid=gid if uid else WORKER_UID,
        settings={name: value for name, value in merged.items() if name not in PRIVATE_NAMES},
    )


def _invalid(name: str, expected: str) -> UsageError:
    return UsageError("setting-invalid", f"{name} is not valid: expected {expected}", f"correct {name} in .env")


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address({"localhost": "127.0.0.1"}.get(text, text)))
    except ValueError:
        raise _invalid("BIND_ADDRESS", "an IP address such as 127.0.0.1") from None


def _number(
    values: Mapping[str, str], name: str, default: float, *, lowest: float = 0, highest: float = 86400
) -> float:
    try:
        number = float(values.get(name) or default)
    except ValueError:
        number = -1
    if not lowest <= number <= highest:
        raise _invalid(name, f"a number from {lowest:g} to {highest:g}")
    return number


def refuse_exposure(plan: Plan, secrets: Secrets) -> None:
    """Refuse an address that others can reach while any caller is let in.

    Raises:
        PrerequisiteError: ``exposed-without-token``.
    """
    if API_TOKENS in secrets or ipaddress.ip_address(plan.bind_address).is_loopback:
        return
    raise PrerequisiteError(
        "exposed-without-token",
        f"BIND_ADDRESS={plan.bind_address} can be reached by others, and API_TOKENS is empty",
        "set API_TOKENS in .env.live, or BIND_ADDRESS=127.0.0.1",
    )


def digest(plan: Plan, secrets: Secrets, *, images: Mapping[str, str], files: Mapping[str, int]) -> str:
    """Sum up everything that would make a running backend differ from the one wanted.

    Args:
        plan: The stack as wanted.
        secrets: Enters by presence only.
        images: Image ids by role.
        files: Modification times in nanoseconds by name; they stand for what must not be hashed.
    """
    facts = {
        "project": plan.project,
        "address": plan.base_url,
        "data_dir": str(plan.data_dir),
        "user": [plan.uid, plan.gid],
        "settings": dict(plan.settings),
        "secrets": secrets.presence(),
        "images": dict(images),
        "files": dict(files),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]
