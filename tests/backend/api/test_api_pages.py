"""Lists in pages, stable while new items arrive (contract §1.1)."""

import pytest
from support.api_calls import new_job, new_project, require_envelope
from support.http_server import serve_backend


@pytest.fixture(scope="module")
def quiet(tmp_path_factory):
    with serve_backend(tmp_path_factory.mktemp("pages"), max_queued_jobs=500) as backend, backend.client() as client:
        yield client


@pytest.fixture(scope="module")
def projects(quiet):
    return [quick_project(quiet)["id"] for _ in range(7)]


def quick_project(client):
    return new_project(client, "error: nothing to make", Prefer="respond-async")


def pages(client, url, limit):
    cursor = None
    while True:
        answer = client.get(url, params={"limit": limit} | ({"cursor": cursor} if cursor else {}))
        assert answer.status_code == 200
        page = answer.json()
        yield page
        if "next_cursor" not in page:
            return
        cursor = page["next_cursor"]


def test_projects_come_newest_first_each_once(quiet, projects):
    found = list(pages(quiet, "/projects/", 3))
    assert [len(page["projects"]) for page in found] == [3, 3, 1]
    assert [project["id"] for page in found for project in page["projects"]] == projects[::-1]


def test_a_list_without_a_further_page_has_no_cursor(quiet, projects):
    for limit in (7, 100, None):
        page = quiet.get("/projects/", params={"limit": limit} if limit else {}).json()
        assert set(page) == {"projects"}
        assert len(page["projects"]) == 7


def test_a_page_that_is_exactly_full_has_a_cursor_only_if_more_follows(quiet, projects):
    assert "next_cursor" not in quiet.get("/projects/", params={"limit": 7}).json()
    assert "next_cursor" in quiet.get("/projects/", params={"limit": 6}).json()


def test_new_projects_and_deleted_ones_move_no_page(tmp_path):
    with serve_backend(tmp_path) as backend, backend.client() as client:
        old = [quick_project(client)["id"] for _ in range(6)]
        seen = []
        for page in pages(client, "/projects/", 2):
            seen += [project["id"] for project in page["projects"]]
            quick_project(client)
            client.delete(f"/projects/{seen[-1]}")
        assert seen == old[::-1]


def test_jobs_come_in_order_of_arrival_and_new_ones_appear_at_the_end(live, caller, held):
    project = new_project(caller)
    jobs = [project["job_id"], *(new_job(caller, project)["id"] for _ in range(4))]
    url, seen = f"/{project['id']}/jobs", []
    for page in pages(caller, url, 2):
        seen += [job["id"] for job in page["jobs"]]
        if len(jobs) < 7:
            jobs.append(new_job(caller, project)["id"])
    assert seen == jobs
    assert "next_cursor" not in caller.get(url).json()
    assert [job["id"] for job in caller.get(url).json()["jobs"]] == jobs


def test_the_default_page_has_50_items_and_the_largest_100(tmp_path):
    with serve_backend(tmp_path, max_queued_jobs=500) as backend, backend.client() as client:
        for _ in range(102):
            quick_project(client)
        assert len(client.get("/projects/").json()["projects"]) == 50
        assert len(client.get("/projects/", params={"limit": 100}).json()["projects"]) == 100


@pytest.mark.parametrize(
    "cursor", ["", "0", "x", "-1", "01", "1\n", " 1", "A", "1" * 16, "f" * 500, "MQ", "1.5", "null", "'", "\0", "é"]
)
def test_a_cursor_that_is_none_of_ours_is_400(quiet, projects, cursor):
    for url in ("/projects/", f"/{projects[0]}/jobs"):
        require_envelope(quiet.get(url, params={"cursor": cursor}), 400, "Invalid cursor")


def test_a_cursor_behind_everything_gives_an_empty_last_page(quiet, projects):
    assert quiet.get("/projects/", params={"cursor": "1"}).json() == {"projects": []}
    assert quiet.get(f"/{projects[0]}/jobs", params={"cursor": "f" * 15}).json() == {"jobs": []}


def test_an_unknown_project_wins_over_a_bad_cursor(quiet):
    require_envelope(quiet.get("/no-uuid/jobs", params={"cursor": "x"}), 404, "Project not found")
