"""One inspect answer becomes one state, on answers captured from Docker Engine 20.10.24."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from captured_answers import inspect

from backend.launchers.base import Phase
from backend.launchers.hardening import Hardening
from backend.launchers.inspect_state import engine_time, worker_state

ASKED = Hardening(user="10001:10001", network="none", memory_bytes=64 << 20, nano_cpus=1_000_000_000, pids=64)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("created", (Phase.CREATED, None, False)),
        ("running", (Phase.RUNNING, None, False)),
        ("paused", (Phase.RUNNING, None, False)),
        ("exited with 0", (Phase.EXITED, 0, False)),
        ("exited with 3", (Phase.EXITED, 3, False)),
        ("killed", (Phase.EXITED, 137, False)),
        ("stopped by SIGTERM", (Phase.EXITED, 143, False)),
        ("segmentation fault", (Phase.EXITED, 139, False)),
        ("killed for memory", (Phase.EXITED, 137, True)),
        ("child killed for memory", (Phase.EXITED, 0, True)),
        ("program missing, no init", (Phase.CREATED, 127, False)),
        ("program not executable, no init", (Phase.CREATED, 126, False)),
        ("program missing, under init", (Phase.EXITED, 127, False)),
        ("user unknown", (Phase.CREATED, 128, False)),
        ("network missing", (Phase.CREATED, 128, False)),
        ("workspace removed after create", (Phase.CREATED, None, False)),
    ],
)
def test_a_captured_answer_is_read(answer, expected):
    state = worker_state(inspect(answer), ASKED)
    assert (state.phase, state.exit_code, state.oom_killed) == expected
    assert (state.finished_at is not None) == (state.phase is Phase.EXITED)


@pytest.mark.parametrize("status", ["removing", "dead"])
def test_one_that_is_killed_and_removed_at_once_is_gone_already(status):
    answer = inspect("killed")
    answer["State"]["Status"] = status
    assert worker_state(answer, ASKED).phase is Phase.GONE


def test_the_end_of_one_that_is_removed_after_its_own_end_can_still_be_read():
    answer = inspect("exited with 3")
    answer["State"]["Status"] = "removing"
    state = worker_state(answer, ASKED)
    assert (state.phase, state.exit_code) == (Phase.EXITED, 3)


def test_the_words_of_a_failed_start_are_kept():
    assert worker_state(inspect("network missing"), ASKED).problem == "network capture-net not found"


def test_ids_and_facts_come_from_the_same_answer():
    answer = inspect("running")
    state = worker_state(answer, ASKED)
    assert (state.container_id, state.image_digest) == (answer["Id"], answer["Image"])
    assert state.granted["user"] == "10001:10001"
    assert state.missing == ()


def test_what_was_not_granted_is_named():
    answer = inspect("running")
    answer["HostConfig"]["PidsLimit"] = None
    assert worker_state(answer, ASKED).missing == ("pids_limit",)


def test_the_word_of_podman_for_an_ended_container_is_understood():
    answer = inspect("exited with 3")
    answer["State"] |= {"Status": "stopped", "StartedAt": "2026-11-21T05:07:49.805254048+01:00"}
    answer["Image"] = "1" * 64
    state = worker_state(answer, ASKED)
    assert (state.phase, state.exit_code, state.image_digest) == (Phase.EXITED, 3, "sha256:" + "1" * 64)


def test_a_container_that_runs_by_another_word_still_runs():
    answer = inspect("running")
    answer["State"] |= {"Status": "a word of tomorrow"}
    assert worker_state(answer, ASKED).phase is Phase.RUNNING


def test_a_container_that_is_stopping_still_runs():
    answer = inspect("exited with 0")
    answer["State"] |= {"Status": "stopping"}
    assert worker_state(answer, ASKED).phase is Phase.RUNNING


def test_fields_that_newer_engines_leave_out_are_no_error():
    state = worker_state({"Id": "abc", "State": {"Status": "created"}}, ASKED)
    assert (state.phase, state.problem, state.image_digest) == (Phase.CREATED, "", None)
    assert worker_state({}, ASKED).phase is Phase.CREATED


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-11-21T04:07:48.649661768Z", datetime(2026, 11, 21, 4, 7, 48, 649661, tzinfo=UTC)),
        ("2026-11-21T04:07:48.6Z", datetime(2026, 11, 21, 4, 7, 48, 600000, tzinfo=UTC)),
        ("2026-11-21T04:07:48Z", datetime(2026, 11, 21, 4, 7, 48, tzinfo=UTC)),
        ("2026-11-21T05:07:48.649661768+01:00", datetime(2026, 11, 21, 4, 7, 48, 649661, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", None),
        ("", None),
        (None, None),
    ],
)
def test_times_of_engines_are_instants_or_never(text, instant):
    assert engine_time(text) == instant
