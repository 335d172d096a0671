"""Workers that leak a secret: the scenario is red, the exit code says leak, and the value is in no byte that was made.

That the value is nowhere in evidence or on the terminal is looked for after every climb; here the backend's own log and
copies are searched as well. The one place where it may stand is the workspace, whose files are the worker's.
"""

import base64
from contextlib import ExitStack
from urllib.parse import quote

import pytest
from backend_process import running_backend
from broken_image import broken_image
from climbs import SECRET_NAME, Climber, left_of, new_canary, require_red, traces
from meddling import RESULT, meddling

pytestmark = pytest.mark.docker


@pytest.fixture
def climber(tmp_path):
    return Climber(tmp_path / "climber")


@pytest.fixture
def climb(docker_api, scripted, climber, tmp_path):
    """Climb the live ladder at a backend whose worker leaks the secret that the backend hands it."""

    def run(fault):
        with ExitStack() as stack:
            image = stack.enter_context(broken_image(docker_api, scripted, fault))
            home = tmp_path / "backend"
            home.mkdir()
            settings = {SECRET_NAME: climber.canary}
            backend = stack.enter_context(running_backend(home, docker_api, image=image, **settings))
            url = f"http://127.0.0.1:{backend.port}"
            found = climber.climb("run", "live", "--witness", "required", BASE_URL=url)
        assert left_of(docker_api, backend.instance) == []
        assert traces(climber.canary, "".join(backend.log).encode()) == []
        kept = [file for file in home.rglob("*") if file.is_file() and not file.is_relative_to(backend.workspaces)]
        assert kept
        for file in kept:
            assert traces(climber.canary, file.read_bytes()) == [], file
        return found

    return run


@pytest.mark.parametrize(
    "fault",
    ["leak_in_the_result", "leak_as_base64", "leak_as_url", "leak_in_the_logs_list", "leak_over_lines"],
)
def test_a_secret_that_the_backend_took_out_makes_the_scenario_red(climb, fault):
    found = climb(fault)
    assert found.exit_code == 5
    notes = require_red(found, "L01", "FAIL", cause="secret-in-output")
    assert "no_secrets: wanted eq 0, got " in notes
    assert "(taken out by the subject itself; " in notes
    assert "[REDACTED]" in notes


def test_a_secret_in_a_file_is_taken_out_by_the_judge_which_names_its_variable(climb):
    found = climb("leak_in_a_file")
    assert found.exit_code == 5
    notes = require_red(found, "L01", "FAIL", cause="secret-in-output")
    assert f"({SECRET_NAME}; " in notes


def test_a_worker_that_keeps_its_secret_is_green_and_tells_only_its_presence(climb):
    found = climb("work")
    assert found.exit_code == 0
    assert set(found.verdicts().values()) == {"PASS"}
    assert f'"{SECRET_NAME}=present"' in (found.folder / "live/L01/result.json").read_text()


def plain(value):
    return [f"the key is {value}"]


def in_base64(value):
    return [base64.b64encode(f"user:{value}".encode()).decode()]


def in_a_url(value):
    return [f"/v1/models?key={quote(value, safe='')}"]


def over_lines(value):
    return [value[:20], value[20:45], value[45:]]


FORMS = (plain, in_base64, in_a_url, over_lines)


@pytest.fixture(scope="module")
def live(docker_api, worker_image, tmp_path_factory):
    with running_backend(tmp_path_factory.mktemp("live"), docker_api, image=worker_image) as backend:
        yield backend


@pytest.mark.parametrize("form", FORMS)
def test_a_secret_that_the_backend_passes_on_is_taken_out_by_the_judge(climber, live, form):
    def leak(asked, answer):
        if asked.reads(RESULT) and answer.status == 200:
            document = answer.contents
            return answer.with_contents(document | {"logs": [*document["logs"], *form(climber.canary)]})
        return answer

    with meddling(live.port, leak) as url:
        found = climber.climb("run", "live", "--witness", "required", BASE_URL=url)
    assert found.exit_code == 5
    assert f"({SECRET_NAME}; " in require_red(found, "L01", "FAIL", cause="secret-in-output")


@pytest.mark.parametrize("form", FORMS)
def test_the_search_itself_is_not_blind(form):
    value = new_canary()
    assert traces(value, "\n".join(form(value)).encode())
    assert traces(value, "\n".join(form(new_canary())).encode()) == []
