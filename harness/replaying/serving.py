"""``ladder replay --serve``: a server on loopback that answers from a recording, so that a client can be tried on it.

It listens on 127.0.0.1 alone and asks nobody. A request that was never recorded gets a 404 that names the nearest one
that was, so that whoever wrote the client sees what is different.
"""

from __future__ import annotations

import json
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final

from harness.errors import ExitCode, PrerequisiteError
from harness.evidence.faults import EvidenceError
from harness.evidence.reading import list_runs
from harness.replaying.choosing import choose
from harness.replaying.recorded import only, open_run
from harness.replaying.replay_text import safe
from harness.replaying.shelf import Asked, Missing, Served, Shelf

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LOOPBACK: Final = "127.0.0.1"
MOST_BODY: Final = 16 << 20
NO_MATCH: Final = "no_recorded_answer"


class ReplayServer(ThreadingHTTPServer):
    """Answers from a shelf; ``port`` 0 takes a free one.

    Raises:
        PrerequisiteError: ``port-taken``.
    """

    daemon_threads = True

    def __init__(self, shelf: Shelf, port: int, note: Callable[[str], None]) -> None:
        self.shelf, self.note, self.turn = shelf, note, threading.Lock()
        try:
            super().__init__((LOOPBACK, port), _Handler)
        except OSError as error:
            message = f"{LOOPBACK}:{port} cannot be listened on: {error.strerror}"
            raise PrerequisiteError("port-taken", message, "choose another one with --port") from error

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{LOOPBACK}:{self.server_port}"


def open_server(root: Path, text: str, port: int, *, note: Callable[[str], None]) -> ReplayServer:
    """Make a server for what is meant.

    Args:
        root: Where evidence lies.
        text: A run or a trace; empty for the newest run.
        port: Where it listens.
        note: Gets a line for each request.

    Raises:
        UsageError: The name is none, or fits several.
        EvidenceError: ``run-unknown``, ``run-unreadable``, ``run-damaged`` or ``contents-not-kept``.
        PrerequisiteError: ``port-taken``.
    """
    choice = choose(list_runs(root), text)
    if choice is None:
        raise EvidenceError("run-unknown", f"no run is recorded in {root}", "record one: make live-suite")
    run = open_run(choice.entry)
    if run.faults or run.bad:
        what = run.faults[0].path if run.faults else run.bad[0].why
        raise EvidenceError("run-damaged", f"run {choice.entry.name} is not as recorded: {what}", "serve another run")
    if not run.keeps_contents:
        message = f"run {choice.entry.name} kept the skeleton only, so there is nothing to answer with"
        raise EvidenceError("contents-not-kept", message, "serve a run that kept its contents")
    return ReplayServer(Shelf(each for trial in only(run, choice.trace_id) for each in trial.scenarios), port, note)


def serve_until_interrupted(root: Path, text: str, port: int, *, say: Callable[[str], None]) -> ExitCode:
    """Serve what is meant until Ctrl-C, which is its ordinary end.

    Raises:
        HarnessError: As ``open_server``.
    """
    with open_server(root, text, port, note=lambda line: say(safe(line))) as server:
        say(f"{len(server.shelf)} recorded answers at {server.url}; Ctrl-C ends it")
        with suppress(KeyboardInterrupt):
            server.serve_forever()
    return ExitCode.OK


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: ReplayServer

    def _answer(self) -> None:
        asked = Asked.of(self.command, self.path, self._body())
        with self.server.turn:
            found = self.server.shelf.take(asked)
        if isinstance(found, Missing):
            nearest = str(found.nearest) if found.nearest else None
            document = {"error": NO_MATCH, "asked": str(asked), "nearest": nearest, "why": found.why}
            found = Served(404, {"content-type": "application/json"}, json.dumps(document))
            self.server.note(f"{asked}: no recorded answer; nearest is {nearest} ({document['why']})")
        else:
            self.server.note(f"{asked}: {found.status}")
        self._send(found)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _answer  # noqa: N815  # names of the library

    def _body(self) -> str:
        length = self.headers.get("content-length", "0")
        size = int(length) if length.isdigit() else 0
        return self.rfile.read(min(size, MOST_BODY)).decode("utf-8", "replace")

    def _send(self, found: Served) -> None:
        data = found.text.encode("utf-8", "replace")
        self.send_response(found.status)
        for name, value in found.headers.items():
            self.send_header(name, value.replace("\r", " ").replace("\n", " "))
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, *_about: Any) -> None:  # noqa: ANN401  # the library's own line
        """Requests are told by ``note``."""
