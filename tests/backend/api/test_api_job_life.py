"""Cancelling, deleting, a full queue, and logs (contract §1.1)."""

import json
import sqlite3
from pathlib import Path

import pytest
from support.api_calls import get_ended, get_job, new_job, new_project, require_envelope, serve_held
from support.http_server import serve_backend


@pytest.fixture
def narrow(tmp_path, held):
    """One job at a time, and one more may wait."""
    with serve_held(tmp_path, held, max_concurrent_jobs=1, max_queued_jobs=1) as backend:
        yield backend


@pytest.fixture
def narrow_caller(narrow):
    with narrow.client() as client:
        yield client


def cancel(client, project, job_id=None):
    return client.post(f"/{project['id']}/jobs/{job_id or project['job_id']}/cancel")


def test_a_full_queue_answers_429_and_says_when_to_come_back(narrow_caller, held):
    first = new_project(narrow_caller)
    held.wait_until_running(first["job_id"])
    second = new_project(narrow_caller)
    for url, body in (
        ("/projects/", {"instruction": "one too many"}),
        (f"/{first['id']}/jobs", {"job_type": "edit", "instruction": "one too many"}),
    ):
        answer = narrow_caller.post(url, json=body, headers={"Idempotency-Key": "again"})
        require_envelope(answer, 429, "Job queue is full")
        assert int(answer.headers["retry-after"]) >= 1
    held.finish(first["job_id"])
    held.wait_until_running(second["job_id"])
    assert narrow_caller.post("/projects/", json={"instruction": "now it fits"}).status_code == 200


def test_a_retry_of_an_accepted_request_is_answered_although_the_queue_is_full(narrow_caller, held):
    held.wait_until_running(new_project(narrow_caller)["job_id"])
    queued = new_project(narrow_caller, **{"Idempotency-Key": "mine"})
    assert narrow_caller.post("/projects/", json={"instruction": "no room"}).status_code == 429
    assert new_project(narrow_caller, **{"Idempotency-Key": "mine"})["id"] == queued["id"]


def test_a_waiting_job_is_cancelled_at_once_and_never_runs(narrow_caller, held):
    running = new_project(narrow_caller)
    held.wait_until_running(running["job_id"])
    waiting = new_project(narrow_caller)
    answer = cancel(narrow_caller, waiting)
    assert (answer.status_code, answer.json()["status"], answer.json()["failure_kind"]) == (200, "error", "cancelled")
    job = get_job(narrow_caller, waiting)
    assert (job["result"]["errors"], job["result"]["written_by"]) == (["cancelled"], "backend")
    assert json.loads(Path(job["result_path"]).read_text()) == job["result"]
    assert Path(job["logs_path"]).read_text() == ""
    assert job["container"] is None
    project = narrow_caller.get(f"/projects/{waiting['id']}").json()
    assert (project["status"], project["summary"]) == ("error", job["result"]["summary"])
    held.finish(running["job_id"])
    get_ended(narrow_caller, running)
    after = new_project(narrow_caller)
    held.wait_until_running(after["job_id"])
    assert held.launched == [running["job_id"], after["job_id"]]


def test_a_running_job_is_cancelled_by_stopping_its_worker(caller, held):
    project = new_project(caller)
    held.wait_until_running(project["job_id"])
    answer = cancel(caller, project)
    assert (answer.status_code, answer.json()["status"], answer.json()["failure_kind"]) == (200, "error", "cancelled")
    assert held.stopped == [project["job_id"]]
    assert get_job(caller, project)["result"]["errors"] == ["cancelled"]


def test_an_ended_job_cannot_be_cancelled(client, finished):
    before = get_job(client, finished)
    require_envelope(cancel(client, finished), 409, "Job has already ended")
    assert get_job(client, finished) == before


def test_a_cancelled_job_cannot_be_cancelled_again(narrow_caller, held):
    running = new_project(narrow_caller)
    held.wait_until_running(running["job_id"])
    waiting = new_project(narrow_caller)
    for project in (waiting, running):
        assert cancel(narrow_caller, project).status_code == 200
        require_envelope(cancel(narrow_caller, project), 409, "Job has already ended")


def test_the_next_job_of_a_project_runs_after_a_cancelled_one(caller, held):
    project = new_project(caller)
    held.wait_until_running(project["job_id"])
    second, third = new_job(caller, project), new_job(caller, project)
    assert cancel(caller, project, second["id"]).json()["status"] == "error"
    assert cancel(caller, project).json()["status"] == "error"
    held.finish(third["id"])
    assert get_ended(caller, project, third["id"])["status"] == "completed"


def test_a_deleted_project_leaves_nothing(served, client):
    project = new_project(client, **{"Idempotency-Key": "to-be-deleted"})
    new_job(client, project)
    copies = Path(get_job(client, project)["result_path"]).parents[1]
    assert Path(project["workspace_path"]).is_dir()
    assert copies.name == project["id"]
    answer = client.delete(f"/projects/{project['id']}")
    assert answer.status_code == 200
    assert answer.json()["id"] == project["id"]
    assert not Path(project["workspace_path"]).exists()
    assert not copies.exists()
    assert rows_about(served, project["id"]) == 0


def rows_about(backend, project_id):
    queries = (
        "SELECT count(*) FROM projects WHERE id = ?",
        "SELECT count(*) FROM jobs WHERE project_id = ?",
        "SELECT count(*) FROM attempts WHERE job_id NOT IN (SELECT id FROM jobs) OR ? = ''",
        "SELECT count(*) FROM idempotency_keys WHERE job_id NOT IN (SELECT id FROM jobs) OR ? = ''",
    )
    connection = sqlite3.connect(backend.settings.database_url.removeprefix("sqlite:///"))
    try:
        return sum(connection.execute(query, (project_id,)).fetchone()[0] for query in queries)
    finally:
        connection.close()


def test_a_deleted_project_is_404_everywhere_and_in_no_list(client):
    project = new_project(client)
    assert client.delete(f"/projects/{project['id']}").status_code == 200
    for url in (
        f"/projects/{project['id']}",
        f"/{project['id']}/files",
        f"/{project['id']}/files/app.py",
        f"/{project['id']}/jobs",
    ):
        require_envelope(client.get(url), 404, "Project not found")
    require_envelope(client.delete(f"/projects/{project['id']}"), 404, "Project not found")
    for suffix in ("", "/logs"):
        require_envelope(client.get(f"/{project['id']}/jobs/{project['job_id']}{suffix}"), 404, "Job not found")
    listed = client.get("/projects/", params={"limit": 100}).json()["projects"]
    assert project["id"] not in {found["id"] for found in listed}


def test_deleting_cancels_the_running_job_and_the_waiting_ones(live, caller, held):
    project = new_project(caller)
    spec = held.wait_until_running(project["job_id"])
    waiting = new_job(caller, project)
    answer = caller.delete(f"/projects/{project['id']}")
    assert (answer.status_code, answer.json()["job_id"]) == (200, waiting["id"])
    assert held.stopped == [project["job_id"]]
    assert held.launched == [project["job_id"]]
    assert not spec.workspace.exists()
    assert rows_about(live, project["id"]) == 0


def test_a_project_whose_worker_resists_is_gone_for_callers_and_removed_later(tmp_path, held, monkeypatch):
    monkeypatch.setattr("backend.api.projects.GRACE_FOR_DELETION_S", 0)
    with serve_held(tmp_path, held) as backend, backend.client() as client:
        project = new_project(client)
        held.wait_until_running(project["job_id"])
        held.obeys_stops = False
        assert client.delete(f"/projects/{project['id']}").status_code == 200
        require_envelope(client.get(f"/projects/{project['id']}"), 404, "Project not found")
        held.wait_until_stopped(project["job_id"])
        held.finish_all()
    with serve_held(tmp_path, held) as backend:
        backend.backend.parts.removal.finish_all()
        assert rows_about(backend, project["id"]) == 0
        assert not Path(project["workspace_path"]).exists()


def test_logs_are_plain_text_while_the_job_runs_and_afterwards(caller, held):
    project = new_project(caller)
    url = f"/{project['id']}/jobs/{project['job_id']}/logs"
    held.wait_until_running(project["job_id"])
    held.print(project["job_id"], "first line ✓\nhalf a li".encode())
    running = caller.get(url)
    assert (running.status_code, running.text) == (200, "first line ✓\n")
    assert running.headers["content-type"] == "text/plain; charset=utf-8"
    held.print(project["job_id"], b"ne \xff\n")
    held.finish(project["job_id"])
    job = get_ended(caller, project)
    ended = caller.get(url)
    assert (ended.status_code, ended.text) == (200, "first line ✓\nhalf a line \N{REPLACEMENT CHARACTER}\n")
    assert Path(job["logs_path"]).read_text() == ended.text


def test_logs_of_a_waiting_job_are_empty(narrow_caller, held):
    held.wait_until_running(new_project(narrow_caller)["job_id"])
    waiting = new_project(narrow_caller)
    answer = narrow_caller.get(f"/{waiting['id']}/jobs/{waiting['job_id']}/logs")
    assert (answer.status_code, answer.text) == (200, "")


def test_logs_never_show_a_secret_nor_grow_beyond_their_limit(tmp_path, held):
    secret = "canary-4f1d2c3b5a69788796a5b4c3"
    with serve_held(tmp_path, held, openai_api_key=secret, max_log_bytes=1024) as backend, backend.client() as client:
        project = new_project(client)
        url = f"/{project['id']}/jobs/{project['job_id']}/logs"
        held.wait_until_running(project["job_id"])
        held.print(project["job_id"], f"old {'x' * 5000}\nkey={secret}\nnew\n".encode())
        for finish in (lambda: None, lambda: held.finish(project["job_id"], summary=f"used {secret}")):
            finish()
            text = client.get(url, headers={"Prefer": "wait=1"}).text
            assert secret not in text
            assert text.endswith("key=[REDACTED]\nnew\n")
            assert len(text) < 1200
        assert secret not in json.dumps(get_ended(client, project))
        assert secret not in client.get(f"/{project['id']}/files/.codex/result.json").text
        assert secret not in repr(backend.log)


def test_a_restart_keeps_every_project_job_result_file_and_log(tmp_path):
    with serve_backend(tmp_path) as backend, backend.client() as client:
        project = new_project(client)
        new_job(client, project)
        before = everything(client, project)
    with serve_backend(tmp_path) as backend, backend.client() as client:
        assert everything(client, project) == before


def everything(client, project):
    found = client.get(f"/projects/{project['id']}").json()
    urls = [f"/{project['id']}/jobs/{job['id']}{suffix}" for job in found["jobs"] for suffix in ("", "/logs")]
    urls += [f"/{project['id']}/files", f"/{project['id']}/files/app.py", f"/{project['id']}/files/.codex/result.json"]
    return [client.get(url).text for url in urls]
