"""Serves the console on this machine until it is interrupted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from harness.errors import PrerequisiteError, UsageError

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from pathlib import Path

    from harness.config import Settings
    from harness.judging.observation import Exchange
    from harness.redaction.redactor import Redactor

HOST: Final = "127.0.0.1"
PORT: Final = 8020
MOST_CONNECTIONS: Final = 256
"""Whoever comes on top of these is refused (503); the streams of live logs are bounded by themselves."""
PATIENCE_S: Final = 5.0
"""For an answer of the backend."""
TOKEN: Final = "LADDER_CONSOLE_TOKEN"  # noqa: S105  # the name of a variable

_HIGHEST: Final = 65_535


def serve(
    settings: Settings, root: Path, redactor: Callable[[], Redactor], *, port: int, say: Callable[[str], None]
) -> None:
    """Serve the runs of an evidence root; returns when it is interrupted.

    Args:
        settings: For the token and the address of the backend.
        root: Where evidence lies.
        redactor: Of this checkout; what leaves as one file passes it.
        port: On 127.0.0.1; 0 for any that is free.
        say: Takes the address, once the port is bound.

    Raises:
        UsageError: ``port-invalid``, ``token-invalid`` or ``evidence-missing``.
        PrerequisiteError: ``port-taken``.
    """
    import uvicorn

    from harness.console.app import create_app
    from harness.console.sources import Sources

    if not root.is_dir():
        raise UsageError("evidence-missing", f"{root} is no folder", "record a run first, or name it with --out")
    token = _token(settings)
    bound = _bound(port)
    found: int = bound.getsockname()[1]
    app = create_app(Sources.of(root, redactor, _asking(settings, redactor)), port=found, token=token)
    say(f"console: http://{HOST}:{found}/ shows {root}{' (a token is asked for)' if token else ''}")
    # The parser in Python bounds a request's head; the other one that may be installed reads on for ever.
    config = uvicorn.Config(
        app,
        http="h11",
        limit_concurrency=MOST_CONNECTIONS,
        log_level="error",
        access_log=False,
        lifespan="off",
        server_header=False,
    )
    uvicorn.Server(config).run(sockets=[bound])


def _token(settings: Settings) -> str:
    """The token; one that no header carries, or only in another form, would lock everybody out."""
    token = settings.get(TOKEN)
    if not token.isprintable() or token != token.strip():
        message = f"{TOKEN} holds a control character, a byte that is no UTF-8, or a blank at an end"
        raise UsageError("token-invalid", message, "choose another one; empty means that none is asked for")
    return token


def _asking(settings: Settings, redactor: Callable[[], Redactor]) -> Callable[[str], Exchange]:
    """Asks the backend of this checkout, wherever it is to be; a client for each request, since threads ask."""

    def ask(path: str) -> Exchange:
        from harness.language.model import Mode, Request
        from harness.redaction.secret import Secret
        from harness.runner.stand import planned_url
        from harness.senses.address import Address
        from harness.senses.calls import Call
        from harness.senses.client import Client
        from harness.stack.secrets import read_secrets

        token = read_secrets(settings).bearer_token()
        place = Address.parse(planned_url(settings, Mode.LIVE))
        with Client(place, redactor(), token=Secret(token) if token else None) as client:
            return client.exchange(Call(Request("GET", path, PATIENCE_S), source="console"))

    return ask


def _bound(port: int) -> socket.socket:
    import socket

    if not 0 <= port <= _HIGHEST:
        raise UsageError("port-invalid", f"{port} is no port", f"choose one up to {_HIGHEST}")
    try:
        return socket.create_server((HOST, port))
    except OSError as error:
        message = f"{HOST}:{port} cannot be served: {error.strerror}"
        raise PrerequisiteError("port-taken", message, "choose another one with --port") from error
