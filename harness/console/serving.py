"""Serves the console on this machine until it is interrupted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from harness.errors import PrerequisiteError, UsageError

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from pathlib import Path

    from harness.evidence.redacting import Redacts

HOST: Final = "127.0.0.1"
PORT: Final = 8020
TOKEN: Final = "LADDER_CONSOLE_TOKEN"  # noqa: S105  # the name of a variable

_HIGHEST: Final = 65_535


def serve(root: Path, redactor: Callable[[], Redacts], *, port: int, token: str, say: Callable[[str], None]) -> None:
    """Serve the runs of an evidence root; returns when it is interrupted.

    Args:
        root: Where evidence lies.
        redactor: Of this checkout; what leaves as one file passes it.
        port: On 127.0.0.1; 0 for any that is free.
        token: That callers must send; empty for none.
        say: Takes the address, once the port is bound.

    Raises:
        UsageError: ``port-invalid`` or ``evidence-missing``.
        PrerequisiteError: ``port-taken``.
    """
    import uvicorn

    from harness.console.app import create_app
    from harness.console.sources import Sources

    if not root.is_dir():
        raise UsageError("evidence-missing", f"{root} is no folder", "record a run first, or name it with --out")
    bound = _bound(port)
    found: int = bound.getsockname()[1]
    app = create_app(Sources.of(root, redactor), port=found, token=token)
    say(f"console: http://{HOST}:{found}/ shows {root}{' (a token is asked for)' if token else ''}")
    settings = uvicorn.Config(app, log_level="error", access_log=False, lifespan="off", server_header=False)
    uvicorn.Server(settings).run(sockets=[bound])


def _bound(port: int) -> socket.socket:
    import socket

    if not 0 <= port <= _HIGHEST:
        raise UsageError("port-invalid", f"{port} is no port", f"choose one up to {_HIGHEST}")
    try:
        return socket.create_server((HOST, port))
    except OSError as error:
        message = f"{HOST}:{port} cannot be served: {error.strerror}"
        raise PrerequisiteError("port-taken", message, "choose another one with --port") from error
