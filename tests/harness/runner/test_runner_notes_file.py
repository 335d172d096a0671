"""notes.txt is made of a scenario's own events, read back from disk."""

import pytest
from staged import CANARY, OK_STEP, FakeWatch, Reply, container, one_scenario, result, wrapped

from harness.senses.engine import DockerEngine, EngineLostError

RED = "{id: red, get: /red, expect: [{status: 200}]}"


@pytest.fixture
def red(staged):
    staged.service.on("GET /docs", {}).on("GET /red", Reply({"error": "broken"}, 500))
    return staged


def notes(staged, name="L01"):
    return staged.read(f"mocked/{name}/notes.txt")


def test_the_notes_tell_the_last_request_and_its_answer(red):
    red.climb(one_scenario(OK_STEP, RED))
    assert "last request: GET /red → 500" in notes(red)
    assert "broken" in notes(red)
    assert "(step red)" in notes(red)


def test_what_was_collected_afterwards_is_not_the_trouble(red):
    red.service.on("GET /later", {})
    red.climb("collect_on_fail: [{get: /later}]\n" + one_scenario(RED))
    assert "last request: GET /red" in notes(red)


def test_the_trouble_of_another_scenario_is_not_told(red):
    first = one_scenario("{poll: {get: /red}, until: [{status: 200}], deadline: 1s}")
    second = one_scenario("{get: /docs, expect: [{status: 201}]}", name="L02").removeprefix("scenarios:\n")
    red.climb(f"gate: {{proceed_on: [pass, inconclusive]}}\n{first}\n{second}")
    assert "last poll attempts" in notes(red)
    assert "last poll attempts" not in notes(red, "L02")
    assert "/red" not in notes(red, "L02")


def test_an_earlier_trial_of_the_same_scenario_is_not_told(red):
    red.service.on("GET /red", {}, Reply({}, 500)).on("GET /late", Reply({}, 404), {})
    red.climb(one_scenario(RED, "{poll: {get: /late}, until: [{status: 200}]}", rest="trials: 2"))
    assert "poll attempts" not in red.read("trials/001/mocked/L01/notes.txt")


def test_the_notes_tell_the_last_attempts_of_a_poll(red):
    red.climb(one_scenario("{poll: {get: /red}, until: [{status: 200}], deadline: 2s}"))
    assert "not ready: status in [200], got 500" in notes(red)


def test_the_notes_tell_the_containers_that_were_seen(red):
    red.watch = FakeWatch(container(exit_code=137, oom_killed=True))
    red.service.on("GET /p1", {})
    red.climb(one_scenario("{get: /p1, expect: [{container: {label: ladder.job=j1, exit_code: 0}}]}"))
    assert "c425f6106638 exit code 137 oom_killed=true" in notes(red)


def test_the_notes_tell_what_the_worker_said_of_itself(red):
    red.service.on("GET /docs", wrapped(result(status="error", errors=["forced_error"], summary="refused")))
    step = (
        "{poll: {get: /docs, unwrap: body.contents}, until: [{status: 200}], expect: [{path: doc.status, eq: success}]}"
    )
    red.climb(one_scenario(step))
    assert 'result errors: ["forced_error"]' in notes(red)


@pytest.mark.parametrize("name", ["worker.log", "docker.log"])
def test_the_notes_end_with_what_the_worker_has_printed(red, monkeypatch, name):
    def lost(_environ):
        raise EngineLostError("gone")

    monkeypatch.setattr(DockerEngine, "connect", lost)
    red.service.on("GET /logs", "one\ntwo\n")
    collected = (
        "{get: /logs, save: {worker.log: text}}"
        if name == "worker.log"
        else "{docker_logs: {label: ladder.job=j1, as: docker.log}}"
    )
    red.climb(f"collect_on_fail: [{collected}]\n" + one_scenario(RED))
    told = notes(red).partition("worker log, last 20 lines\n")[2]
    assert told.startswith("  one\n  two\n" if name == "worker.log" else "  the engine could not be asked")


def test_no_secret_is_in_the_notes(red):
    red.service.on("GET /red", Reply({"error": f"the key is {CANARY}"}, 500))
    red.climb(one_scenario(RED))
    assert "the key is [REDACTED]" in notes(red)
    assert "secret-in-output" in notes(red)
