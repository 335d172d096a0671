"""Rollbacks that failed: the smoke run is red at what is wrong, and so is the run, however green its ladder was."""

import random
import socket
import time
from datetime import UTC, datetime

import pytest
from backend_process import running_backend
from climbs import Climber, left_of, require_red
from meddling import FAULT, RESULT, meddling

from harness.config import Settings
from harness.errors import ExitCode
from harness.evidence.journal import Clock
from harness.runner import stand
from harness.runner.planning import Order
from harness.runner.selection import Wish
from harness.runner.suite import World, execute
from harness.terminal.watching import SilentWatcher
from worker.contract import DUMMY_LOG_LINE

pytestmark = pytest.mark.docker

RERUN = "mocked/RERUN"


@pytest.fixture
def climber(tmp_path):
    return Climber(tmp_path / "climber")


def backend_in(mode, engine, image, home):
    return running_backend(home, engine, image=image, USE_DUMMY_WORKER=str(mode == "mocked"))


@pytest.fixture(scope="module")
def live(docker_api, worker_image, tmp_path_factory):
    with backend_in("live", docker_api, worker_image, tmp_path_factory.mktemp("live")) as backend:
        yield backend
    assert left_of(docker_api, backend.instance) == []


@pytest.fixture(scope="module")
def mocked(docker_api, worker_image, tmp_path_factory):
    with backend_in("mocked", docker_api, worker_image, tmp_path_factory.mktemp("mocked")) as backend:
        yield backend
    assert left_of(docker_api, backend.instance) == []


def url_of(backend):
    return f"http://127.0.0.1:{backend.port}"


def no_dummy_line(asked, answer):
    if asked.reads(RESULT) and answer.status == 200:
        return answer.with_contents(answer.contents | {"logs": ["job_type=initial_project"]})
    return answer


def no_request_listed(asked, answer):
    if asked.lists:
        return answer.changed(
            files=[file for file in answer.document["files"] if file["path"] != ".codex/request.json"]
        )
    return answer


def no_file_served():
    reads = []

    def meddle(asked, answer):
        if asked.reads("app.py"):
            reads.append(asked)
        # The first reading makes the hashes of M01.
        return answer.with_document(FAULT, status=500) if asked.reads("app.py") and len(reads) > 1 else answer

    return meddle


def no_change_listed(asked, answer):
    if asked.reads(RESULT) and answer.status == 200:
        return answer.with_contents(answer.contents | {"modified_files": []})
    return answer


@pytest.mark.parametrize(
    ("scenario", "meddle", "cause", "missed"),
    [
        ("M01", no_dummy_line, "expectation-missed", "doc.logs: wanted contains_match"),
        ("M02", no_request_listed, "expectation-missed", "body.files[].path: wanted contains_all"),
        ("M03", no_file_served(), "backend-fault", "status: wanted in [200], got 500"),
        ("M04", no_change_listed, "expectation-missed", 'doc.modified_files: wanted contains "app.py"'),
    ],
)
def test_a_mocked_backend_with_one_fault_fails_the_smoke_run_there(climber, mocked, scenario, meddle, cause, missed):
    with meddling(mocked.port, meddle) as url:
        found = climber.climb("rollback", "--witness", "required", BASE_URL=url)
    assert found.exit_code == 1
    assert missed in require_red(found, scenario, "FAIL", cause=cause, part=RERUN)


def test_a_backend_that_is_still_live_fails_the_smoke_run(climber, live):
    found = climber.climb("rollback", BASE_URL=url_of(live))
    assert found.exit_code == 1
    require_red(found, "M01", "FAIL", cause="mode-not-mocked", part=RERUN)


def test_a_live_backend_that_looks_mocked_is_given_away_by_its_container(climber, live):
    def forge(asked, answer):
        if answer.status != 200 or "json" not in answer.headers.get("content-type", ""):
            return answer
        if asked.method == "POST":
            return answer.changed(status="completed", summary="Done.")
        if asked.reads(RESULT):
            return answer.with_contents(answer.contents | {"engine": "dummy", "logs": [DUMMY_LOG_LINE]})
        return answer

    with meddling(live.port, forge) as url:
        found = climber.climb("rollback", "--witness", "required", BASE_URL=url)
    assert found.exit_code == 1
    notes = require_red(found, "M01", "FAIL", cause="expectation-missed", part=RERUN)
    assert "container.count: wanted eq 0, got 1" in notes


def test_a_backend_that_did_not_come_back_is_an_error(climber):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        found = climber.climb("rollback", BASE_URL=f"http://127.0.0.1:{taken.getsockname()[1]}")
    assert found.exit_code == 3
    require_red(found, "M01", "ERROR", cause="backend-unreachable", part=RERUN)


@pytest.fixture
def suite(monkeypatch, tmp_path):
    """Climb L01 at one backend and prove the rollback at another, as if one stack had been switched."""

    def run(live_url, mocked_url):
        urls = {"live": live_url, "mocked": mocked_url}
        monkeypatch.setattr(stand, "provide", lambda _settings, _progress, mode: stand.Stand(urls[mode]))
        world = World(
            settings=Settings.from_env({"LADDER_ENV_FILE": str(tmp_path / ".env")}),
            watcher=lambda _redactor: SilentWatcher(),
            clock=Clock(now=lambda: datetime.now(UTC), monotonic=time.monotonic),
            sleep=time.sleep,
            random=random.Random(),
        )
        ended = execute(Order("live", tmp_path / "evidence", Wish(only=("L01",)), rolls_back=True), world)
        return ended.exit_code, {each.folder: each.verdict.value for each in ended.record.scenarios}, ended

    return run


GREEN = {"live/L01": "PASS", **{f"{RERUN}/M0{number}": "PASS" for number in range(1, 5)}}


def test_a_rollback_that_worked_leaves_the_green_ladder_green(suite, live, mocked):
    code, verdicts, _ = suite(url_of(live), url_of(mocked))
    assert (code, verdicts) == (ExitCode.OK, GREEN)


def test_a_green_ladder_fails_with_its_rollback(suite, live, mocked):
    with meddling(mocked.port, no_file_served()) as url:
        code, verdicts, ended = suite(url_of(live), url)
    assert code is ExitCode.FAILED
    assert verdicts == GREEN | {f"{RERUN}/M03": "FAIL", f"{RERUN}/M04": "BLOCKED"}
    assert ended.record.verdict.value == "FAIL"
    assert "rollback: M01, M02, M03, M04 ended FAIL" in (ended.finished.folder / "live/L01/notes.txt").read_text()


def test_a_green_ladder_fails_when_the_mode_did_not_flip(suite, live):
    code, verdicts, _ = suite(url_of(live), url_of(live))
    assert code is ExitCode.FAILED
    assert verdicts["live/L01"] == "PASS"
    assert verdicts[f"{RERUN}/M01"] == "FAIL"
