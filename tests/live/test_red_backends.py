"""Bad backends: gone, mocked, without an image, forging, stale or failing. The live ladder is red at each and says why.

Most are the real backend with a meddler before it, which changes the one answer that is wrong.
"""

import json
import secrets
import socket
from contextlib import ExitStack

import pytest
from backend_process import running_backend
from climbs import Climber, left_of, require_red
from meddling import FAULT, RESULT, meddling

pytestmark = pytest.mark.docker

PRESENCE = ["OPENAI_API_KEY=present", "OPENAI_ORG_ID=absent", "OPENAI_PROJECT=absent"]
NO_IMAGE = "ladder-no-such-image:none"


@pytest.fixture
def climber(tmp_path):
    return Climber(tmp_path / "climber")


@pytest.fixture(scope="module")
def live(docker_api, worker_image, tmp_path_factory):
    with running_backend(tmp_path_factory.mktemp("live"), docker_api, image=worker_image) as backend:
        yield backend
    assert left_of(docker_api, backend.instance) == []


@pytest.fixture(scope="module")
def mocked(docker_api, worker_image, tmp_path_factory):
    home = tmp_path_factory.mktemp("mocked")
    with running_backend(home, docker_api, image=worker_image, USE_DUMMY_WORKER="True") as backend:
        yield backend
    assert left_of(docker_api, backend.instance) == []


@pytest.fixture
def climb(climber):
    """Climb at a backend, with a meddler before it if one is given."""
    with ExitStack() as stack:

        def run(backend, meddle=None, ladder="live", witness="required"):
            url = f"http://127.0.0.1:{backend.port}"
            if meddle:
                url = stack.enter_context(meddling(backend.port, meddle))
            return climber.climb("run", ladder, "--witness", witness, BASE_URL=url)

        yield run


@pytest.mark.parametrize("command", ["suite", "run"])
def test_a_backend_that_is_down_is_an_error_of_the_surroundings(climber, command):
    with socket.socket() as taken:
        # Bound and not listening: nobody else can take the port meanwhile, and nothing answers.
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        found = climber.climb(command, "live", BASE_URL=url)
    assert found.exit_code == 3
    notes = require_red(found, "L01", "ERROR", cause="backend-unreachable")
    assert "last request: GET /api/v1/ready → no answer: ConnectError" in notes


def test_a_mocked_backend_is_red_because_it_is_mocked(climb, mocked):
    found = climb(mocked)
    assert found.exit_code == 1
    notes = require_red(found, "L01", "FAIL", cause="mode-not-live")
    assert 'body.mode: wanted eq "live", got "mocked"' in notes


def test_a_backend_without_its_worker_image_is_red_and_names_the_image(docker_api, climb, tmp_path):
    with running_backend(tmp_path, docker_api, image=NO_IMAGE) as backend:
        found = climb(backend)
    assert left_of(docker_api, backend.instance) == []
    assert found.exit_code == 1
    assert NO_IMAGE in require_red(found, "L01", "FAIL", cause="backend-not-ready")


def test_a_job_whose_image_is_gone_when_it_starts_is_red(docker_api, climb, tmp_path):
    def ready_all_the_same(asked, answer):
        if asked.path != "/ready":
            return answer
        told = answer.document | {"status": "ready", "worker_image_digest": f"sha256:{'0' * 64}"}
        return answer.with_document(told, status=200)

    with running_backend(tmp_path, docker_api, image=NO_IMAGE) as backend:
        found = climb(backend, ready_all_the_same)
    assert left_of(docker_api, backend.instance) == []
    assert found.exit_code == 1
    notes = require_red(found, "L01", "FAIL", cause="launch-failed")
    assert "job failure_kind: launch_failed" in notes
    assert NO_IMAGE in notes


def forging(image):
    """Make a mocked backend's answers look like those of live workers."""
    container = {"container_id": secrets.token_hex(32), "image_digest": image, "exit_code": 0, "attempt": 1}
    worked = {"engine": "template"}

    def live_result(result):
        return result and result | worked | {"logs": [*PRESENCE, "job_type=initial_project", "engine=template"]}

    def meddle(asked, answer):
        if answer.status != 200 or "json" not in answer.headers.get("content-type", ""):
            return answer
        document = answer.document
        if asked.path == "/ready":
            told = {"mode": "live", "launcher": "docker", "engine_reachable": True, "worker_image_digest": image}
            return answer.changed(**told)
        if asked.reads(RESULT):
            return answer.with_contents(live_result(answer.contents))
        if "failure_kind" in document:
            return answer.changed(**worked, container=container, result=live_result(document.get("result")))
        return answer

    return meddle


def test_forged_results_are_red_because_the_engine_saw_no_container(climb, mocked, docker_api, worker_image):
    found = climb(mocked, forging(docker_api.inspect_image(worker_image)["Id"]))
    assert found.exit_code == 1
    notes = require_red(found, "L01", "FAIL", cause="no-container")
    assert "wanted a container that ran, got none was seen" in notes


def test_forged_results_are_never_a_pass_even_when_nobody_asks_the_engine(climb, mocked, docker_api, worker_image):
    found = climb(mocked, forging(docker_api.inspect_image(worker_image)["Id"]), witness="off")
    assert found.verdicts()["L01"] == "LIMITED"
    assert "a container did the work" in (found.folder / "run.json").read_text()


def test_an_engine_that_cannot_be_asked_leaves_the_verdict_open(climber, live):
    url = f"http://127.0.0.1:{live.port}"
    nowhere = f"unix://{climber.home}/no-engine.sock"
    found = climber.climb("run", "live", "--witness", "required", BASE_URL=url, DOCKER_HOST=nowhere)
    assert found.exit_code == 4
    assert "no engine could be asked" in require_red(found, "L01", "INCONCLUSIVE", cause="witness-blind")


def test_a_server_that_goes_on_serving_the_first_result_never_gets_a_green_edit(climb, climber, live):
    first = []

    def keep_the_first(asked, answer):
        if asked.method == "POST":
            # The deadline is for the stale result alone; on a busy machine the work itself would take longer.
            made = answer.document
            project, job = made.get("project_id", made["id"]), made.get("job_id", made["id"])
            live.client.get(f"/{project}/jobs/{job}", headers={"Prefer": "wait=60"}).raise_for_status()
        if asked.reads(RESULT) and answer.status == 200:
            first.append(answer)
            return first[0]
        return answer

    found = climb(live, keep_the_first, climber.ladder(deadline="2s"))
    assert found.exit_code == 4
    notes = require_red(found, "L05", "INCONCLUSIVE", cause="stale-result")
    assert "stale" in notes.partition("last poll attempts")[2]
    assert json.loads((found.folder / "live/L05/job.json").read_text())["status"] == "completed"


def test_a_result_that_is_answered_with_500_stops_the_poll(climb, live):
    def fail_result(asked, answer):
        return answer.with_document(FAULT, status=500) if asked.reads(RESULT) else answer

    found = climb(live, fail_result)
    assert found.exit_code == 1
    notes = require_red(found, "L01", "FAIL", cause="backend-fault")
    assert "last request: GET" in notes
    assert "→ 500" in notes


def test_a_file_that_is_answered_with_500_is_red(climb, live):
    reads = []

    def fail_later(asked, answer):
        if asked.reads("app.py"):
            reads.append(asked)
        # The first reading makes the hashes of L01.
        return answer.with_document(FAULT, status=500) if asked.reads("app.py") and len(reads) > 1 else answer

    found = climb(live, fail_later)
    assert found.exit_code == 1
    notes = require_red(found, "L04", "FAIL", cause="backend-fault")
    assert "status: wanted in [200], got 500" in notes


def test_files_that_cannot_be_hashed_leave_the_verdict_open(climb, live):
    def fail(asked, answer):
        return answer.with_document(FAULT, status=500) if asked.reads("app.py") else answer

    found = climb(live, fail)
    assert found.exit_code == 4
    assert "app.py" in require_red(found, "L01", "INCONCLUSIVE", cause="backend-fault")
