"""Deadlines, cancellation and shutdown; an engine that does not answer meanwhile."""

import threading
from datetime import timedelta

import pytest
from support.fake_launcher import PATIENCE_S

from backend.classification import StopReason
from backend.errors import ConflictError
from backend.job_control import Pace
from backend.run_job import JobRunner
from worker.contract import JobStatus


def held(bench, instruction="held", **behaviour):
    """A job whose worker runs until it is released or stopped."""
    bench.engine.tell(instruction, holds=True, **behaviour)
    job = bench.create(instruction)
    bench.engine.wait_launched(job.id)
    return job


def test_a_job_is_stopped_when_its_time_is_over(make_bench):
    bench = make_bench(job_timeout_seconds=0.2)
    bench.engine.tell("held", holds=True)
    bench.start()
    job = bench.finished("held")
    assert (job.status, job.failure_kind) == (JobStatus.ERROR, "timeout")
    assert bench.result(job)["errors"] == ["timeout"]
    assert "deadline" in job.summary
    assert job.finished_at >= bench.attempt(job).deadline_at == job.started_at + timedelta(seconds=0.2)


def test_a_timeout_is_recorded_with_its_worker_s_end(bench):
    job = held(bench)
    bench.expire(job)
    ended = bench.ended(job)
    assert ended.failure_kind == "timeout"
    assert "143" in ended.summary
    assert (bench.attempt(job).stop_reason, bench.attempt(job).exit_code) == ("timeout", 143)
    bench.engine.wait_until(lambda: not bench.engine.workers)


def test_a_worker_that_ignores_its_stop_is_killed(bench):
    job = held(bench, ignores_stop=True)
    bench.expire(job)
    assert bench.ended(job).failure_kind == "timeout"
    assert bench.attempt(job).exit_code == 137


def test_a_result_written_before_the_kill_does_not_undo_a_timeout(bench):
    job = held(bench)
    worker = bench.engine.worker(job.id)
    (bench.workspace(job) / ".codex/result.json").write_bytes(worker.behaviour.leaves(worker.request))
    bench.expire(job)
    assert bench.ended(job).failure_kind == "timeout"
    assert '"status": "success"' in bench.left_of(job)


def test_a_worker_that_survives_its_kill_is_lost_and_frees_its_slot(make_bench):
    bench = make_bench(max_concurrent_jobs=1)
    bench.pace = Pace(observe_s=0.05, patience_s=0.1, retry_s=0.005, fault_pause_s=0.005, idle_s=0.5)
    bench.set_up()
    bench.start()
    job = held(bench, survives_kill=True)
    behind = bench.create("behind")
    bench.expire(job)
    assert bench.ended(job).failure_kind == "lost"
    assert bench.attempt(job).warnings == ["stop-unconfirmed"]
    assert bench.ended(behind).status == JobStatus.COMPLETED


def test_a_running_job_is_cancelled(bench):
    job = held(bench)
    bench.service.cancel_job(job.project_id, job.id)
    ended = bench.ended(job)
    assert (ended.status, ended.failure_kind) == (JobStatus.ERROR, "cancelled")
    assert bench.result(job)["errors"] == ["cancelled"]
    assert bench.attempt(job).stop_reason == "cancelled"
    with pytest.raises(ConflictError):
        bench.service.cancel_job(job.project_id, job.id)


def test_a_waiting_job_is_cancelled_without_a_worker(make_bench):
    bench = make_bench(max_concurrent_jobs=1)
    bench.start()
    running = held(bench)
    waiting = bench.create("waiting")
    assert bench.service.cancel_job(waiting.project_id, waiting.id).status == JobStatus.ERROR
    assert bench.job(waiting).failure_kind == "cancelled"
    assert bench.result(waiting)["errors"] == ["cancelled"]
    bench.engine.release(running.id)
    bench.ended(running)
    assert bench.finished("next").status == JobStatus.COMPLETED
    assert waiting.id not in [job_id for job_id, _ in bench.engine.launched]


def test_a_job_that_is_cancelled_while_it_is_taken_up_stays_cancelled(make_bench):
    bench = make_bench()
    job = bench.create()
    bench.service.cancel_job(job.project_id, job.id)
    assert bench.runner.begin(job.id, lambda: None) is None
    assert bench.job(job).failure_kind == "cancelled"
    assert bench.runner.begin("no such job", lambda: None) is None


def test_a_job_that_is_cancelled_during_its_preparation_never_starts_its_worker(bench):
    with bench.engine.hold("prepare"):
        job = bench.create()
        bench.engine.wait_until(lambda: "prepare" in bench.engine.calls)
        bench.service.cancel_job(job.project_id, job.id)
    ended = bench.ended(job)
    assert ended.failure_kind == "cancelled"
    assert bench.engine.launched == []
    bench.engine.wait_until(lambda: not bench.engine.workers)


def test_a_deadline_that_passes_during_the_preparation_starts_no_worker(bench):
    with bench.engine.hold("prepare"):
        job = bench.create()
        bench.engine.wait_until(lambda: "prepare" in bench.engine.calls)
        bench.expire(job)
    assert bench.ended(job).failure_kind == "timeout"
    assert bench.engine.launched == []


def test_the_first_reason_of_a_stop_is_the_one_that_counts(bench):
    job = held(bench)
    with bench.engine.hold("stop"):
        bench.service.cancel_job(job.project_id, job.id)
        bench.dispatcher.request_stop(job.id, StopReason.SHUTDOWN)
    assert bench.ended(job).failure_kind == "cancelled"
    assert bench.attempt(job).stop_reason == "cancelled"


def test_a_worker_that_ends_by_itself_before_its_stop_keeps_its_end(bench):
    job = held(bench)
    with bench.engine.hold("collect"):
        bench.engine.release(job.id)
        bench.engine.wait_until(lambda: "collect" in bench.engine.calls)
        bench.service.cancel_job(job.project_id, job.id)
    assert bench.ended(job).status == JobStatus.COMPLETED


def test_a_shutdown_cancels_what_runs_and_leaves_the_queue_alone(make_bench):
    bench = make_bench(max_concurrent_jobs=1)
    bench.start()
    running = held(bench)
    waiting = bench.create("waiting")
    bench.stop()
    assert (bench.job(running).status, bench.job(running).failure_kind) == (JobStatus.ERROR, "cancelled")
    assert "shut down" in bench.job(running).summary
    assert bench.job(waiting).status == JobStatus.QUEUED
    assert bench.engine.workers == {}
    bench.set_up()
    bench.start()
    assert bench.ended(waiting).status == JobStatus.COMPLETED


def test_a_shutdown_starts_nothing_more(bench):
    bench.stop()
    job = bench.create()
    bench.dispatcher._fill()
    bench.dispatcher._start_job(job.id)
    assert bench.job(job).status == JobStatus.QUEUED
    assert bench.engine.launched == []


def test_a_shutdown_waits_for_a_job_that_is_just_being_taken_up(bench):
    with bench.engine.hold("prepare"):
        job = bench.create()
        bench.engine.wait_until(lambda: "prepare" in bench.engine.calls)
        closing = bench.cleanup.submit(bench.dispatcher.close, patience_s=30.0)
        control = bench.dispatcher._running[job.id]
        bench.poll(lambda: control.stop)
    closing.result(30.0)
    assert bench.job(job).failure_kind == "cancelled"
    assert bench.engine.launched == []


def test_the_worker_of_a_job_that_ended_at_shutdown_is_removed_before_the_stop_is_over(bench):
    job = held(bench)
    bench.stop()
    assert bench.engine.removed == [(job.id, 1)]


def test_a_shutdown_waits_for_whoever_still_records_a_stop(bench, monkeypatch):
    """The connection that it opens once the database was closed would stay open for ever."""
    record, join, awaited, recorded = JobRunner.record_stop, threading.Thread.join, threading.Event(), []

    def late(runner, control):
        awaited.wait(PATIENCE_S)
        record(runner, control)
        recorded.append(control.job_id)

    def join_and_tell(thread, timeout=None):
        if thread.name.startswith("stop-"):
            awaited.set()
        join(thread, timeout)

    monkeypatch.setattr(JobRunner, "record_stop", late)
    monkeypatch.setattr(threading.Thread, "join", join_and_tell)
    job = held(bench)
    bench.service.cancel_job(job.project_id, job.id)
    bench.poll(lambda: bench.threads("stop-"))
    bench.engine.release(job.id)
    bench.ended(job)
    bench.stop()
    assert recorded == [job.id]
    assert bench.threads("stop-", "supervisor") == []


def test_an_engine_that_is_away_for_a_while_changes_nothing(bench):
    job = held(bench)
    bench.engine.wait_until(lambda: "observe" in bench.engine.calls)
    with bench.engine.away():
        seen = len(bench.engine.calls)
        bench.engine.wait_until(lambda: len(bench.engine.calls) > seen + 3)
        assert bench.job(job).status == JobStatus.IN_PROGRESS
    bench.engine.release(job.id)
    assert bench.ended(job).status == JobStatus.COMPLETED
    assert len(bench.engine.launched) == 1


def test_a_worker_that_crashed_while_the_engine_was_away_says_so(bench):
    job = held(bench)
    bench.engine.wait_until(lambda: "observe" in bench.engine.calls)
    with bench.engine.away():
        seen = len(bench.engine.calls)
        bench.engine.wait_until(lambda: len(bench.engine.calls) > seen + 3)
        bench.engine.kill_worker(job.id, 137)
    ended = bench.ended(job)
    assert ended.failure_kind == "crashed"
    assert "may have been restarted" in ended.summary


def test_an_engine_that_stays_away_past_the_deadline_loses_the_worker(bench):
    job = held(bench)
    with bench.engine.away():
        bench.expire(job)
        ended = bench.ended(job)
        assert (ended.status, ended.failure_kind) == (JobStatus.ERROR, "lost")
        assert bench.result(job)["errors"] == ["lost"]
        assert bench.attempt(job).warnings == ["stop-unconfirmed"]
    assert bench.finished("next").status == JobStatus.COMPLETED


def test_a_stop_that_the_engine_did_not_take_is_repeated(bench):
    job = held(bench)
    with bench.engine.away():
        bench.service.cancel_job(job.project_id, job.id)
        bench.engine.wait_until(lambda: bench.engine.calls.count("stop") > 2)
    assert bench.ended(job).failure_kind == "cancelled"
    assert bench.attempt(job).exit_code == 143


def test_a_stop_is_recorded_before_the_worker_is_touched(bench):
    job = held(bench)
    with bench.engine.hold("stop"):
        bench.service.cancel_job(job.project_id, job.id)
        bench.engine.wait_until(lambda: "stop" in bench.engine.calls)
        attempt = bench.attempt(job)
    assert (attempt.stop_reason, attempt.exit_code) == ("cancelled", None)
    bench.ended(job)
