"""A server between judge and backend that changes answers, to make the bad backends that nobody should have to write.

Whatever it is not told to change it passes on as it came: methods, raw paths, headers, bodies, statuses.
"""

from __future__ import annotations

import http.client
import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final

from backend_process import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_OWN_HEADERS: Final = frozenset({"connection", "content-length", "date", "server", "transfer-encoding"})


@dataclass(frozen=True, slots=True)
class Answer:
    """What the backend answered, and how it may be changed."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)

    @property
    def contents(self) -> Any:
        """The JSON document inside a file's body."""
        return json.loads(self.document["contents"])

    def with_document(self, document: Any, status: int | None = None) -> Answer:
        return replace(self, status=status or self.status, body=json.dumps(document).encode())

    def changed(self, **fields: Any) -> Answer:
        return self.with_document(self.document | fields)

    def with_contents(self, document: Any) -> Answer:
        return self.changed(contents=json.dumps(document))


@dataclass(frozen=True, slots=True)
class Asked:
    """A request; its path begins behind the prefix of the API."""

    method: str
    path: str

    def reads(self, file: str) -> bool:
        return self.method == "GET" and self.path.endswith(f"/files/{file}")

    @property
    def lists(self) -> bool:
        return self.method == "GET" and self.path.endswith("/files")


RESULT: Final = ".codex/result.json"
FAULT: Final = {"error": "internal_error", "message": "Internal server error", "code": 500, "correlation_id": "0" * 32}


@contextmanager
def meddling(port: int, meddle: Callable[[Asked, Answer], Answer]) -> Iterator[str]:
    """Stand before the backend on a port until the block ends; gives the base URL.

    Args:
        port: Of the backend.
        meddle: Gets every answer, and gives what is passed on.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _relay(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            sent = {name: value for name, value in self.headers.items() if name.lower() != "host"}
            backend = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
            try:
                backend.request(self.command, self.path, body, sent)
                came = backend.getresponse()
                headers = {name: value for name, value in came.getheaders() if name.lower() not in _OWN_HEADERS}
                answer = Answer(came.status, headers, came.read())
            finally:
                backend.close()
            self._pass_on(meddle(Asked(self.command, self.path.removeprefix("/api/v1")), answer))

        do_GET = do_POST = _relay  # noqa: N815  # the names of the base class

        def _pass_on(self, answer: Answer) -> None:
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name of the base class
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        serving = threading.Thread(target=server.serve_forever, daemon=True)
        serving.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            serving.join(PATIENCE_S)
