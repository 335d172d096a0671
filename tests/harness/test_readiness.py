"""Ready means: this mode, this worker image, now."""

from __future__ import annotations

import pytest

from harness.errors import ExitCode, InconclusiveError, PrerequisiteError
from harness.stack.readiness import Answer, Wanted, Watch, missing, wait_ready

LIVE = Wanted(mode="live", worker_image_id="sha256:new")
# As a backend answered on Engine 20.10.24, shortened.
READY = {
    "status": "ready",
    "mode": "live",
    "launcher": "docker",
    "engine_reachable": True,
    "worker_image_digest": "sha256:new",
}


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def watch(answers, *, ended="", log="last words"):
    clock = Clock()
    remaining = iter(answers)
    return Watch(ask=lambda: next(remaining), ended=lambda: ended, log=lambda: log, clock=clock, sleep=clock.sleep)


def forever(answer):
    while True:
        yield answer


def test_a_ready_backend_in_the_right_mode_lacks_nothing():
    assert missing(Answer(200, READY), LIVE) == ""


@pytest.mark.parametrize(
    ("answer", "named"),
    [
        (Answer(None, {}), "no answer"),
        (Answer(503, READY | {"status": "not_ready", "problem": "no engine"}), "no engine"),
        (Answer(200, READY | {"mode": "mocked"}), "mode is mocked, expected live"),
        (Answer(200, READY | {"worker_image_digest": "sha256:old"}), "sha256:old"),
        (Answer(200, {}), "mode is None"),
    ],
)
def test_a_healthy_answer_about_another_stack_is_not_ready(answer, named):
    assert named in missing(answer, LIVE)


def test_a_mocked_stack_needs_no_worker_image():
    assert missing(Answer(200, {"mode": "mocked", "worker_image_digest": None}), Wanted("mocked", "sha256:new")) == ""


def test_waiting_ends_with_the_first_answer_that_fits():
    answer = wait_ready(watch([Answer(None, {}), Answer(503, {}), Answer(200, READY)]), LIVE)
    assert answer.body["mode"] == "live"


def test_a_deadline_that_passes_tells_the_last_state_and_the_end_of_the_log():
    stuck = Answer(503, {"status": "not_ready", "problem": "no worker image", "hint": "make up"})
    with pytest.raises(InconclusiveError) as caught:
        wait_ready(watch(forever(stuck)), LIVE, timeout_s=5)
    assert caught.value.exit_code is ExitCode.INCONCLUSIVE
    assert "no worker image" in caught.value.message
    assert "last words" in caught.value.message
    assert caught.value.hint == "make up"


def test_a_backend_that_ended_is_not_waited_for():
    with pytest.raises(PrerequisiteError) as caught:
        wait_ready(watch([Answer(None, {})], ended="the backend's container exited with code 1"), LIVE)
    assert caught.value.reference == "backend-ended"
    assert "last words" in caught.value.message
