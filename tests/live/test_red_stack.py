"""Whole suites at a stack of their own that go wrong: the climb is red, the rollback is tried, and nothing is left."""

import pytest
from broken_image import broken_image
from climbs import SECRET_NAME, require_red
from own_stack import own_stack

pytestmark = pytest.mark.docker

SMOKE = ["M01", "M02", "M03", "M04"]


@pytest.fixture
def stack(tmp_path, docker_api):
    with own_stack(tmp_path / "stack", docker_api) as made:
        yield made


def test_a_leaking_worker_ends_the_suite_with_a_rollback_and_the_code_of_leaks(stack, docker_api, scripted):
    with broken_image(docker_api, scripted, "leak_over_lines") as image:
        found = stack.suite(CODEX_WORKER_IMAGE=image)
    assert found.exit_code == 5
    notes = require_red(found, "L01", "FAIL", cause="secret-in-output")
    assert "rollback: started after L01 FAIL" in notes
    assert "rollback: M01, M02, M03, M04 ended PASS" in notes
    assert found.verdicts("mocked/RERUN") == dict.fromkeys(SMOKE, "PASS")
    assert found.run()["secrets"][SECRET_NAME] == "present"
    assert stack.mode() == "USE_DUMMY_WORKER=True"
    (backend,) = docker_api.containers(filters={"label": f"com.docker.compose.project={stack.project}"})
    said = docker_api.logs(backend["Id"]).decode()
    assert stack.climber.canary not in said + str(backend)


def test_a_worker_image_that_is_not_there_stops_the_climb_and_not_the_rollback(stack):
    found = stack.suite(CODEX_WORKER_IMAGE="ladder-no-such-image:none")
    assert found.exit_code == 3
    notes = require_red(found, "L01", "ERROR", cause="stack-not-ready")
    assert "[worker-image-missing] CODEX_WORKER_IMAGE=ladder-no-such-image:none" in notes
    assert "repair: docker pull ladder-no-such-image:none" in notes
    assert found.verdicts("mocked/RERUN") == dict.fromkeys(SMOKE, "PASS")
    assert stack.mode() == "USE_DUMMY_WORKER=True"


def test_an_engine_out_of_reach_leaves_evidence_and_a_rollback_that_was_tried(stack):
    nowhere = f"unix://{stack.climber.home}/no-engine.sock"
    found = stack.suite(DOCKER_HOST=nowhere)
    assert found.exit_code == 3
    notes = require_red(found, "L01", "ERROR", cause="stack-not-ready")
    assert f"[engine-unreachable] DOCKER_HOST={nowhere}" in notes
    assert "repair: start that engine, or: unset DOCKER_HOST" in notes
    assert "rollback: started after L01 ERROR" in notes
    assert "rollback: M01, M02, M03, M04 ended ERROR" in notes
    assert found.verdicts("mocked/RERUN") == {"M01": "ERROR"} | dict.fromkeys(SMOKE[1:], "BLOCKED")
    assert "[engine-unreachable]" in found.notes("M01", "mocked/RERUN")
    assert stack.mode() == "USE_DUMMY_WORKER=True"
