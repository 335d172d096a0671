"""Order, bounds and fairness of the queue; what is true while jobs run (F16, F17, F18)."""

from itertools import pairwise

import pytest

from backend import repository
from backend.errors import ConflictError, QueueFullError
from worker.contract import JobStatus


def test_two_edits_are_applied_once_each_and_in_order(bench):
    first = bench.finished()
    for text in ("edit one", "edit two"):
        bench.engine.tell(text, writes="app.py", holds=True)
    one, two = bench.edit(first.project_id, "edit one"), bench.edit(first.project_id, "edit two")
    bench.engine.wait_launched(one.id)
    assert bench.job(two).status == JobStatus.QUEUED
    bench.engine.release(one.id)
    bench.engine.wait_launched(two.id)
    bench.engine.release(two.id)
    ended = [bench.ended(one), bench.ended(two)]
    assert (bench.workspace(first) / "app.py").read_text() == "edit one\nedit two\n"
    assert [bench.result(job)["job_id"] for job in ended] == [one.id, two.id]
    assert ended[0].finished_at <= ended[1].started_at


def test_jobs_of_one_project_never_overlap(make_bench):
    bench = make_bench(max_concurrent_jobs=8)
    first = bench.create()
    jobs = [first, *(bench.edit(first.project_id, f"edit {n}") for n in range(12))]
    bench.start()
    for job in jobs:
        bench.ended(job)
    assert [job_id for job_id, _ in bench.engine.launched] == [job.id for job in jobs]
    assert bench.engine.most_running == 1
    ended = [bench.job(job) for job in jobs]
    assert all(before.finished_at <= after.started_at for before, after in pairwise(ended))


def test_never_more_than_max_concurrent_jobs_run(make_bench):
    bench = make_bench(max_concurrent_jobs=3)
    for number in range(12):
        bench.engine.tell(f"project {number}", holds=True)
    jobs = [bench.create(f"project {number}") for number in range(12)]
    bench.start()
    bench.engine.wait_launched(*(job.id for job in jobs[:3]))
    for job in jobs:
        bench.engine.wait_launched(job.id)
        bench.engine.release(job.id)
        bench.ended(job)
    assert bench.engine.most_running == 3
    assert [job.id for job in sorted(map(bench.job, jobs), key=lambda job: job.started_at)] == [job.id for job in jobs]


def test_all_allowed_jobs_do_run_at_a_time(make_bench):
    bench = make_bench(max_concurrent_jobs=3)
    for number in range(4):
        bench.engine.tell(f"project {number}", holds=True)
    bench.start()
    jobs = [bench.create(f"project {number}") for number in range(4)]
    bench.engine.wait_launched(*(job.id for job in jobs[:3]))
    assert bench.engine.running() == {job.id for job in jobs[:3]}
    assert bench.service.queue_depth() == (1, 3)
    for job in jobs:
        bench.engine.wait_launched(job.id)
        bench.engine.release(job.id)
        bench.ended(job)


def test_a_project_with_many_jobs_keeps_no_other_project_waiting(make_bench):
    bench = make_bench(max_concurrent_jobs=2)
    bench.engine.tell("busy", holds=True)
    busy = bench.create("busy")
    waiting = [bench.edit(busy.project_id) for _ in range(10)]
    other = bench.create("other")
    bench.start()
    assert bench.ended(other).status == JobStatus.COMPLETED
    assert all(bench.job(job).status == JobStatus.QUEUED for job in waiting)
    bench.engine.release(busy.id)
    bench.ended(waiting[-1])


def test_a_failed_job_does_not_stop_the_jobs_behind_it(bench):
    bench.engine.tell("bad", exit_code=1)
    bad = bench.create("bad")
    good = bench.edit(bad.project_id)
    assert bench.ended(good).status == JobStatus.COMPLETED
    assert bench.job(bad).failure_kind == "crashed"


def test_after_three_jobs_each_still_shows_its_own_result_and_log(bench):
    bench.engine.tell("make", output=b"output of make\n")
    bench.engine.tell("second", output=b"output of second\n", exit_code=9)
    bench.engine.tell("third", output=b"output of third\n")
    first = bench.finished("make")
    before = first.result
    second = bench.ended(bench.edit(first.project_id, "second"))
    third = bench.ended(bench.edit(first.project_id, "third"))
    assert bench.job(first).result == before
    assert [bench.result(job)["job_id"] for job in (first, second, third)] == [first.id, second.id, third.id]
    assert [bench.log_of(job) for job in (first, second, third)] == [
        "output of make\n",
        "output of second\n",
        "output of third\n",
    ]
    assert bench.service.project(first.project_id).latest.id == third.id


def test_a_result_is_not_in_the_workspace_while_its_job_runs(bench):
    first = bench.finished()
    bench.engine.tell("again", holds=True)
    second = bench.edit(first.project_id, "again")
    bench.engine.wait_launched(second.id)
    with pytest.raises(FileNotFoundError):
        bench.workspace_result(second)
    assert bench.job(second).result is None
    bench.engine.release(second.id)
    bench.ended(second)


def test_no_database_connection_is_held_while_workers_run(make_bench):
    bench = make_bench(max_concurrent_jobs=6)
    for number in range(6):
        bench.engine.tell(f"project {number}", holds=True)
    bench.start()
    jobs = [bench.create(f"project {number}") for number in range(6)]
    bench.engine.wait_launched(*(job.id for job in jobs))
    pool = bench.database.engine.pool
    # The supervisor may look at the queue at this moment; it gives its connection back, six held ones would stay out.
    bench.engine.wait_until(lambda: bench.engine.calls.count("observe") >= 6)
    assert min(pool.checkedout() for _ in range(1000)) == 0
    for job in jobs:
        bench.engine.release(job.id)
        bench.ended(job)


def test_with_a_single_connection_jobs_run_side_by_side(make_bench):
    bench = make_bench(max_concurrent_jobs=4)
    bench.database.engine.pool._pool.maxsize = 1
    bench.database.engine.pool._max_overflow = 0
    for number in range(4):
        bench.engine.tell(f"project {number}", holds=True)
    bench.start()
    jobs = [bench.create(f"project {number}") for number in range(4)]
    bench.engine.wait_launched(*(job.id for job in jobs))
    for job in jobs:
        bench.engine.release(job.id)
    assert {bench.ended(job).status for job in jobs} == {JobStatus.COMPLETED}


def test_updated_at_grows_with_every_change(bench):
    bench.engine.tell("held", holds=True)
    queued = bench.create("held")
    bench.engine.wait_launched(queued.id)
    running = bench.job(queued)
    bench.engine.release(queued.id)
    ended = bench.ended(queued)
    assert queued.updated_at < running.updated_at < ended.updated_at
    assert queued.created_at <= running.started_at <= ended.finished_at == ended.updated_at


def test_updated_at_grows_even_when_the_clock_steps_back(make_bench, monkeypatch):
    bench = make_bench()
    queued = bench.create()
    monkeypatch.setattr("backend.run_job.now", lambda: queued.created_at.replace(year=2001))
    bench.start()
    assert bench.ended(queued).updated_at > queued.updated_at


def test_an_idempotency_key_gives_the_one_job(bench):
    first = bench.finished()
    bench.engine.tell("once", writes="app.py")
    one, again = (bench.edit(first.project_id, "once", key="k1") for _ in range(2))
    assert one.id == again.id
    bench.ended(one)
    assert bench.edit(first.project_id, "once", key="k1").id == one.id
    assert (bench.workspace(first) / "app.py").read_text() == "once\n"
    with pytest.raises(ConflictError):
        bench.edit(first.project_id, "something else", key="k1")


def test_a_full_queue_accepts_nothing_and_loses_nothing(make_bench):
    bench = make_bench(max_queued_jobs=3, max_concurrent_jobs=1)
    jobs = [bench.create(f"project {number}") for number in range(3)]
    with pytest.raises(QueueFullError):
        bench.create("one too many")
    bench.start()
    assert {bench.ended(job).status for job in jobs} == {JobStatus.COMPLETED}
    with bench.database.read() as session:
        assert len(repository.jobs_in(session, JobStatus.COMPLETED)) == 3


def test_a_queue_of_thirty_behind_busy_slots_ends_completely(make_bench):
    bench = make_bench(max_concurrent_jobs=2)
    for number in range(2):
        bench.engine.tell(f"long {number}", holds=True)
    bench.start()
    long = [bench.create(f"long {number}") for number in range(2)]
    bench.engine.wait_launched(*(job.id for job in long))
    waiting = [bench.create(f"short {number}") for number in range(30)]
    assert bench.service.queue_depth() == (30, 2)
    for job in long:
        bench.engine.release(job.id)
    assert {bench.ended(job).status for job in waiting} == {JobStatus.COMPLETED}
    assert bench.engine.most_running == 2


def test_a_request_is_written_new_for_each_job(bench):
    first = bench.finished()
    seen = []
    bench.engine.tell("look", leaves=lambda request: seen.append(request) or b"")
    second = bench.ended(bench.edit(first.project_id, "look"))
    (request,) = seen
    assert (request.job_id, request.project_id, request.job_type) == (second.id, second.project_id, "edit")
    assert (request.instruction, request.engine, request.attempt) == ("look", "template", 1)
    assert request.trace.trace_id == second.trace_id != first.trace_id
    assert request.created_at < request.deadline_at
