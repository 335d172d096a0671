"""A backend that is killed in any phase of a job settles it at the next start, without a second worker (F14, F23)."""

from datetime import timedelta

import pytest
from support.fake_launcher import KilledError
from support.fake_worker import document

from backend import repository
from backend.job_control import Pace
from backend.lifecycle import now
from worker.contract import JobStatus


def killed_at(bench, method, *, after=False, instruction="make", **behaviour):
    """A job whose backend dies at a call of its launcher."""
    bench.engine.tell(instruction, **behaviour)
    bench.engine.die(method, after=after)
    job = bench.create(instruction)
    bench.engine.wait_until(lambda: method in bench.engine.calls)
    bench.kill()
    assert bench.job(job).status == JobStatus.IN_PROGRESS
    return job


def settled(bench, job):
    """The job after the next start; whatever happened, it had one worker at most."""
    bench.start_again()
    ended = bench.ended(job)
    assert bench.attempt(job).number == 1
    assert bench.engine.launched.count((job.id, 1)) == len(bench.engine.launched) <= 1
    bench.engine.wait_until(lambda: not bench.engine.workers)
    return ended


def past(bench, job):
    """Let the deadline of a job pass while nobody watches."""
    with bench.database.write() as session:
        repository.latest_attempt(session, job.id).deadline_at = now() - timedelta(hours=2)


@pytest.mark.parametrize(
    ("method", "after", "phase"),
    [
        ("prepare", False, "creating"),
        ("prepare", True, "creating"),
        ("launch", False, "starting"),
        ("launch", True, "starting"),
        ("observe", False, "starting"),
        ("collect", False, "starting"),
        ("collect", True, "starting"),
    ],
)
def test_a_job_is_carried_to_its_end_from_where_it_was(bench, method, after, phase):
    job = killed_at(bench, method, after=after)
    assert bench.attempt(job).phase == phase
    assert settled(bench, job).status == JobStatus.COMPLETED


def test_a_running_worker_is_adopted(bench):
    bench.engine.tell("held", holds=True)
    job = bench.create("held")
    bench.engine.wait_launched(job.id)
    bench.kill()
    seen = bench.engine.calls.count("observe")
    bench.start_again()
    bench.engine.wait_until(lambda: bench.engine.calls.count("observe") >= seen + 2)
    assert bench.job(job).status == JobStatus.IN_PROGRESS
    bench.engine.release(job.id)
    assert bench.ended(job).status == JobStatus.COMPLETED
    assert bench.engine.launched == [(job.id, 1)]


def test_an_adopted_worker_keeps_its_own_deadline(bench):
    bench.engine.tell("held", holds=True)
    job = bench.create("held")
    bench.engine.wait_launched(job.id)
    bench.kill()
    deadline = bench.attempt(job).deadline_at
    bench.start_again(job_timeout_seconds=9.0)
    assert bench.attempt(job).deadline_at == deadline
    assert 300 < bench.dispatcher._running[job.id].seconds_left() < 600
    bench.expire(job)
    assert bench.ended(job).failure_kind == "timeout"


@pytest.mark.parametrize(("exit_code", "status", "kind"), [(0, "completed", None), (9, "error", "crashed")])
def test_a_worker_that_ended_while_nobody_watched_is_classified(bench, exit_code, status, kind):
    job = killed_at(bench, "observe", exit_code=exit_code)
    ended = settled(bench, job)
    assert (ended.status, ended.failure_kind) == (status, kind)


def test_a_worker_that_ended_in_time_is_no_timeout_however_late_the_backend_comes(bench):
    job = killed_at(bench, "observe")
    past(bench, job)
    ended = settled(bench, job)
    assert (ended.status, ended.failure_kind) == (JobStatus.COMPLETED, None)


def test_a_worker_that_still_runs_long_after_its_deadline_is_stopped(bench):
    bench.engine.tell("held", holds=True)
    job = bench.create("held")
    bench.engine.wait_launched(job.id)
    bench.kill()
    past(bench, job)
    assert settled(bench, job).failure_kind == "timeout"


def test_a_worker_that_vanished_while_nobody_watched_is_lost(bench):
    bench.engine.tell("held", holds=True)
    job = bench.create("held")
    bench.engine.wait_launched(job.id)
    bench.kill()
    bench.engine.lose(job.id)
    assert settled(bench, job).failure_kind == "lost"


@pytest.mark.parametrize("method", ["prepare", "launch"])
def test_a_worker_that_was_not_started_before_its_deadline_is_never_started(bench, method):
    job = killed_at(bench, method)
    past(bench, job)
    assert settled(bench, job).failure_kind == "timeout"
    assert bench.engine.launched == []


def test_a_cancellation_survives_the_backend(bench):
    bench.engine.tell("held", holds=True)
    job = bench.create("held")
    bench.engine.wait_launched(job.id)
    bench.engine.die("stop")
    bench.service.cancel_job(job.project_id, job.id)
    bench.engine.wait_until(lambda: "stop" in bench.engine.calls)
    bench.kill()
    assert settled(bench, job).failure_kind == "cancelled"


def test_an_engine_that_is_away_at_the_start_is_waited_for(bench):
    bench.engine.tell("held", holds=True)
    job = bench.create("held")
    bench.engine.wait_launched(job.id)
    bench.kill()
    with bench.engine.away():
        bench.start_again()
        seen = len(bench.engine.calls)
        bench.engine.wait_until(lambda: len(bench.engine.calls) > seen + 3)
        assert bench.job(job).status == JobStatus.IN_PROGRESS
    bench.engine.release(job.id)
    assert bench.ended(job).status == JobStatus.COMPLETED


def test_an_engine_that_is_away_gets_its_time_also_long_after_the_deadline(bench):
    job = killed_at(bench, "observe")
    past(bench, job)
    bench.pace = Pace(patience_s=3600.0, retry_s=0.005, fault_pause_s=0.005, idle_s=0.5)
    with bench.engine.away():
        bench.start_again()
        seen = len(bench.engine.calls)
        bench.engine.wait_until(lambda: len(bench.engine.calls) > seen + 3)
        assert bench.job(job).status == JobStatus.IN_PROGRESS
    assert bench.ended(job).status == JobStatus.COMPLETED


def test_queued_jobs_are_still_queued_after_a_kill_and_run_in_order(make_bench):
    bench = make_bench(max_concurrent_jobs=1)
    bench.start()
    bench.engine.tell("held", holds=True)
    first = bench.create("held")
    others = [bench.edit(first.project_id), bench.create("another"), bench.edit(first.project_id)]
    bench.engine.wait_launched(first.id)
    bench.kill()
    bench.start_again()
    bench.engine.release(first.id)
    for job in (first, *others):
        assert bench.ended(job).status == JobStatus.COMPLETED
    assert [job_id for job_id, _ in bench.engine.launched] == [first.id, *(job.id for job in others)]


def test_everything_is_readable_after_a_restart(bench):
    bench.engine.tell("bad", exit_code=3)
    first = bench.finished()
    bad = bench.ended(bench.edit(first.project_id, "bad"))
    before = [(job.id, job.status, job.result, job.summary, bench.log_of(job)) for job in (first, bad)]
    bench.restart()
    present = [bench.job(job) for job in (first, bad)]
    assert [(job.id, job.status, job.result, job.summary, bench.log_of(job)) for job in present] == before
    assert bench.ended(bench.edit(first.project_id)).status == JobStatus.COMPLETED


@pytest.mark.parametrize(
    ("behaviour", "kind"),
    [
        ({"leaves": None}, "result_missing"),
        ({"leaves": lambda request: b"{"}, "result_invalid"),
        ({"exit_code": 3}, "crashed"),
        ({}, None),
    ],
)
def test_a_verdict_that_was_reached_and_not_recorded_is_recorded_at_the_next_start(bench, monkeypatch, behaviour, kind):
    def die(*_):
        bench.engine.note("record_end")
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr("backend.run_job.JobRunner.record_end", die)
        job = killed_at(bench, "record_end", **behaviour)
    left, log = bench.left_of(job), bench.log_of(job)
    ended = settled(bench, job)
    assert ended.failure_kind == kind
    assert bench.workspace_result(job) == ended.result.encode()
    assert (bench.left_of(job), bench.log_of(job)) == (left, log)
    assert bench.attempt(job).exit_code == behaviour.get("exit_code", 0)


def test_a_job_that_was_judged_unlaunchable_is_not_launched_by_the_next_start(bench, monkeypatch):
    def die(*_):
        bench.engine.note("record_end")
        raise KilledError

    first = bench.finished()
    bench.workspace(first).rename(bench.base / "elsewhere")
    with monkeypatch.context() as patch:
        patch.setattr("backend.run_job.JobRunner.record_end", die)
        job = bench.edit(first.project_id)
        bench.engine.wait_until(lambda: "record_end" in bench.engine.calls)
        bench.kill()
    (bench.base / "elsewhere").rename(bench.workspace(first))
    bench.start_again()
    assert bench.ended(job).failure_kind == "launch_failed"
    assert bench.engine.launched == [(first.id, 1)]


@pytest.mark.parametrize(
    ("before", "after", "engine"), [(True, False, "template"), (False, True, "dummy"), (False, False, "template")]
)
def test_a_job_that_waited_through_a_change_of_mode_runs_in_the_mode_that_runs_it(make_bench, before, after, engine):
    bench = make_bench(use_dummy_worker=before)
    job = bench.create()
    seen = []
    bench.engine.tell("Make a program.", leaves=lambda request: seen.append(request.engine) or document(request))
    bench.set_up(use_dummy_worker=after)
    bench.start()
    ended = bench.ended(job)
    assert (ended.engine, bench.result(job)["engine"], seen) == (engine, engine, [engine])
    assert bench.attempt(job).launcher == ("dummy" if after else "docker")


def test_a_job_whose_container_was_not_started_runs_without_one_after_a_rollback(bench):
    job = killed_at(bench, "prepare")
    bench.start_again(use_dummy_worker=True)
    assert bench.ended(job).status == JobStatus.COMPLETED
    assert (bench.job(job).engine, bench.attempt(job).launcher) == ("dummy", "dummy")
