"""Docker compose, version 2 or 1.29, run with an environment of its own.

Version 1 is a Python program and breaks on this process's packages and settings, so it inherits only what it needs. The
secret values are in that environment and nowhere else: not in a file, not in an argument. Its output is masked before
anyone sees it.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from harness.errors import PrerequisiteError
from harness.stack import env_file
from harness.stack.engine import socket_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from harness.config import Settings
    from harness.stack.plan import Plan
    from harness.stack.secrets import Secrets

INHERITED: Final = (
    "PATH", "HOME", "LANG", "TMPDIR", "XDG_RUNTIME_DIR",
    "DOCKER_HOST", "DOCKER_CONFIG", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH",
)  # fmt: skip
CHOICES: Final = (("docker", "compose"), ("docker-compose",))
CALL_TIMEOUT_S: Final = 180


@dataclass(frozen=True, slots=True)
class Compose:
    """One project of one compose file; ``environ`` is masked in the representation, because it holds secret values."""

    command: tuple[str, ...]
    root: Path
    project: str
    environ: Mapping[str, str] = field(repr=False)
    secrets: Secrets

    def run(self, *arguments: str) -> None:
        """Run one compose command to its end.

        Raises:
            PrerequisiteError: ``port-in-use`` or ``compose-failed``, with the masked end of its output.
        """
        command = [*self.command, "-f", str(self.root / "docker-compose.yml"), "-p", self.project, *arguments]
        try:
            done = subprocess.run(
                command, env=dict(self.environ), cwd=self.root, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True, timeout=CALL_TIMEOUT_S, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            message = f"compose {arguments[0]} took longer than {CALL_TIMEOUT_S} s"
            raise PrerequisiteError("compose-failed", message, "docker ps, and look at what hangs") from error
        if done.returncode != 0:
            raise _failure(arguments[0], self.secrets.mask(done.stdout))


def _failure(action: str, output: str) -> PrerequisiteError:
    tail = " / ".join(line.strip() for line in output.splitlines()[-5:] if line.strip())
    if "port is already allocated" in output or "address already in use" in output:
        return PrerequisiteError(
            "port-in-use", f"compose {action}: {tail}", "choose another port, for example: make up PORT=8001"
        )
    return PrerequisiteError("compose-failed", f"compose {action} failed: {tail}", "docker compose config -q")


def open_compose(settings: Settings, plan: Plan, secrets: Secrets, *, label: str = "") -> Compose:
    """Choose a compose and prepare what it reads: the settings file (no private value in it) and its environment.

    Args:
        settings: The snapshot of the environment.
        plan: The stack as wanted.
        secrets: Passed on in the environment only.
        label: Digest that the backend's container carries.

    Raises:
        PrerequisiteError: ``compose-missing``, or what files and sockets give.
    """
    inherited = {name: settings.environ[name] for name in INHERITED if name in settings.environ}
    # A package installed for this user only must not reach compose 1 either.
    environ = inherited | {"PYTHONNOUSERSITE": "1", "COMPOSE_API_VERSION": "auto"}
    return Compose(
        command=choose(environ),
        root=settings.root,
        project=plan.project,
        environ=environ | _interpolated(settings, plan, label) | secrets.child_environment(),
        secrets=secrets,
    )


def choose(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Take compose 2 when it answers, else compose 1; a name on PATH proves nothing.

    Raises:
        PrerequisiteError: ``compose-missing``.
    """
    for command in CHOICES:
        try:
            done = subprocess.run(
                [*command, "version"], env=dict(environ), capture_output=True, timeout=30, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            continue
        if done.returncode == 0:
            return command
    raise PrerequisiteError(
        "compose-missing",
        "neither 'docker compose' nor 'docker-compose' works",
        "sudo apt-get install -y docker-compose",
    )


def settings_folder(settings: Settings, plan: Plan) -> Path:
    """Where the file lies that compose reads the backend's settings from; needed while compose runs only."""
    return settings.root / "var/stack" / plan.project


def _interpolated(settings: Settings, plan: Plan, label: str) -> dict[str, str]:
    socket = socket_of(settings)
    values_file = settings_folder(settings, plan) / "settings.env"
    env_file.write(values_file, env_file.render(plan.settings))
    return {
        "LADDER_ENV_FILE": str(values_file),
        "LADDER_CONFIG_DIGEST": label,
        "LADDER_INSTANCE": plan.project,
        "LADDER_UID": str(plan.uid),
        "LADDER_GID": str(plan.gid),
        "LADDER_STOP_GRACE": f"{plan.stop_grace_s}s",
        "DOCKER_SOCKET": socket.path,
        "DOCKER_GID": str(socket.gid),
        "DATA_DIR": str(plan.data_dir),
        "HOST_WORKSPACES_DIR": str(plan.data_dir / "workspaces"),
        "BIND_ADDRESS": plan.bind_address,
        "PORT": str(plan.port),
    }
