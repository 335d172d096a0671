"""``Idempotency-Key``: the same key and body are the same job, another body is a conflict (contract §1.1, F19)."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.api_calls import COMMENT, GENERATE, get_ended, new_job, new_project, require_envelope

CONFLICT = "Idempotency-Key was used with another body"


def edit(client, project, instruction=COMMENT, key="k", job_type="edit"):
    body = {"job_type": job_type, "instruction": instruction}
    return client.post(f"/{project['id']}/jobs", json=body, headers={"Idempotency-Key": key})


def test_the_same_key_and_body_give_the_same_project(client):
    headers = {"Idempotency-Key": "create-once"}
    first, second = new_project(client, **headers), new_project(client, **headers)
    assert first == second
    assert new_project(client)["id"] != first["id"]


def test_the_same_key_and_body_give_the_same_job_and_the_edit_is_applied_once(client):
    project = new_project(client)
    answers = [edit(client, project, key="edit-once").json() for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    assert len(client.get(f"/{project['id']}/jobs").json()["jobs"]) == 2
    contents = client.get(f"/{project['id']}/files/app.py").json()["contents"]
    assert contents.count("# Edit applied: ") == 1


def test_blanks_around_the_instruction_and_unknown_fields_make_no_other_body(client):
    project = new_project(client)
    first = edit(client, project, "Add a comment.")
    url, headers = f"/{project['id']}/jobs", {"Idempotency-Key": "k"}
    again = client.post(url, json={"job_type": "edit", "instruction": " Add a comment.\n", "x": 1}, headers=headers)
    assert again.json() == first.json()


def test_another_body_under_the_same_key_is_409_and_makes_nothing(client):
    project = new_project(client)
    edit(client, project, "one")
    require_envelope(edit(client, project, "two"), 409, CONFLICT)
    require_envelope(edit(client, project, "one", job_type="initial_project"), 409, CONFLICT)
    assert len(client.get(f"/{project['id']}/jobs").json()["jobs"]) == 2
    new_project(client, "error: first", **{"Idempotency-Key": "mine"})
    answer = client.post("/projects/", json={"instruction": "error: other"}, headers={"Idempotency-Key": "mine"})
    require_envelope(answer, 409, CONFLICT)


def test_a_key_counts_within_its_project_only(client):
    one, two = new_project(client), new_project(client)
    assert edit(client, one, key="shared").json()["id"] != edit(client, two, key="shared").json()["id"]
    assert new_project(client, **{"Idempotency-Key": "shared"})["id"] not in {one["id"], two["id"]}


def test_requests_at_the_same_moment_with_the_same_key_make_one_job(live, caller, held):
    number = 16
    together = threading.Barrier(number)

    def post(_):
        together.wait()
        return caller.post("/projects/", json={"instruction": GENERATE}, headers={"Idempotency-Key": "race"})

    with ThreadPoolExecutor(number) as pool:
        answers = list(pool.map(post, range(number)))
    assert {answer.status_code for answer in answers} == {200}
    [job_id] = {answer.json()["job_id"] for answer in answers}
    held.finish(job_id)
    get_ended(caller, answers[0].json())
    assert held.launched == [job_id]
    assert len(caller.get("/projects/").json()["projects"]) == 1


def test_a_retry_after_the_end_shows_the_end(live, caller, held):
    headers = {"Idempotency-Key": "later"}
    project = new_project(caller, **headers)
    held.finish(project["job_id"], summary="over")
    get_ended(caller, project)
    assert new_project(caller, **headers)["summary"] == "over"


def test_a_bad_body_or_an_unknown_project_uses_up_no_key(client):
    project = new_project(client)
    assert edit(client, project, " ", key="fresh").status_code == 422
    assert edit(client, {"id": "x"}, key="fresh").status_code == 404
    assert edit(client, project, key="fresh").status_code == 200


def test_a_key_is_forgotten_with_its_project(client):
    headers = {"Idempotency-Key": "forgotten"}
    project = new_project(client, **headers)
    assert client.delete(f"/projects/{project['id']}").status_code == 200
    assert new_project(client, **headers)["id"] != project["id"]


def test_a_key_binds_nobody_while_its_project_is_being_deleted(live, caller, held, monkeypatch):
    monkeypatch.setattr("backend.api.projects.GRACE_FOR_DELETION_S", 0)
    headers = {"Idempotency-Key": "meanwhile"}
    project = new_project(caller, **headers)
    held.wait_until_running(project["job_id"])
    held.obeys_stops = False
    assert caller.delete(f"/projects/{project['id']}").status_code == 200
    again = new_project(caller, **headers)
    assert again["id"] != project["id"]
    assert new_project(caller, **headers)["id"] == again["id"]
    held.obeys_stops = True
    held.finish_all()


@pytest.mark.parametrize("key", ["!", "~" * 255, "a/b?c=d&e", "';DROP/**/TABLE/**/jobs;--"])
def test_a_key_is_any_printable_ascii(client, key):
    headers = {"Idempotency-Key": key}
    assert new_project(client, "error: key", **headers) == new_project(client, "error: key", **headers)


def test_the_key_is_no_part_of_what_is_shown(client, served):
    project = new_project(client, **{"Idempotency-Key": "shown-nowhere"})
    assert "shown-nowhere" not in json.dumps(client.get(f"/projects/{project['id']}").json())


def test_two_jobs_without_a_key_are_two_jobs(client):
    project = new_project(client)
    assert new_job(client, project)["id"] != new_job(client, project)["id"]
