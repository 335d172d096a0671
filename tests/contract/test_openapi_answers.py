"""Every answer that the document promises is really given, and is as the document says; a 500 is the one exception.

Generated requests do not get there: they neither fill a queue nor lead out of a workspace.
"""

from pathlib import Path

import jsonschema_rs
import pytest
from support.api_calls import get_ended, new_job, new_project, serve_held
from support.held_launcher import HeldLauncher

from backend.launchers.base import LauncherStatus

P = "/api/v1"
JOB = {"job_type": "edit", "instruction": "Add a comment."}
NOT_READY = LauncherStatus("docker", engine_reachable=False, problem="the engine does not answer", hint="start it")


HEALTH, READY, METRICS = ("get", f"{P}/health"), ("get", f"{P}/ready"), ("get", "/metrics")
CREATE, LIST = ("post", f"{P}/projects/"), ("get", f"{P}/projects/")
SHOW, DELETE = ("get", f"{P}/projects/{{project_id}}"), ("delete", f"{P}/projects/{{project_id}}")
SUBMIT, JOBS = ("post", f"{P}/{{project_id}}/jobs"), ("get", f"{P}/{{project_id}}/jobs")
SHOW_JOB, CANCEL = (
    ("get", f"{P}/{{project_id}}/jobs/{{job_id}}"),
    ("post", f"{P}/{{project_id}}/jobs/{{job_id}}/cancel"),
)
LOGS, FILES = ("get", f"{P}/{{project_id}}/jobs/{{job_id}}/logs"), ("get", f"{P}/{{project_id}}/files")
JOB_TRACE = ("get", f"{P}/{{project_id}}/jobs/{{job_id}}/trace")
TRACES, TRACE = ("get", f"{P}/traces"), ("get", f"{P}/traces/{{trace_id}}")
READ = ("get", f"{P}/{{project_id}}/files/{{path}}")


class Witness:
    """Makes requests, and holds each answer against the document."""

    def __init__(self, client):
        self.client = client
        self.document = client.get("/openapi.json").json()
        self.seen = set()

    def expect(self, status, operation, project_id="unknown", job_id="unknown", path="app.py", **request):
        trace_id = request.pop("trace_id", "unknown")
        method, template = operation
        url = template.format(project_id=project_id, job_id=job_id, path=path, trace_id=trace_id)
        answer = self.client.request(method, url, **request)
        assert answer.status_code == status, answer.text
        self._check(answer, self.document["paths"][template][method]["responses"][str(status)])
        self.seen.add((method, template, status))
        return answer

    def _check(self, answer, documented):
        for name, header in documented.get("headers", {}).items():
            assert name in answer.headers or not header.get("required"), name
        if "content" not in documented:
            assert answer.content == b""
            return
        kind = answer.headers["content-type"].split(";")[0]
        content = documented["content"][kind]
        schema = content["schema"] | {"components": self.document["components"]}
        jsonschema_rs.validator_for(schema).validate(answer.json() if kind == "application/json" else answer.text)

    def promised(self):
        for path, methods in self.document["paths"].items():
            for method, operation in methods.items():
                yield from ((method, path, int(status)) for status in operation["responses"])


@pytest.fixture
def held():
    return HeldLauncher()


@pytest.fixture
def backend(tmp_path, held):
    limits = {"max_concurrent_jobs": 1, "max_queued_jobs": 1, "max_file_bytes": 1500}
    with serve_held(tmp_path, held, **limits) as served:
        yield served


@pytest.fixture
def witness(backend):
    with backend.client(base_url=backend.url) as client:
        yield Witness(client)


@pytest.fixture
def client(backend):
    with backend.client() as found:
        yield found


def ask_about_one_ended_project(witness, project):
    ids = {"project_id": project["id"], "job_id": project["job_id"]}
    for operation in (SHOW, JOBS, FILES):
        witness.expect(200, operation, project["id"])
    for operation in (SHOW_JOB, LOGS, JOB_TRACE):
        answer = witness.expect(200, operation, **ids)
    witness.expect(200, TRACE, trace_id=answer.json()["trace_id"])
    witness.expect(409, CANCEL, **ids)
    witness.expect(409, SUBMIT, project["id"], json=JOB | {"instruction": "x"}, headers={"Idempotency-Key": "used"})
    witness.expect(409, CREATE, json={"instruction": "another"}, headers={"Idempotency-Key": "used"})
    witness.expect(422, SUBMIT, project["id"], json={})
    for path, status in ((".codex/result.json", 200), ("%2e%2e/x", 400), ("missing", 404), ("large", 413)):
        answer = witness.expect(status, READ, project["id"], path=path)
        if status == 200:
            headers = {"If-None-Match": answer.headers["etag"]}
            witness.expect(304, READ, project["id"], path=path, headers=headers)


def ask_about_nothing(witness):
    for operation in (SHOW, DELETE, JOBS, SHOW_JOB, CANCEL, LOGS, FILES, READ, JOB_TRACE, TRACE):
        witness.expect(404, operation)
    witness.expect(404, SUBMIT, json=JOB)
    for status, query in ((200, {}), (400, {"cursor": "x"}), (422, {"limit": 0})):
        witness.expect(status, LIST, params=query)
        witness.expect(status, TRACES, params=query)


def ask_with_too_much(witness):
    for method, path, status in list(witness.promised()):
        if status == 413:
            witness.expect(413, (method, path), content=b"x" * 70_000)


def test_every_documented_answer_is_given_as_documented(backend, client, witness, held):
    ended = new_project(client, **{"Idempotency-Key": "used"})
    held.finish(ended["job_id"])
    get_ended(client, ended)
    Path(ended["workspace_path"], "large").write_bytes(b"x" * 2000)
    second = new_job(client, ended, **{"Idempotency-Key": "used"})
    held.finish(second["id"])
    get_ended(client, ended, second["id"])
    ask_about_one_ended_project(witness, ended)
    ask_about_nothing(witness)
    ask_with_too_much(witness)
    for operation in (HEALTH, READY, METRICS):
        witness.expect(200, operation)
    held.found = NOT_READY
    witness.expect(503, READY)
    witness.expect(422, CREATE, json={"instruction": None})
    for status, query in ((400, {"cursor": "x"}), (422, {"limit": "many"})):
        witness.expect(status, JOBS, ended["id"], params=query)
    running = witness.expect(200, CREATE, json={"instruction": "Make it."}).json()
    held.wait_until_running(running["job_id"])
    waiting = witness.expect(200, SUBMIT, ended["id"], json=JOB).json()
    witness.expect(429, CREATE, json={"instruction": "too many"})
    witness.expect(429, SUBMIT, ended["id"], json=JOB)
    witness.expect(200, CANCEL, ended["id"], waiting["id"])
    witness.expect(200, DELETE, running["id"])
    promised = {answer for answer in witness.promised() if answer[2] != 500}
    assert promised == witness.seen
