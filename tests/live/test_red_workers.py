"""Broken workers, one a climb: each makes the live ladder red at the scenario that it breaks, and the notes say why."""

from contextlib import ExitStack

import pytest
from backend_process import running_backend
from broken_image import broken_image
from climbs import Climber, left_of, require_red

pytestmark = pytest.mark.docker


@pytest.fixture
def climber(tmp_path):
    return Climber(tmp_path / "climber")


@pytest.fixture
def climb(docker_api, scripted, climber, tmp_path):
    """Climb a ladder at a backend whose worker has a fault."""

    def run(fault, ladder="live", **settings):
        with ExitStack() as stack:
            image = stack.enter_context(broken_image(docker_api, scripted, fault))
            home = tmp_path / "backend"
            home.mkdir()
            backend = stack.enter_context(running_backend(home, docker_api, image=image, **settings))
            url = f"http://127.0.0.1:{backend.port}"
            found = climber.climb("run", ladder, "--witness", "required", BASE_URL=url)
        assert left_of(docker_api, backend.instance) == []
        return found

    return run


def test_a_worker_that_crashes_is_red_with_the_end_of_its_log(climb):
    found = climb("crash")
    assert found.exit_code == 1
    notes = require_red(found, "L01", "FAIL", cause="worker-crashed")
    assert "job failure_kind: crashed" in notes
    assert "exit code 1" in notes
    assert "worker log, last 20 lines\n  the model's reply could not be read\n  giving up\n" in notes


def test_a_worker_that_leaves_no_result_is_red(climb):
    found = climb("forget_the_result")
    assert found.exit_code == 1
    assert "result_missing" in require_red(found, "L01", "FAIL", cause="result-missing")


def test_a_worker_that_hangs_is_killed_at_its_deadline_and_red(climb):
    found = climb("hang", JOB_TIMEOUT_SECONDS="1")
    assert found.exit_code == 1
    notes = require_red(found, "L01", "FAIL", cause="worker-timeout")
    assert "job failure_kind: timeout" in notes
    assert "  waiting for a reply that never comes\n" in notes


def test_a_result_that_never_comes_leaves_the_verdict_open_at_the_deadline(climb, climber):
    found = climb("hang", climber.ladder(deadline="5s"))
    assert found.exit_code == 4
    notes = require_red(found, "L01", "INCONCLUSIVE", cause="worker-still-running")
    assert "the deadline of 5 s passed" in notes
    assert "status 404" in notes
    assert " running oom_killed=false" in notes
    assert "  waiting for a reply that never comes\n" in notes


@pytest.mark.parametrize(
    ("fault", "cause", "said"),
    [
        ("leave_the_old_result", "result-invalid", "the work was done before"),
        ("touch_nothing", "result-missing", "nothing to do"),
    ],
)
def test_the_result_of_an_earlier_job_is_never_taken_for_that_of_an_edit(climb, fault, cause, said):
    found = climb(fault)
    assert found.exit_code == 1
    notes = require_red(found, "L05", "FAIL", cause=cause)
    assert f"  {said}\n" in notes
    assert "result summary: " in notes


def test_a_project_without_app_py_is_red_at_the_listing(climb):
    found = climb("make_no_app")
    assert found.exit_code == 1
    notes = require_red(found, "L02", "FAIL", cause="expectation-missed")
    assert "body.files[].path: wanted contains_all" in notes


def test_an_empty_app_py_is_red_when_it_is_read(climb):
    found = climb("make_an_empty_app")
    assert found.exit_code == 1
    notes = require_red(found, "L04", "FAIL", cause="expectation-missed")
    assert 'body.contents: wanted length {"gt": 0}, got ""' in notes


def test_an_app_py_that_is_listed_and_was_deleted_is_red_at_once(climb):
    found = climb("delete_the_app_it_made")
    assert found.exit_code == 1
    assert "files_changed.created" in require_red(found, "L01", "FAIL", cause="expectation-missed")


@pytest.mark.parametrize("fault", ["claim_a_change", "hide_a_change", "change_nothing"])
def test_a_list_of_modified_files_that_hashes_deny_is_red(climb, fault):
    found = climb(fault)
    assert found.exit_code == 1
    assert "files_changed.modified: wanted" in require_red(found, "L05", "FAIL", cause="expectation-missed")
