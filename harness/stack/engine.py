"""The Docker engine: brought up by ``scripts/engine``, reached through the docker SDK.

The SDK and the script agree on where the engine is: DOCKER_HOST, else the default socket. The backend runs in a
container and is given that same socket, so an engine behind TCP or ssh is refused here, with a reason.
"""

from __future__ import annotations

import socket
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from harness.errors import PrerequisiteError
from harness.stack.scripts import run_script

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from docker import DockerClient

    from harness.config import Settings
    from harness.stack.progress import Progress

DEFAULT_SOCKET: Final = "/var/run/docker.sock"
CALL_TIMEOUT_S: Final = 60
KNOCK_TIMEOUT_S: Final = 5


@dataclass(frozen=True, slots=True)
class Socket:
    """The engine's socket on this host and the group that may use it."""

    path: str
    gid: int


@dataclass(frozen=True, slots=True)
class Site:
    """Where set-up work is done: the engine, the surroundings, and who is told about it."""

    client: DockerClient
    settings: Settings
    progress: Progress


def ensure(settings: Settings, progress: Progress) -> None:
    """See to it that an engine answers and that a compose is there.

    Raises:
        PrerequisiteError: The script's own reference, with the command that helps.
    """
    run_script(settings.root / "scripts/engine", "ensure", environ=settings.environ, on_line=progress.note)


def answers(settings: Settings) -> bool:
    """Tell whether an engine answers, starting none."""
    try:
        run_script(settings.root / "scripts/engine", "status", environ=settings.environ, on_line=lambda _line: None)
    except PrerequisiteError:
        return False
    return True


def stop_own(settings: Settings, progress: Progress) -> None:
    """Stop the engine if this checkout started it and nobody else uses it."""
    run_script(settings.root / "scripts/engine", "stop", environ=settings.environ, on_line=progress.note)


def knock(environ: Mapping[str, str]) -> None:
    """Find out whether somebody listens where the docker SDK would connect.

    The SDK leaves the descriptor of a local socket open when nobody does, once for each try.

    Args:
        environ: The surroundings that the SDK is given.

    Raises:
        OSError: Nobody listens, or does not let us in.
    """
    host = environ.get("DOCKER_HOST") or f"unix://{DEFAULT_SOCKET}"
    if not host.startswith("unix://"):
        return
    path = host.removeprefix("unix://").lstrip("/")
    path = f"/{path}" if path else DEFAULT_SOCKET
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(KNOCK_TIMEOUT_S)
        try:
            probe.connect(path)
        except OSError as error:
            error.filename = path
            raise


@contextmanager
def connect(settings: Settings, *, timeout_s: int = CALL_TIMEOUT_S) -> Iterator[DockerClient]:
    """Open a client; its API version is negotiated, because engines from 1.41 on must do.

    Raises:
        PrerequisiteError: ``engine-unreachable`` when the engine does not answer, or stops answering within the block;
            ``engine-refused`` when it answers with an error that the block does not expect (disk full, …).
    """
    import docker
    import requests

    try:
        knock(settings.environ)
        client = docker.from_env(environment=dict(settings.environ), timeout=timeout_s)
    except (docker.errors.DockerException, OSError) as error:
        raise _unreachable(error) from error
    try:
        yield client
    except requests.exceptions.ConnectionError as error:
        raise _unreachable(error) from error
    except docker.errors.APIError as error:
        message = f"the Docker engine refused a call: {error.explanation or error}"
        raise PrerequisiteError("engine-refused", message, "docker system df") from error
    finally:
        client.close()


def _unreachable(error: Exception) -> PrerequisiteError:
    return PrerequisiteError(
        "engine-unreachable", f"the Docker engine does not answer: {error}", "scripts/engine ensure"
    )


def socket_of(settings: Settings) -> Socket:
    """Find the socket that the backend's container gets.

    Raises:
        PrerequisiteError: ``engine-not-local``.
    """
    host = settings.get("DOCKER_HOST", f"unix://{DEFAULT_SOCKET}")
    if not host.startswith("unix://"):
        raise PrerequisiteError(
            "engine-not-local",
            "DOCKER_HOST names an engine without a local socket, which the backend's container could not reach",
            "unset DOCKER_HOST, or run this command on the engine's own machine",
        )
    path = host.removeprefix("unix://")
    return Socket(path=path, gid=Path(path).stat().st_gid)
