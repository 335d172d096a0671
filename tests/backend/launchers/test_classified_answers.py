"""Captured inspect answers through parser and classifier: what each of them means for a job."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from captured_answers import inspect

from backend.classification import Attempt, NoResult, RecordedStop, StopReason, classify
from backend.launchers.hardening import Hardening
from backend.launchers.inspect_state import worker_state
from worker.contract import FailureKind, ResultStatus

ASKED = Hardening(user="10001:10001", network="none", memory_bytes=64 << 20, nano_cpus=1_000_000_000, pids=64)
LONG_BEFORE = datetime(2026, 1, 1, tzinfo=UTC)
LONG_AFTER = datetime(2027, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("created", FailureKind.LAUNCH_FAILED),
        ("program missing, no init", FailureKind.LAUNCH_FAILED),
        ("program not executable, no init", FailureKind.LAUNCH_FAILED),
        ("program missing, under init", FailureKind.CRASHED),
        ("user unknown", FailureKind.LAUNCH_FAILED),
        ("network missing", FailureKind.LAUNCH_FAILED),
        ("workspace removed after create", FailureKind.LAUNCH_FAILED),
        ("killed for memory", FailureKind.OOM),
        ("child killed for memory", None),
        ("killed", FailureKind.CRASHED),
        ("stopped by SIGTERM", FailureKind.CRASHED),
        ("segmentation fault", FailureKind.CRASHED),
        ("exited with 3", FailureKind.CRASHED),
        ("exited with 0", None),
    ],
)
def test_an_end_that_we_did_not_cause(answer, kind):
    state = worker_state(inspect(answer), ASKED)
    assert classify(Attempt(state, ResultStatus.SUCCESS)).failure_kind is kind
    # A stop that came only after the end changes nothing.
    if state.finished_at:
        late = RecordedStop(StopReason.TIMEOUT, LONG_AFTER)
        assert classify(Attempt(state, ResultStatus.SUCCESS, late)).failure_kind is kind


@pytest.mark.parametrize("answer", ["killed", "stopped by SIGTERM", "exited with 0", "killed for memory"])
def test_an_end_that_we_caused(answer):
    state = worker_state(inspect(answer), ASKED)
    early = RecordedStop(StopReason.TIMEOUT, LONG_BEFORE)
    assert classify(Attempt(state, NoResult.MISSING, early)).failure_kind is FailureKind.TIMEOUT
