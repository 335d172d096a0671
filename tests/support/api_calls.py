"""Calls of the HTTP contract that many tests make, and a way to know that a request has begun to wait."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from support.held_launcher import HeldLauncher
from support.http_server import PATIENCE_S, ServedBackend, serve_backend

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    import httpx

GENERATE = "Generate a minimal Python CLI project that prints the first 10 Fibonacci numbers and includes a basic test."
COMMENT = "Append a comment line to app.py describing the change."

Json = dict[str, Any]


def serve_held(directory: Path, held: HeldLauncher, **overrides: object) -> AbstractContextManager[ServedBackend]:
    """Serve the mode in which the held launcher is the active one."""
    launchers = {name: HeldLauncher(name=name) for name in ("docker", "dummy")} | {held.name: held}
    settings = {"use_dummy_worker": held.name == "dummy", "job_stop_grace_seconds": 0} | overrides
    return serve_backend(directory, lambda _: launchers, **settings)


WORDS = {
    400: ("bad_request", "Bad request"),
    401: ("unauthorized", "Unauthorized"),
    404: ("not_found", "Not found"),
    405: ("http_error", "HTTP error"),
    409: ("conflict", "Conflict"),
    413: ("http_error", "HTTP error"),
    429: ("http_error", "HTTP error"),
    500: ("internal_error", "Internal server error"),
    503: ("internal_error", "Internal server error"),
}
"""Error and message by status, as contract §1.3 lists them."""


class Waiters:
    """Tells when requests have begun to wait for a job's end, so that no test has to guess it."""

    def __init__(self, backend: ServedBackend) -> None:
        signals = backend.backend.parts.signals
        self._begun = threading.Semaphore(0)
        subscribe = signals.subscribe

        def noted(job_id):
            self._begun.release()
            return subscribe(job_id)

        signals.subscribe = noted

    def wait_for(self, number: int) -> None:
        for _ in range(number):
            assert self._begun.acquire(timeout=PATIENCE_S), "no request waits"


def new_project(client: httpx.Client, instruction: str = GENERATE, **headers: str) -> Json:
    answer = client.post("/projects/", json={"instruction": instruction}, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def new_job(client: httpx.Client, project: Json, instruction: str = COMMENT, **headers: str) -> Json:
    body = {"job_type": "edit", "instruction": instruction}
    answer = client.post(f"/{project['id']}/jobs", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def get_job(client: httpx.Client, project: Json, job_id: str | None = None, **headers: str) -> Json:
    answer = client.get(f"/{project['id']}/jobs/{job_id or project['job_id']}", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def get_ended(client: httpx.Client, project: Json, job_id: str | None = None) -> Json:
    found = get_job(client, project, job_id, Prefer="wait=60")
    assert found["status"] in {"completed", "error"}
    return found


def require_envelope(answer: httpx.Response, status: int, detail: object = None) -> Json:
    """Check an error answer as a whole; ``detail`` None means that there must be none."""
    error, message = WORDS[status]
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    expected = {"error": error, "message": message, "code": status, "correlation_id": body["correlation_id"]}
    assert body == expected | ({} if detail is None else {"detail": detail})
    return body
