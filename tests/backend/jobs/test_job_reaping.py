"""Leftover workers and deletions that were begun: ours are finished, others' are never touched."""

import pytest
from support.fake_launcher import FakeLauncher

from backend import repository
from backend.launchers.base import EngineUnavailableError, Handle
from backend.recovery import orphans
from worker.contract import JobStatus


def test_orphans_are_removed_and_others_are_left_alone(bench):
    ours = bench.engine.plant("a-job-of-an-earlier-life")
    theirs = bench.engine.plant("a-job-of-a-second-backend", instance="theirs")
    assert bench.reaper.reap() == 1
    assert set(bench.engine.workers) == {theirs.ref}
    assert bench.engine.removed == [(ours.job_id, 1)]
    assert b"workers_reaped_total 1.0" in bench.metrics.render(queued=0, running=0)


def test_two_backends_on_one_engine_do_not_reap_each_other(bench):
    theirs = FakeLauncher(bench.engine, instance="theirs")
    mine, yours = bench.engine.plant("mine"), bench.engine.plant("yours", instance="theirs")
    assert [handle.ref for handle in theirs.list()] == [yours.ref]
    bench.reaper.reap()
    assert mine.ref not in bench.engine.workers
    assert yours.ref in bench.engine.workers


def test_the_worker_of_a_running_job_is_no_orphan(bench):
    bench.engine.tell("held", holds=True)
    job = bench.create("held")
    bench.engine.wait_launched(job.id)
    assert bench.reaper.reap() == 0
    bench.engine.release(job.id)
    assert bench.ended(job).status == JobStatus.COMPLETED


def test_an_older_attempt_of_a_running_job_is_an_orphan(bench):
    bench.engine.tell("held", holds=True)
    job = bench.create("held")
    bench.engine.wait_launched(job.id)
    bench.engine.plant(job.id, attempt=0)
    assert bench.reaper.reap() == 1
    bench.engine.release(job.id)
    assert bench.ended(job).status == JobStatus.COMPLETED


@pytest.mark.parametrize("moment", ["before the engine looks", "after the engine has looked"])
def test_a_worker_that_is_launched_while_the_reaper_looks_is_no_orphan(bench, moment):
    bench.engine.tell("held", holds=True)
    launched = []

    def launch():
        launched.append(bench.create("held"))
        bench.engine.wait_launched(launched[0].id)

    class Slow(FakeLauncher):
        def list(self):
            if moment.startswith("before"):
                launch()
            found = super().list()
            if moment.startswith("after"):
                launch()
            return found

    bench.reaper.launchers["docker"] = Slow(bench.engine)
    assert bench.reaper.reap() == 0
    bench.engine.release(launched[0].id)
    assert bench.ended(launched[0]).status == JobStatus.COMPLETED


def test_a_worker_that_cannot_be_removed_is_tried_again(bench):
    bench.engine.plant("left")
    bench.engine.refuse("remove", EngineUnavailableError("engine-away", "no answer"))
    assert bench.reaper.reap() == 0
    assert bench.reaper.reap() == 1


def test_an_engine_that_is_away_stops_no_reaping_of_the_other(bench):
    bench.engine.plant("left")
    bench.reaper.launchers["dummy"] = FakeLauncher(bench.engine, name="dummy")
    bench.engine.refuse("list", EngineUnavailableError("engine-away", "no answer"))
    assert bench.reaper.reap() == 1


def test_a_removal_that_failed_after_the_end_is_made_up_for(bench):
    bench.engine.refuse("remove", EngineUnavailableError("engine-away", "no answer"))
    job = bench.finished()
    bench.engine.wait_until(lambda: "remove" in bench.engine.calls)
    assert bench.engine.workers
    assert bench.reaper.reap() == 1
    assert bench.job(job).status == JobStatus.COMPLETED


@pytest.mark.parametrize("attempt", [1, 2])
def test_an_orphan_is_told_by_job_and_attempt(attempt):
    handle = Handle("docker", "ref", "project", "job", attempt, None)
    assert orphans([handle], {("job", 1)}) == ([] if attempt == 1 else [handle])


def marked(bench, job):
    """Begin the deletion of a project and go no further, as a backend that is killed there."""
    bench.service.begin_deletion(job.project_id)
    return job.project_id


def rows(bench):
    with bench.database.read() as session:
        return repository.projects_to_delete(session), repository.projects_before(session, None, limit=10)


def test_a_deletion_that_was_begun_is_finished_by_the_next_start(bench):
    first, other = bench.finished(), bench.finished("other")
    marked(bench, first)
    bench.kill()
    bench.start_again()
    bench.removal.finish_all()
    assert not bench.workspace(first).exists()
    assert not (bench.settings.state_dir / "jobs" / first.project_id).exists()
    assert bench.workspace(other).exists()
    assert bench.log_of(other) == "worker: done\n"
    begun, left = rows(bench)
    assert (list(begun), [project.id for project in left]) == ([], [other.project_id])


def test_a_deletion_waits_for_the_jobs_that_still_run(bench):
    bench.engine.tell("held", holds=True)
    job = bench.create("held")
    bench.engine.wait_launched(job.id)
    with bench.engine.hold("stop"):
        marked(bench, job)
        assert bench.removal.finish(job.project_id) is False
        assert bench.workspace(job).exists()
    bench.ended(job)
    assert bench.removal.finish(job.project_id) is True


def test_a_deletion_that_somebody_else_has_finished_is_finished(bench):
    job = bench.finished()
    project_id = marked(bench, job)
    assert bench.removal.finish(project_id) is True
    assert bench.removal.finish(project_id) is True


def test_a_workspace_that_is_gone_already_hinders_no_deletion(bench):
    job = bench.finished()
    bench.workspace(job).rename(bench.base / "elsewhere")
    assert bench.removal.finish(marked(bench, job)) is True


def test_copies_that_resist_keep_the_rows_so_that_the_deletion_is_found_again(bench, monkeypatch):
    job = bench.finished()
    project_id = marked(bench, job)

    def resist(*_):
        raise PermissionError

    with monkeypatch.context() as patch:
        patch.setattr("backend.job_copies.shutil.rmtree", resist)
        assert bench.removal.finish(project_id) is False
    assert list(rows(bench)[0]) == [project_id]
    assert bench.removal.finish(project_id) is True
    assert list(rows(bench)[0]) == []


def test_the_reaper_looks_at_once_and_outlives_a_fault(bench, monkeypatch):
    bench.engine.plant("left")
    monkeypatch.setattr("backend.recovery.INTERVAL_S", 0.01)
    bench.engine.refuse("list", ZeroDivisionError("a bug"))
    bench.reaper.start()
    bench.engine.wait_until(lambda: not bench.engine.workers)
    bench.reaper.closing.set()
    bench.poll(lambda: not bench.threads("reaper"))
