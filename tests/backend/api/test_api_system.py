"""Health, readiness, metrics and the documentation pages (contract §1.1)."""

import re

from support.api_calls import new_job, new_project
from support.http_server import serve_backend

from backend.launchers.base import LauncherStatus

PROBLEM = LauncherStatus(
    "docker",
    engine_reachable=False,
    worker_image="codex-worker:latest",
    problem="the engine does not answer",
    hint="start it",
)


def test_health_asks_nobody(client):
    answer = client.get("/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_ready_tells_mode_launcher_and_queue(client):
    answer = client.get("/ready")
    facts = answer.json()
    assert answer.status_code == 200
    assert set(facts) == {
        *("status", "mode", "launcher", "engine_reachable", "engine_version", "worker_image", "worker_image_digest"),
        *("instance", "queue_depth", "running_jobs", "problem", "hint"),
    }
    assert (facts["status"], facts["mode"], facts["launcher"]) == ("ready", "mocked", "dummy")
    assert (facts["queue_depth"], facts["running_jobs"], facts["problem"]) == (0, 0, None)


def test_ready_in_live_mode_tells_about_engine_and_image(caller, held):
    held.found = LauncherStatus(
        "docker",
        engine_reachable=True,
        engine_version="20.10.24",
        worker_image="codex-worker:latest",
        worker_image_digest="sha256:0123",
    )
    facts = caller.get("/ready").json()
    assert (facts["status"], facts["mode"], facts["launcher"]) == ("ready", "live", "docker")
    assert (facts["engine_reachable"], facts["worker_image_digest"]) == (True, "sha256:0123")


def test_not_ready_is_503_with_the_envelope_and_the_cause(caller, held):
    held.found = PROBLEM
    answer = caller.get("/ready")
    body = answer.json()
    assert answer.status_code == 503
    assert (body["error"], body["message"], body["code"]) == ("internal_error", "Internal server error", 503)
    assert "detail" not in body
    assert re.fullmatch(r"[0-9a-f-]{36}", body["correlation_id"])
    assert (body["status"], body["problem"], body["hint"]) == ("not_ready", "the engine does not answer", "start it")
    assert (body["mode"], body["launcher"], body["engine_reachable"]) == ("live", "docker", False)
    held.found = LauncherStatus("docker", engine_reachable=True)
    assert caller.get("/ready").status_code == 200


def test_health_answers_when_the_backend_is_not_ready(caller, held):
    held.found = PROBLEM
    assert caller.get("/health").status_code == 200


def test_ready_counts_what_waits_and_what_runs(live, caller, held):
    project = new_project(caller)
    held.wait_until_running(project["job_id"])
    new_job(caller, project)
    new_job(caller, project)
    facts = caller.get("/ready").json()
    assert (facts["running_jobs"], facts["queue_depth"]) == (1, 2)


def metric(text: str, name: str, **labels: str) -> float:
    for line in text.splitlines():
        found = re.fullmatch(r"([a-z_]+)(?:\{(.*)\})? (\S+)", line)
        if found and found[1] == name and all(f'{key}="{value}"' in (found[2] or "") for key, value in labels.items()):
            return float(found[3])
    return 0.0


def test_metrics_count_jobs_failures_and_requests(tmp_path):
    with serve_backend(tmp_path) as backend, backend.client() as client:
        project = new_project(client)
        new_job(client, project, "force_error")
        client.get(f"/projects/{project['id']}")
        client.get("/projects/x")
        answer = client.get(f"{backend.url}/metrics")
    text = answer.text
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert metric(text, "job_duration_seconds_count", job_type="initial_project", status="completed") == 1
    assert metric(text, "job_duration_seconds_count", job_type="edit", status="error") == 1
    route = {"method": "GET", "route": "/projects/{project_id}"}
    assert metric(text, "http_request_duration_seconds_count", **route, status="200") == 1
    assert metric(text, "http_request_duration_seconds_count", **route, status="404") == 1
    assert metric(text, "jobs_queued") == 0
    assert metric(text, "jobs_in_progress") == 0
    assert project["id"] not in text


def test_what_callers_make_up_is_no_label(tmp_path):
    with serve_backend(tmp_path) as backend, backend.client() as client:
        for method in ("PROPFIND", "TRACE", "LINK"):
            client.request(method, "/projects/")
            client.request(method, "/made/up")
        client.get("/made-up-route")
        text = client.get(f"{backend.url}/metrics").text
    for word in ("PROPFIND", "TRACE", "LINK", "made"):
        assert word not in text
    assert metric(text, "http_request_duration_seconds_count", method="other", route="unmatched", status="404") == 3


def test_the_documentation_stands_outside_the_prefix(client, served):
    for path, kind in (("/docs", "text/html"), ("/openapi.json", "application/json"), ("/metrics", "text/plain")):
        answer = client.get(served.url + path)
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith(kind)
        assert client.get(path).status_code == 404


def test_each_request_is_logged_once_with_its_trace_and_without_its_body(served, client):
    begun = len(served.log)
    answer = client.get("/projects/not-there?token=in-the-query", headers={"X-Canary": "in-a-header"})
    [event] = [event for event in served.log[begun:] if event["event"] == "http.request"]
    assert event["trace_id"] == answer.json()["correlation_id"]
    assert (event["method"], event["route"], event["status"]) == ("GET", "/projects/{project_id}", 404)
    assert "canary" not in repr(event).lower()
    assert "in-the-query" not in repr(event)
