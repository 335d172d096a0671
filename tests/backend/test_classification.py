"""The table of backend-contract §2.4, row by row, each beside a neighbour that must not fit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from backend.classification import Attempt, EngineLost, NoResult, RecordedStop, StopReason, classify
from backend.launchers.base import LaunchRefusedError, Phase, WorkerState
from worker.contract import ContractError, ExitCode, FailureKind, JobStatus, ResultStatus

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
SUCCESS, ERROR, MISSING = ResultStatus.SUCCESS, ResultStatus.ERROR, NoResult.MISSING
INVALID = ContractError("result-wrong-job", "job_id is 'another', expected 'job-1'")


def exited(code, **facts):
    return WorkerState(Phase.EXITED, code, started_at=NOON - timedelta(minutes=1), **({"finished_at": NOON} | facts))


def created(**facts):
    return WorkerState(Phase.CREATED, **facts)


GONE = WorkerState(Phase.GONE)
LOST = EngineLost("no answer until after the deadline")


def stop(reason, seconds_before_the_end=1.0):
    return RecordedStop(reason, NOON - timedelta(seconds=seconds_before_the_end))


CANCEL, TIMEOUT, SHUTDOWN = (stop(reason) for reason in (StopReason.CANCELLED, StopReason.TIMEOUT, StopReason.SHUTDOWN))


def kind(ending, result=MISSING, recorded=None):
    outcome = classify(Attempt(ending, result, recorded))
    assert outcome.status is JobStatus.ERROR
    assert outcome.summary
    return outcome.failure_kind


class TestNeverStarted:
    @pytest.mark.parametrize("reference", ["image-missing", "workspace-missing", "docker-socket-missing", "disk-full"])
    def test_a_refused_launch_has_failed_to_launch(self, reference):
        outcome = classify(Attempt(LaunchRefusedError(reference, "the engine's words"), MISSING))
        assert outcome.failure_kind is FailureKind.LAUNCH_FAILED
        assert reference in outcome.summary
        assert "the engine's words" in outcome.summary

    @pytest.mark.parametrize("code", [126, 127, 128])
    def test_a_container_that_the_engine_could_not_start_has_failed_to_launch(self, code):
        outcome = classify(Attempt(created(exit_code=code, problem="network x not found"), MISSING))
        assert outcome.failure_kind is FailureKind.LAUNCH_FAILED
        assert f"exit code {code}" in outcome.summary
        assert "network x not found" in outcome.summary

    def test_a_container_that_ran_and_exited_so_has_crashed(self):
        assert kind(exited(127)) is FailureKind.CRASHED

    def test_a_container_that_nobody_started_has_failed_to_launch(self):
        assert kind(created()) is FailureKind.LAUNCH_FAILED

    def test_a_missing_image_outranks_a_stop(self):
        assert kind(LaunchRefusedError("image-missing", "x"), recorded=CANCEL) is FailureKind.LAUNCH_FAILED
        assert kind(created(problem="x"), recorded=CANCEL) is FailureKind.LAUNCH_FAILED

    def test_a_stop_before_the_start_is_a_stop(self):
        assert kind(created(), recorded=CANCEL) is FailureKind.CANCELLED
        assert kind(created(), recorded=TIMEOUT) is FailureKind.TIMEOUT

    def test_a_worker_that_our_stop_removed_before_its_start_was_stopped(self):
        refused = LaunchRefusedError("worker-removed", "No such container")
        assert kind(refused, recorded=CANCEL) is FailureKind.CANCELLED
        assert kind(refused) is FailureKind.LAUNCH_FAILED


class TestStopped:
    @pytest.mark.parametrize("code", [0, 3, 137, 143])
    @pytest.mark.parametrize("result", [SUCCESS, ERROR, MISSING, INVALID])
    def test_our_own_stop_decides_whatever_the_code_and_the_result(self, code, result):
        assert kind(exited(code), result, CANCEL) is FailureKind.CANCELLED
        assert kind(exited(code), result, TIMEOUT) is FailureKind.TIMEOUT

    def test_a_shutdown_is_a_cancellation_and_says_so(self):
        outcome = classify(Attempt(exited(143), MISSING, SHUTDOWN))
        assert outcome.failure_kind is FailureKind.CANCELLED
        assert "shut down" in outcome.summary
        assert "Exit code 143" in outcome.summary

    def test_an_end_before_the_stop_is_the_workers_own(self):
        late = stop(StopReason.CANCELLED, seconds_before_the_end=-0.000001)
        assert classify(Attempt(exited(0), SUCCESS, late)).status is JobStatus.COMPLETED
        assert kind(exited(3), MISSING, late) is FailureKind.CRASHED

    def test_an_end_at_the_very_instant_of_the_stop_counts_as_stopped(self):
        assert kind(exited(0), SUCCESS, stop(StopReason.TIMEOUT, 0)) is FailureKind.TIMEOUT

    def test_instants_are_compared_and_not_their_spelling(self):
        from datetime import timezone

        elsewhere = timezone(timedelta(hours=5))
        late = RecordedStop(StopReason.CANCELLED, (NOON + timedelta(seconds=1)).astimezone(elsewhere))
        assert classify(Attempt(exited(0), SUCCESS, late)).status is JobStatus.COMPLETED

    def test_an_end_without_an_instant_counts_as_stopped(self):
        assert kind(exited(137, finished_at=None), MISSING, TIMEOUT) is FailureKind.TIMEOUT

    def test_a_kill_for_memory_during_our_stop_is_still_our_stop(self):
        assert kind(exited(137, oom_killed=True), MISSING, TIMEOUT) is FailureKind.TIMEOUT

    def test_a_worker_that_was_stopped_and_removed_was_stopped(self):
        assert kind(GONE, MISSING, CANCEL) is FailureKind.CANCELLED
        assert kind(GONE, MISSING, TIMEOUT) is FailureKind.TIMEOUT


class TestOutOfMemory:
    def test_an_oom_kill_is_not_reported_as_a_crash(self):
        assert kind(exited(137, oom_killed=True)) is FailureKind.OOM

    def test_an_oom_kill_is_not_reported_as_a_timeout(self):
        late = stop(StopReason.TIMEOUT, seconds_before_the_end=-1)
        assert kind(exited(137, oom_killed=True), MISSING, late) is FailureKind.OOM

    def test_137_alone_is_no_kill_for_memory(self):
        assert kind(exited(137)) is FailureKind.CRASHED

    def test_a_child_killed_for_memory_is_a_warning_and_the_result_decides(self):
        outcome = classify(Attempt(exited(0, oom_killed=True), SUCCESS))
        assert (outcome.status, outcome.failure_kind) == (JobStatus.COMPLETED, None)
        assert outcome.warnings == ("oom-killed-child",)
        assert kind(exited(0, oom_killed=True), MISSING) is FailureKind.RESULT_MISSING


class TestLost:
    @pytest.mark.parametrize("result", [SUCCESS, MISSING])
    def test_a_worker_removed_behind_our_back_is_lost_whatever_it_left(self, result):
        assert kind(GONE, result) is FailureKind.LOST

    def test_a_worker_whose_engine_stays_away_is_lost(self):
        assert kind(LOST) is FailureKind.LOST

    def test_a_deadline_that_passed_while_the_engine_was_away_proves_no_kill(self):
        assert kind(LOST, MISSING, TIMEOUT) is FailureKind.LOST

    def test_a_cancelled_job_ends_cancelled_though_its_engine_stays_away(self):
        outcome = classify(Attempt(LOST, MISSING, CANCEL))
        assert outcome.failure_kind is FailureKind.CANCELLED
        assert outcome.warnings == ("stop-unconfirmed",)


class TestCrashed:
    @pytest.mark.parametrize("result", [SUCCESS, ERROR, MISSING, INVALID])
    def test_a_code_other_than_0_outranks_any_result(self, result):
        assert kind(exited(1), result) is FailureKind.CRASHED

    @pytest.mark.parametrize(
        ("code", "words"),
        [
            (137, "SIGKILL, which this backend did not send"),
            (143, "SIGTERM, which this backend did not send"),
            (139, "killed by SIGSEGV"),
            (ExitCode.USAGE, "names no workspace"),
            (ExitCode.WORKSPACE_UNUSABLE, "could not open its workspace"),
            (ExitCode.INTERNAL, "fault of the worker itself"),
            (ExitCode.RESULT_UNWRITABLE, "could not write its result"),
            (127, "was not found"),
            (126, "is not executable"),
            (1, "it crashed"),
            (255, "it crashed"),
        ],
    )
    def test_the_summary_names_code_and_cause(self, code, words):
        summary = classify(Attempt(exited(code), MISSING)).summary
        assert f"exit code {int(code)}" in summary
        assert words in summary

    def test_a_signal_of_the_workers_own_is_not_called_foreign(self):
        assert "did not send" not in classify(Attempt(exited(139), MISSING)).summary

    def test_a_crash_beside_a_broken_stream_names_the_doubt(self):
        interrupted = classify(Attempt(exited(137), MISSING, interruptions=1))
        assert "may have been restarted" in interrupted.summary
        assert "restarted" not in classify(Attempt(exited(137), MISSING)).summary


class TestResult:
    def test_no_result_is_missing(self):
        assert kind(exited(0), MISSING) is FailureKind.RESULT_MISSING

    def test_a_result_that_breaks_the_contract_is_invalid_and_the_summary_says_how(self):
        outcome = classify(Attempt(exited(0), INVALID))
        assert outcome.failure_kind is FailureKind.RESULT_INVALID
        assert "result-wrong-job" in outcome.summary

    def test_a_result_with_status_error_is_the_workers_own_error(self):
        outcome = classify(Attempt(exited(0), ERROR))
        assert (outcome.status, outcome.failure_kind, outcome.summary) == (JobStatus.ERROR, None, "")

    def test_a_result_with_status_success_completes_the_job(self):
        outcome = classify(Attempt(exited(0), SUCCESS))
        assert (outcome.status, outcome.failure_kind, outcome.summary) == (JobStatus.COMPLETED, None, "")


def test_hardening_that_was_not_granted_is_a_warning_and_no_failure():
    outcome = classify(Attempt(exited(0, missing=("pids_limit", "init")), SUCCESS))
    assert outcome.status is JobStatus.COMPLETED
    assert outcome.warnings == ("not-granted:pids_limit", "not-granted:init")


def test_a_worker_that_still_runs_has_no_outcome():
    with pytest.raises(ValueError, match="still runs"):
        classify(Attempt(WorkerState(Phase.RUNNING), MISSING, CANCEL))


def test_a_summary_never_passes_its_limit():
    assert len(classify(Attempt(LaunchRefusedError("x", "y" * 10_000), MISSING)).summary) == 500
