"""Projects and jobs as answers show them, and where they are found (contract §1.1 and §1.2)."""

import json
import re
import uuid
from pathlib import Path

import pytest
from support.api_calls import GENERATE, get_ended, get_job, new_job, new_project, require_envelope

from backend import repository

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
PROJECT = {"id", "job_id", "instruction", "status", "summary", "workspace_path", "created_at", "updated_at"}
JOB = {
    *("id", "project_id", "job_type", "instruction", "status", "failure_kind", "engine", "trace_id"),
    *("created_at", "updated_at", "started_at", "finished_at"),
}
DETAIL = JOB | {"result", "exit_code", "result_path", "logs_path", "container"}
BAD_IDS = [
    "x",
    "0",
    "%00",
    "%ff",
    "-",
    "a" * 300,
    "6BA7B810-9DAD-11D1-80B4-00C04FD430C8",
    "6ba7b8109dad11d180b400c04fd430c8",
    "%7B6ba7b810-9dad-11d1-80b4-00c04fd430c8%7D",
    "%D9%A1" * 32,
    "null",
    "'%20OR%201=1%20--",
]


def test_a_mocked_post_answers_when_the_job_has_ended(finished):
    assert set(finished) == PROJECT
    assert finished["status"] == "completed"
    assert finished["summary"]
    assert finished["instruction"] == GENERATE
    assert str(uuid.UUID(finished["id"])) == finished["id"]
    assert str(uuid.UUID(finished["job_id"])) == finished["job_id"]
    assert Path(finished["workspace_path"], "app.py").is_file()


def test_a_project_is_shown_with_its_jobs_in_order_of_arrival(client):
    project = new_project(client)
    second, third = new_job(client, project), new_job(client, project)
    answer = client.get(f"/projects/{project['id']}")
    found = answer.json()
    assert answer.status_code == 200
    assert set(found) == PROJECT | {"jobs"}
    assert [job["id"] for job in found["jobs"]] == [project["job_id"], second["id"], third["id"]]
    assert [job["job_type"] for job in found["jobs"]] == ["initial_project", "edit", "edit"]
    assert all(set(job) == JOB for job in found["jobs"])
    assert found["job_id"] == third["id"]


def test_a_job_is_shown_with_its_result_and_its_own_copies(client, finished):
    job = get_job(client, finished)
    assert set(job) == DETAIL
    assert (job["status"], job["failure_kind"], job["exit_code"]) == ("completed", None, 0)
    assert job["result"]["job_id"] == job["id"]
    assert job["result"]["status"] == "success"
    assert json.loads(Path(job["result_path"]).read_text()) == job["result"]
    assert Path(job["logs_path"]).is_file()
    assert not Path(job["result_path"]).is_relative_to(finished["workspace_path"])
    assert (job["container"]["launcher"], job["container"]["attempt"]) == ("dummy", 1)


def test_times_are_utc_with_microseconds_and_in_order(client, finished):
    job = get_job(client, finished)
    times = [job["created_at"], job["started_at"], job["finished_at"]]
    assert all(INSTANT.fullmatch(time) for time in [*times, job["updated_at"], finished["updated_at"]])
    assert times == sorted(times)
    assert finished["created_at"] < finished["updated_at"]


def test_the_trace_id_of_a_job_is_that_of_the_request_that_made_it(client):
    traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    project = new_project(client, traceparent=traceparent)
    assert get_job(client, project)["trace_id"] == "0af76519-16cd-43dd-8448-eb211c80319c"


def test_a_live_post_answers_at_once_and_the_status_follows_the_job(live, caller, held):
    project = new_project(caller)
    assert project["status"] in {"queued", "in_progress"}
    assert project["summary"] == ""
    held.wait_until_running(project["job_id"])
    running = caller.get(f"/projects/{project['id']}").json()
    assert running["status"] == "in_progress"
    assert running["jobs"][0]["engine"] == "template"
    held.finish(project["job_id"], summary="All done.")
    job = get_ended(caller, project)
    ended = caller.get(f"/projects/{project['id']}").json()
    assert (ended["status"], ended["summary"]) == ("completed", "All done.")
    assert project["updated_at"] < running["updated_at"] < ended["updated_at"] == job["updated_at"]


def test_a_running_job_has_no_result_no_end_and_no_copies_yet(live, caller, held):
    project = new_project(caller)
    held.wait_until_running(project["job_id"])
    job = get_job(caller, project)
    assert job["status"] == "in_progress"
    absent = ("result", "exit_code", "result_path", "logs_path", "finished_at", "failure_kind")
    assert [job[name] for name in absent] == [None] * len(absent)


def test_a_second_job_of_a_project_queues_and_is_never_a_conflict(live, caller, held):
    project = new_project(caller)
    held.wait_until_running(project["job_id"])
    second, third = new_job(caller, project), new_job(caller, project)
    assert [second["status"], third["status"]] == ["queued", "queued"]
    assert held.launched == [project["job_id"]]
    for job_id in (project["job_id"], second["id"], third["id"]):
        held.finish(job_id)
        get_ended(caller, project, job_id)
    assert held.launched == [project["job_id"], second["id"], third["id"]]


def test_a_failed_edit_makes_the_project_an_error_with_the_workers_summary(live, caller, held):
    project = new_project(caller)
    held.finish(project["job_id"])
    job = new_job(caller, project)
    held.finish(job["id"], status="error", errors=["forced_error"], summary="Refused on purpose.")
    assert get_ended(caller, project, job["id"])["failure_kind"] is None
    found = caller.get(f"/projects/{project['id']}").json()
    assert (found["status"], found["summary"]) == ("error", "Refused on purpose.")


def test_the_worker_program_failed_by_force_error_is_still_http_200(client):
    project = new_project(client, "force_error: provoke a controlled failure")
    assert project["status"] == "error"
    assert get_job(client, project)["result"]["errors"] == ["forced_error"]


def test_a_result_goes_out_as_it_was_judged_however_deep_or_large(served, client):
    project = new_project(client)
    deep = "[" * 400 + "]" * 400
    text = f'{{"deep": {deep}, "big": {"9" * 400}, "beyond": 1e999, "text": "\\u2028\\u0000"}}'
    with served.backend.database.write() as session:
        repository.job_by_id(session, project["job_id"]).result = text
    answer = client.get(f"/{project['id']}/jobs/{project['job_id']}")
    assert answer.status_code == 200
    assert answer.json()["result"] == json.loads(text)
    assert client.get(f"/{project['id']}/files/.codex/result.json").json()["contents"] == text


def test_each_job_keeps_its_own_result_and_log(client):
    project = new_project(client)
    jobs = [project["job_id"], new_job(client, project)["id"], new_job(client, project, "force_error")["id"]]
    details = [get_job(client, project, job_id) for job_id in jobs]
    assert [detail["result"]["job_id"] for detail in details] == jobs
    assert [detail["result"]["created_files"] != [] for detail in details] == [True, False, False]
    assert len({detail["result_path"] for detail in details}) == 3
    assert all(client.get(f"/{project['id']}/jobs/{job_id}/logs").status_code == 200 for job_id in jobs)


@pytest.mark.parametrize("bad", BAD_IDS)
@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("GET", "/projects/{}"),
        ("DELETE", "/projects/{}"),
        ("GET", "/{}/files"),
        ("GET", "/{}/files/app.py"),
        ("GET", "/{}/jobs"),
    ],
)
def test_an_id_that_is_no_project_is_404_in_every_form(served, method, url, bad):
    answer = served.raw(served.settings.api_v1_str + url.format(bad), method=method)
    assert answer.status == 404
    body = json.loads(answer.body)
    assert body["detail"] in {"Project not found", "File not found"}
    assert (body["detail"] == "File not found") == (bad == "%ff" and url.endswith("app.py"))


@pytest.mark.parametrize("bad", BAD_IDS)
def test_an_id_that_is_no_job_is_404_in_every_form(served, finished, bad):
    prefix = served.settings.api_v1_str
    paths = [f"/{finished['id']}/jobs/{bad}", f"/{bad}/jobs/{finished['job_id']}", f"/{bad}/jobs/{bad}"]
    for path in paths:
        for method, suffix in (("GET", ""), ("GET", "/logs"), ("POST", "/cancel")):
            answer = served.raw(prefix + path + suffix, method=method)
            assert (answer.status, json.loads(answer.body)["detail"]) == (404, "Job not found")


def test_unknown_uuids_are_404_with_the_text_of_the_contract(client, finished):
    unknown = str(uuid.uuid4())
    for url in (f"/projects/{unknown}", f"/{unknown}/files", f"/{unknown}/files/app.py", f"/{unknown}/jobs"):
        require_envelope(client.get(url), 404, "Project not found")
    require_envelope(client.delete(f"/projects/{unknown}"), 404, "Project not found")
    job = {"job_type": "edit", "instruction": "x"}
    require_envelope(client.post(f"/{unknown}/jobs", json=job), 404, "Project not found")
    for suffix in ("", "/logs"):
        require_envelope(client.get(f"/{finished['id']}/jobs/{unknown}{suffix}"), 404, "Job not found")
    require_envelope(client.post(f"/{finished['id']}/jobs/{unknown}/cancel"), 404, "Job not found")


def test_another_projects_job_is_not_found(client, finished):
    other = new_project(client)
    for suffix in ("", "/logs"):
        require_envelope(client.get(f"/{finished['id']}/jobs/{other['job_id']}{suffix}"), 404, "Job not found")
    require_envelope(client.post(f"/{finished['id']}/jobs/{other['job_id']}/cancel"), 404, "Job not found")


def test_files_and_jobs_do_not_hang_under_projects(client, finished):
    for rest in ("files", "files/app.py", "jobs", f"jobs/{finished['job_id']}"):
        assert client.get(f"/projects/{finished['id']}/{rest}").status_code == 404
