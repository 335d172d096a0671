"""``Prefer``: waiting for a job's end, answering at once, and what waiting must not do to others (§1.1, F16, F19)."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from support.api_calls import (
    COMMENT,
    GENERATE,
    Waiters,
    get_ended,
    get_job,
    new_job,
    new_project,
    require_envelope,
    serve_held,
)
from support.held_launcher import HeldLauncher

WAIT = {"Prefer": "wait=60"}


@pytest.fixture
def pool():
    with ThreadPoolExecutor(max_workers=64) as found:
        yield found


def test_a_get_of_a_job_answers_when_it_has_ended(live, caller, held, waiters, pool):
    project = new_project(caller)
    held.wait_until_running(project["job_id"])
    waiting = pool.submit(caller.get, f"/{project['id']}/jobs/{project['job_id']}", headers=WAIT)
    waiters.wait_for(1)
    assert not waiting.done()
    held.finish(project["job_id"])
    answer = waiting.result()
    assert answer.json()["status"] == "completed"
    assert answer.json()["result"]["job_id"] == project["job_id"]
    assert answer.headers["preference-applied"] == "wait=60"


def test_a_get_of_the_result_answers_when_it_is_final(live, caller, held, waiters, pool):
    project = new_project(caller)
    held.wait_until_running(project["job_id"])
    spellings = (".codex/result.json", "./.codex//result.json")
    reads = [pool.submit(caller.get, f"/{project['id']}/files/{spelling}", headers=WAIT) for spelling in spellings]
    waiters.wait_for(2)
    held.finish(project["job_id"], summary="worth waiting for")
    for answer in (waiting.result() for waiting in reads):
        assert json.loads(answer.json()["contents"])["summary"] == "worth waiting for"
        assert answer.headers["preference-applied"] == "wait=60"


def test_a_post_may_wait_in_live_mode_too(live, caller, held, waiters, pool):
    body = {"instruction": GENERATE}
    waiting = pool.submit(caller.post, "/projects/", json=body, headers=WAIT)
    waiters.wait_for(1)
    project = caller.get("/projects/").json()["projects"][0]
    held.finish(project["job_id"])
    assert waiting.result().json()["status"] == "completed"
    edit = {"job_type": "edit", "instruction": COMMENT}
    waiting = pool.submit(caller.post, f"/{project['id']}/jobs", json=edit, headers=WAIT)
    waiters.wait_for(1)
    job_id = caller.get(f"/projects/{project['id']}").json()["job_id"]
    held.finish(job_id)
    answer = waiting.result()
    assert (answer.json()["id"], answer.json()["status"]) == (job_id, "completed")
    assert answer.headers["preference-applied"] == "wait=60"


def test_respond_async_answers_at_once_in_mocked_mode_too(client):
    answer = client.post("/projects/", json={"instruction": GENERATE}, headers={"Prefer": "respond-async"})
    assert answer.status_code == 200
    assert answer.json()["status"] in {"queued", "in_progress"}
    assert answer.headers["preference-applied"] == "respond-async"
    assert get_ended(client, answer.json())["status"] == "completed"


def test_a_wait_that_is_over_answers_with_the_present_state(live, caller, held):
    project = new_project(caller)
    held.wait_until_running(project["job_id"])
    for seconds in (0, 1):
        job = caller.get(f"/{project['id']}/jobs/{project['job_id']}", headers={"Prefer": f"wait={seconds}"})
        assert (job.status_code, job.json()["status"]) == (200, "in_progress")
        assert job.headers["preference-applied"] == f"wait={seconds}"
    require_envelope(
        caller.get(f"/{project['id']}/files/.codex/result.json", headers={"Prefer": "wait=1"}), 404, "File not found"
    )


def test_a_wait_of_more_than_a_minute_is_a_wait_of_a_minute(client, finished):
    answer = client.get(f"/{finished['id']}/jobs/{finished['job_id']}", headers={"Prefer": "wait=86400"})
    assert answer.headers["preference-applied"] == "wait=60"


@pytest.mark.parametrize(
    "value", ["wait", "wait=", "wait=soon", "wait=-1", "wait=1.5", "wait=1e2", "other", "=", ",;", "x" * 9000]
)
def test_a_malformed_preference_is_ignored(live, caller, held, value):
    project = new_project(caller, Prefer=value)
    answer = caller.get(f"/{project['id']}/jobs/{project['job_id']}", headers={"Prefer": value})
    assert answer.status_code == 200
    assert "preference-applied" not in answer.headers


def test_no_preference_is_said_to_be_followed_where_waiting_changes_nothing(client, finished):
    answer = client.get(f"/{finished['id']}/files/app.py", headers=WAIT)
    assert answer.status_code == 200
    assert "preference-applied" not in answer.headers


def test_waiting_for_what_does_not_exist_is_404_at_once(client, finished):
    unknown = uuid.uuid4()
    for url in (
        f"/{unknown}/files/.codex/result.json",
        f"/{finished['id']}/jobs/{unknown}",
        f"/{unknown}/jobs/{unknown}",
    ):
        assert client.get(url, headers=WAIT).status_code == 404


def test_who_waits_for_a_queued_job_is_told_when_it_is_cancelled(tmp_path, held, pool):
    with serve_held(tmp_path, held, max_concurrent_jobs=1) as backend, backend.client() as client:
        waiters = Waiters(backend)
        held.wait_until_running(new_project(client)["job_id"])
        queued = new_project(client)
        waiting = pool.submit(client.get, f"/{queued['id']}/jobs/{queued['job_id']}", headers=WAIT)
        waiters.wait_for(1)
        assert client.post(f"/{queued['id']}/jobs/{queued['job_id']}/cancel").json()["status"] == "error"
        assert waiting.result().json()["failure_kind"] == "cancelled"


def test_who_waits_for_a_job_is_told_when_its_project_is_deleted(tmp_path, held, pool):
    with serve_held(tmp_path, held, max_concurrent_jobs=1) as backend, backend.client() as client:
        waiters = Waiters(backend)
        held.wait_until_running(new_project(client)["job_id"])
        queued = new_project(client)
        waiting = pool.submit(client.get, f"/{queued['id']}/jobs/{queued['job_id']}", headers=WAIT)
        waiters.wait_for(1)
        assert client.delete(f"/projects/{queued['id']}").status_code == 200
        require_envelope(waiting.result(), 404, "Job not found")


def test_a_post_whose_project_is_deleted_while_it_waits_still_answers_200(live, caller, held, waiters, pool):
    waiting = pool.submit(caller.post, "/projects/", json={"instruction": GENERATE}, headers=WAIT)
    waiters.wait_for(1)
    project = caller.get("/projects/").json()["projects"][0]
    held.wait_until_running(project["job_id"])
    assert caller.delete(f"/projects/{project['id']}").status_code == 200
    assert waiting.result().status_code == 200
    assert waiting.result().json()["id"] == project["id"]


def test_many_who_wait_hold_up_nobody(tmp_path, held, pool):
    """Four jobs run, thirty wait their turn, and somebody waits for each of them: all the while every GET answers."""
    with serve_held(tmp_path, held, max_concurrent_jobs=4) as backend, backend.client(timeout=20) as client:
        waiters = Waiters(backend)
        projects = [new_project(client) for _ in range(34)]
        with backend.client(limits=httpx.Limits(max_connections=64)) as many:
            waiting = [pool.submit(get_ended, many, project) for project in projects]
            waiters.wait_for(34)
            for url in every_get(projects[0]):
                assert client.get(url).status_code in {200, 404}, url
            assert client.get("/ready").json()["queue_depth"] == 30
            assert not any(found.done() for found in waiting)
            for project in projects:
                held.finish(project["job_id"])
            assert {found.result()["status"] for found in waiting} == {"completed"}


def every_get(project):
    ids = (project["id"], project["job_id"])
    yield from ("/health", "/ready", "/projects/", f"/projects/{ids[0]}", f"/{ids[0]}/files", f"/{ids[0]}/jobs")
    yield from (f"/{ids[0]}/files/.codex/request.json", f"/{ids[0]}/files/.codex/result.json")
    yield from (f"/{ids[0]}/jobs/{ids[1]}", f"/{ids[0]}/jobs/{ids[1]}/logs")


def test_a_client_that_hangs_up_does_not_cancel_its_job_and_may_ask_again(tmp_path):
    dummy = HeldLauncher(name="dummy")
    with serve_held(tmp_path, dummy) as backend, backend.client() as client:
        project = new_project(client, Prefer="respond-async")
        dummy.finish(project["job_id"])
        get_ended(client, project)
        waiters = Waiters(backend)
        body = json.dumps({"job_type": "edit", "instruction": COMMENT})
        head = f"POST /api/v1/{project['id']}/jobs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        with backend.connect() as connection:
            head += f"Idempotency-Key: retry-1\r\nContent-Length: {len(body)}\r\n\r\n"
            connection.sendall((head + body).encode())
            waiters.wait_for(1)
        job_id = client.get(f"/projects/{project['id']}").json()["job_id"]
        dummy.wait_until_running(job_id)
        headers = {"Idempotency-Key": "retry-1", "Prefer": "respond-async"}
        retried = client.post(
            f"/{project['id']}/jobs", content=body, headers=headers | {"Content-Type": "application/json"}
        )
        assert retried.json()["id"] == job_id
        dummy.finish(job_id)
        assert get_ended(client, project, job_id)["status"] == "completed"
        assert dummy.launched == [project["job_id"], job_id]


def test_a_client_that_hangs_up_while_its_body_is_on_the_way_leaves_nothing(served, client):
    before = len(client.get("/projects/", params={"limit": 100}).json()["projects"])
    for head in ("Content-Length: 5000\r\n\r\n{", "Transfer-Encoding: chunked\r\n\r\n5\r\n{"):
        with served.connect() as connection:
            connection.sendall(
                f"POST /api/v1/projects/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{head}".encode()
            )
    assert client.get("/health").status_code == 200
    assert len(client.get("/projects/", params={"limit": 100}).json()["projects"]) == before
    assert not [event for event in served.log if event["event"] == "http.failed" and "Disconnect" in str(event)]


def test_a_stop_of_the_backend_wakes_everybody_who_waits(tmp_path, held, pool):
    with serve_held(tmp_path, held) as backend:
        client = backend.client()
        waiters = Waiters(backend)
        project = new_project(client)
        held.wait_until_running(project["job_id"])
        waiting = pool.submit(get_job, client, project, **WAIT)
        waiters.wait_for(1)
    assert waiting.result()["id"] == project["job_id"]
    client.close()
    with serve_held(tmp_path, held) as backend, backend.client() as again:
        assert get_job(again, project)["failure_kind"] == "cancelled"


def test_edits_that_arrive_together_are_applied_in_order_each_with_its_own_request(live, caller, held):
    project = new_project(caller)
    held.finish(project["job_id"])
    jobs = [new_job(caller, project, f"edit number {number}") for number in range(3)]
    for number, job in enumerate(jobs):
        spec = held.wait_until_running(job["id"])
        request = json.loads((spec.workspace / ".codex/request.json").read_text())
        assert (request["job_id"], request["instruction"]) == (job["id"], f"edit number {number}")
        held.finish(job["id"], summary=f"edit {number}")
        assert get_ended(caller, project, job["id"])["result"]["summary"] == f"edit {number}"
    assert held.launched == [project["job_id"], *(job["id"] for job in jobs)]
