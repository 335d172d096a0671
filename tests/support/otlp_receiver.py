"""A collector in a process of its own: takes OTLP/JSON over HTTP and writes each body to a file, one a line.

``python otlp_receiver.py FILE [STATUS]`` prints its port and answers every request with the status, 200 by default.
"""

import http.server
import json
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        found = {"path": self.path, "type": self.headers["Content-Type"], "body": json.loads(body)}
        with self.server.file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(found) + "\n")
        self.send_response(self.server.status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *args):
        """Say nothing."""


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.file, server.status = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 200
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    server.serve_forever()


class Receiver:
    """A running collector, and what it was sent."""

    def __init__(self, file: Path, port: int) -> None:
        self.file = file
        self.url = f"http://127.0.0.1:{port}"

    def requests(self):
        return [json.loads(line) for line in self.file.read_text().splitlines()] if self.file.exists() else []

    def spans(self):
        return list(self._told("resourceSpans", "scopeSpans", "spans"))

    def log_records(self):
        return list(self._told("resourceLogs", "scopeLogs", "logRecords"))

    def _told(self, resources, scopes, records):
        for request in self.requests():
            for resource in request["body"].get(resources, ()):
                for scope in resource[scopes]:
                    yield from scope[records]


@contextmanager
def receiving(directory: Path, status: int = 200):
    file = directory / "received.jsonl"
    command = [sys.executable, __file__, str(file), str(status)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Receiver(file, int(process.stdout.readline()))
        finally:
            process.terminate()


def dead_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


if __name__ == "__main__":
    main()
