"""The backend behind a real server on a free loopback port, for tests that must see what goes over the wire.

Everything it writes lies below one directory. Mocked mode with the real dummy launcher is the default; another maker of
launchers may be given. Leaving the context stops the backend as a signal would.
"""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import structlog
import uvicorn

from backend.app import build_launchers, create_app
from backend.config import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fastapi import FastAPI
    from structlog.typing import EventDict, WrappedLogger

    from backend.app import Backend, LauncherMaker
    from backend.config import Settings

PATIENCE_S = 60
"""No single wait of a test is longer; it bounds a hang and decides nothing."""

CLIENT_TIMEOUT_S = 30
"""Shorter than a minute's ``Prefer: wait``, so that a request which nobody wakes fails instead of answering late."""


@dataclass(frozen=True)
class RawAnswer:
    """One answer as it came over a socket; header names in lower case, repeated ones joined by a comma."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class ServedBackend:
    """A backend that answers on loopback.

    Attributes:
        log: Every log event so far, with its context, as the renderer would get it.
    """

    app: FastAPI
    settings: Settings
    port: int
    log: list[EventDict]

    @property
    def url(self) -> str:
        """Without a final slash."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def api(self) -> str:
        """Where the routes with the prefix begin."""
        return self.url + self.settings.api_v1_str

    @property
    def backend(self) -> Backend:
        """The parts behind the application."""
        found: Backend = self.app.state.backend
        return found

    def client(self, **options: Any) -> httpx.Client:
        """A client whose relative URLs begin at the prefix; it follows no redirect."""
        return httpx.Client(**{"base_url": self.api, "timeout": CLIENT_TIMEOUT_S, "trust_env": False} | options)

    def connect(self) -> socket.socket:
        """A bare connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S)

    def raw(self, target: str | bytes, *, method: str = "GET", headers: str = "", body: bytes = b"") -> RawAnswer:
        """Send one request whose target goes out exactly as written."""
        line = target if isinstance(target, bytes) else target.encode("ascii")
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        head = f"Host: 127.0.0.1:{self.port}\r\nConnection: close\r\n{length}{headers}\r\n".encode()
        with self.connect() as connection:
            connection.sendall(method.encode() + b" " + line + b" HTTP/1.1\r\n" + head + body)
            return read_answer(connection)

    def raw_file(self, project_id: str, path: str | bytes) -> RawAnswer:
        """Read a project's file by a path that goes out exactly as written."""
        written = path if isinstance(path, bytes) else path.encode("ascii")
        return self.raw(f"{self.settings.api_v1_str}/{project_id}/files/".encode() + written)


def read_answer(connection: socket.socket) -> RawAnswer:
    """Read an answer up to the end that its Content-Length or the end of the connection sets."""
    with connection.makefile("rb") as stream:
        status = int(stream.readline().split()[1])
        headers: dict[str, str] = {}
        while line := stream.readline().strip():
            name, _, value = line.decode("latin-1").partition(":")
            name, value = name.strip().lower(), value.strip()
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        length = headers.get("content-length")
        return RawAnswer(status, headers, stream.read() if length is None else stream.read(int(length)))


class _ThreadedServer(uvicorn.Server):
    """Says when it has started, or that it never will."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.settled = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then tell."""
        try:
            await super().startup(sockets)
        finally:
            self.settled.set()


def settings_below(directory: Path, **overrides: object) -> Settings:
    """Settings of an isolated backend: all paths below ``directory``, no file read, nothing from this machine."""
    isolated: dict[str, object] = {
        "_env_file": None,
        "database_url": f"sqlite:///{directory / 'backend.db'}",
        "workspace_root": directory / "workspaces",
        "state_dir": directory / "state",
        "min_free_bytes": 0,
        "api_tokens": (),
        "openai_api_key": "",
        "openai_org_id": "",
        "openai_project": "",
    }
    return load_settings(**isolated | overrides)


class _Collectors:
    """The blocks that collect at present; fixtures of different scopes do not close them in order."""

    def __init__(self) -> None:
        self._open: list[list[EventDict]] = []
        self._before: dict[str, Any] = {}

    def enter(self, events: list[EventDict]) -> None:
        if not self._open:
            self._before = structlog.get_config()
            context = structlog.contextvars.merge_contextvars
            steps = (context, structlog.stdlib.add_log_level, structlog.processors.format_exc_info, self._collect)
            structlog.configure(processors=list(steps))
        self._open.append(events)

    def leave(self, events: list[EventDict]) -> None:
        self._open = [each for each in self._open if each is not events]
        if not self._open:
            structlog.configure(**self._before)

    def _collect(self, logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
        del logger, method
        self._open[-1].append(event)
        raise structlog.DropEvent


_COLLECTORS = _Collectors()


@contextmanager
def collected_log() -> Iterator[list[EventDict]]:
    """Collect what is logged instead of printing it; of several open blocks the newest one collects."""
    events: list[EventDict] = []
    _COLLECTORS.enter(events)
    try:
        yield events
    finally:
        _COLLECTORS.leave(events)


@contextmanager
def serve_backend(
    directory: Path, make_launchers: LauncherMaker = build_launchers, **overrides: object
) -> Iterator[ServedBackend]:
    """Serve a backend until the block ends.

    Args:
        directory: Everything is kept below it; serving it again continues with the same data.
        make_launchers: See ``backend.app.create_app``.
        overrides: Settings by field name.
    """
    settings = settings_below(directory, **overrides)
    app = create_app(settings, make_launchers)
    config = uvicorn.Config(
        app, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=5, lifespan="on"
    )
    server = _ThreadedServer(config)
    with collected_log() as log, socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],), name="served-backend")
        thread.start()
        try:
            assert server.settled.wait(PATIENCE_S), "the server neither started nor failed"
            assert server.started, "the backend did not start; see the captured log"
            yield ServedBackend(app, settings, listener.getsockname()[1], log)
        finally:
            if (backend := getattr(app.state, "backend", None)) is not None:
                backend.announce_stop()
            server.should_exit = True
            thread.join(PATIENCE_S)
    assert not thread.is_alive(), "the backend did not stop"
