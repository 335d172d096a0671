"""``.codex/result.json``: nothing until the latest job has ended, then its result, under every name (§1.1)."""

import json
from pathlib import Path

import pytest
from support.api_calls import get_ended, get_job, new_job, new_project, require_envelope
from support.held_launcher import HeldLauncher
from support.http_server import serve_backend

from worker.contract import RESULT_PATH

SPELLINGS = [
    RESULT_PATH,
    "./.codex/result.json",
    ".codex//result.json",
    ".codex/./result.json",
    "x/../.codex/result.json",
    ".codex/x/../result.json",
    ".codex/result.json/",
    ".codex%2Fresult.json",
    "%2ecodex/result%2Ejson",
    "alias.json",
    "folder/result.json",
    "alias-of-alias.json",
]


def plant_links(workspace: Path) -> None:
    links = {"alias.json": RESULT_PATH, "folder": ".codex", "alias-of-alias.json": "alias.json"}
    for name, target in links.items():
        (workspace / name).symlink_to(target)


def listed(client, project) -> dict[str, int]:
    return {entry["path"]: entry["size"] for entry in client.get(f"/{project['id']}/files").json()["files"]}


def read(client, project, path=RESULT_PATH, **headers):
    return client.get(f"/{project['id']}/files/{path}", headers=headers)


@pytest.fixture
def running(live, caller, held: HeldLauncher):
    """A project whose second job runs and has already left its result; links lead to it."""
    project = new_project(caller)
    plant_links(held.wait_until_running(project["job_id"]).workspace)
    held.finish(project["job_id"], summary="first")
    get_ended(caller, project)
    second = new_job(caller, project)
    held.leave_result(second["id"], summary="second")
    return project, second


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_under_no_name_is_the_result_served_before_the_job_has_ended(live, caller, running, spelling):
    project, _ = running
    require_envelope(read(caller, project, spelling), 404, "File not found")


def test_under_no_name_is_the_result_listed_before_the_job_has_ended(caller, running):
    project, _ = running
    assert (Path(project["workspace_path"]) / RESULT_PATH).is_file()
    assert listed(caller, project).keys() == {".codex/request.json"}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_under_every_name_the_final_result_is_served_afterwards(live, caller, held, running, spelling):
    project, second = running
    held.crash(second["id"], exit_code=0)
    job = get_ended(caller, project, second["id"])
    body = read(caller, project, spelling).json()
    assert json.loads(body["contents"]) == job["result"]
    assert (job["result"]["job_id"], job["result"]["summary"]) == (second["id"], "second")


def test_afterwards_it_is_listed_with_the_size_that_is_served(caller, held, running):
    project, second = running
    held.crash(second["id"], exit_code=0)
    get_ended(caller, project, second["id"])
    sizes = listed(caller, project)
    assert sizes.keys() == {".codex/request.json", RESULT_PATH, "alias.json", "alias-of-alias.json"}
    assert {sizes[RESULT_PATH], sizes["alias.json"]} == {len(read(caller, project).json()["contents"].encode())}


def test_an_older_jobs_result_is_not_served_from_the_moment_a_job_is_accepted(live, caller, held):
    project, busy = new_project(caller), []
    held.finish(project["job_id"])
    get_ended(caller, project)
    assert read(caller, project).status_code == 200
    # All places are taken, so the next job only queues.
    for _ in range(live.settings.max_concurrent_jobs):
        busy.append(new_project(caller)["job_id"])
        held.wait_until_running(busy[-1])
    queued = new_job(caller, project)
    assert queued["status"] == "queued"
    require_envelope(read(caller, project), 404, "File not found")
    assert RESULT_PATH not in listed(caller, project)


def test_a_worker_that_leaves_nothing_gets_a_result_of_its_own_from_the_backend(caller, held):
    project = new_project(caller)
    held.finish(project["job_id"], summary="first")
    get_ended(caller, project)
    for exit_code, kind in ((0, "result_missing"), (1, "crashed")):
        job = new_job(caller, project)
        held.crash(job["id"], exit_code=exit_code)
        assert get_ended(caller, project, job["id"])["failure_kind"] == kind
        result = json.loads(read(caller, project).json()["contents"])
        assert (result["job_id"], result["errors"], result["written_by"]) == (job["id"], [kind], "backend")
    assert get_job(caller, project)["result"]["summary"] == "first"


def test_half_a_document_is_never_served(caller, held):
    project = new_project(caller)
    spec = held.wait_until_running(project["job_id"])
    (spec.workspace / RESULT_PATH).write_text('{"contract_version": 1, "status": "succ')
    assert read(caller, project).status_code == 404
    held.crash(project["job_id"], exit_code=0)
    assert get_ended(caller, project)["failure_kind"] == "result_invalid"
    assert json.loads(read(caller, project).json()["contents"])["errors"] == ["result_invalid"]


def test_a_job_cancelled_in_the_queue_is_the_latest_and_its_result_is_served(live, caller, held):
    project = new_project(caller)
    held.finish(project["job_id"], summary="first")
    get_ended(caller, project)
    running, queued = new_job(caller, project), new_job(caller, project)
    held.leave_result(running["id"], summary="running")
    caller.post(f"/{project['id']}/jobs/{queued['id']}/cancel")
    contents = read(caller, project).json()["contents"]
    assert json.loads(contents)["job_id"] == queued["id"]
    assert listed(caller, project)[RESULT_PATH] == len(contents.encode())
    held.crash(running["id"], exit_code=0)
    get_ended(caller, project, running["id"])
    assert json.loads(read(caller, project).json()["contents"])["job_id"] == queued["id"]


def test_what_is_done_to_the_file_afterwards_changes_nothing(caller, held):
    project = new_project(caller)
    held.finish(project["job_id"], summary="as judged")
    get_ended(caller, project)
    file = Path(project["workspace_path"]) / RESULT_PATH
    for tamper in (lambda: file.write_text("{}"), file.unlink, lambda: file.symlink_to("/etc/passwd"), file.unlink):
        tamper()
        contents = read(caller, project, ".codex//result.json").json()["contents"]
        assert json.loads(contents)["summary"] == "as judged"
        assert listed(caller, project)[RESULT_PATH] == len(contents.encode())


def test_a_result_that_is_a_link_out_is_neither_read_nor_followed(caller, held, tmp_path):
    outside = tmp_path / "outside.json"
    outside.write_text("precious")
    project = new_project(caller)
    (held.wait_until_running(project["job_id"]).workspace / RESULT_PATH).symlink_to(outside)
    assert read(caller, project).status_code == 404
    held.crash(project["job_id"], exit_code=0)
    assert get_ended(caller, project)["failure_kind"] == "result_invalid"
    assert json.loads(read(caller, project).json()["contents"])["errors"] == ["result_invalid"]
    assert outside.read_text() == "precious"


def test_a_poll_sees_404_or_the_result_of_the_job_just_accepted_and_it_agrees_with_the_status(client):
    project = new_project(client)
    for number in range(4):
        job = new_job(client, project, "force_error" if number == 2 else "Add a comment.", Prefer="respond-async")
        while (answer := read(client, project)).status_code == 404:
            assert answer.json()["detail"] == "File not found"
        result = json.loads(answer.json()["contents"])
        assert result["job_id"] == job["id"]
        status = client.get(f"/projects/{project['id']}").json()["status"]
        assert (result["status"], status) in {("success", "completed"), ("error", "error")}


def test_the_result_of_a_mocked_job_is_served_when_its_post_answers(tmp_path):
    with serve_backend(tmp_path) as backend, backend.client() as client:
        project = new_project(client)
        body = read(client, project).json()
        assert (body["path"], body["encoding"]) == (RESULT_PATH, "utf-8")
        assert body["contents"] == (Path(project["workspace_path"]) / RESULT_PATH).read_text()
        assert json.loads(body["contents"])["job_id"] == project["job_id"]
