"""A backend on loopback that knows just enough of the contract for a small ladder, and remembers what it was asked.

It starts no worker: a job is done when it is posted. A test may hold requests back to have a moment in which a run
waits, keep results from appearing, and have an answer quote a text.
"""

import json
import threading
import uuid
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from socketserver import ThreadingMixIn

SAFETY_NET_S = 60
"""Nothing here takes a second; after this time a test fails instead of hanging."""

RESULT = "files/.codex/result.json"
POSTED = "/projects/"


class StubBackend:
    """What the stub was asked, and how it is to behave."""

    def __init__(self, port):
        self.url = f"http://127.0.0.1:{port}"
        self.asked = []
        self.jobs = {}
        self.gone = []
        self.summary = "done"
        self.is_ready = True
        self.fails_edits = False
        self.fails_every = 0
        """Of so many edits the last fails."""
        self.hangs_at = range(0)
        """The POSTs of these numbers get no answer."""
        self.cuts_at = 0
        """The connection of the POST of that number is cut."""
        self._held = []
        self._released = threading.Event()
        self._news = threading.Condition()

    def hold(self, method, end):
        """Let requests of a method, to a path with this end, wait for ``release``; a project's id is left out of it."""
        self._held.append((method, end))

    def release(self):
        """Answer what was held."""
        self._held.clear()
        self._released.set()

    def wait_for(self, method, end, times=1):
        """Wait until so many such requests have come."""
        with self._news:
            came = self._news.wait_for(lambda: self.count(method, end) >= times, SAFETY_NET_S)
        assert came, f"{method} …{end} never came; asked were {self.asked}"

    def count(self, method, end):
        return sum(asked == method and path.endswith(end) for asked, path in self.asked)

    def answer(self, method, path, body):
        """Remember a request, and give its status and document."""
        with self._news:
            self.asked.append((method, path))
            self._news.notify_all()
        if any(method == held and path.endswith(end) for held, end in self._held):
            self._released.wait(SAFETY_NET_S)
        number = self.count("POST", POSTED) if method == "POST" and path.endswith(POSTED) else -1
        if number in self.hangs_at:
            self._released.wait(SAFETY_NET_S)
        if number == self.cuts_at:
            raise ConnectionResetError
        parts = path.removeprefix("/api/v1/").rstrip("/").split("/", 2)
        if method == "POST":
            return self._posted(parts, body)
        if method == "DELETE":
            self.gone.append(parts[1])
            return 200, {}
        return self._read(parts)

    def _posted(self, parts, body):
        project = parts[0] if parts[-1] == "jobs" else str(uuid.uuid4())
        is_edit = parts[-1] == "jobs"
        is_due = self.fails_every and self.count("POST", "/jobs") % self.fails_every == 0
        status = "error" if is_edit and (self.fails_edits or is_due) else "success"
        self.jobs[project] = (str(uuid.uuid4()), status)
        return 200, {"id": project, "job_id": self.jobs[project][0], "status": "completed", "summary": self.summary}

    def _read(self, parts):
        if parts[0] not in self.jobs:
            return 404, {"code": "project_not_found"}
        if "/".join(parts[1:]) == "files":
            return 200, {"files": [{"path": path, "size": 1} for path in (".codex/result.json", "app.py")]}
        if not self.is_ready:
            return 404, {"code": "file_not_found"}
        job, status = self.jobs[parts[0]]
        document = {"job_id": job, "status": status, "summary": self.summary, "created_files": ["app.py"]}
        return 200, {"path": ".codex/result.json", "contents": json.dumps(document)}


class _Server(ThreadingMixIn, HTTPServer):
    # More than one run may connect at once.
    request_queue_size = 32


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = SAFETY_NET_S
    disable_nagle_algorithm = True
    wbufsize = -1

    def _serve(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        status, document = self.server.stub.answer(self.command, self.path, body)
        data = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_DELETE = _serve  # noqa: N815  # the library's names

    def handle(self):
        # A run that was killed does not say goodbye.
        try:
            super().handle()
        except ConnectionError:
            self.close_connection = True

    def finish(self):
        try:
            super().finish()
        except ConnectionError:
            self.close_connection = True

    def log_message(self, *arguments):
        pass


@contextmanager
def stub_backend():
    with _Server(("127.0.0.1", 0), _Handler) as server:
        stub = server.stub = StubBackend(server.server_port)
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        serving.start()
        try:
            yield stub
        finally:
            stub.release()
            server.shutdown()
            serving.join()
