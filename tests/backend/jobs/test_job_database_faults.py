"""A database that is locked, full or restarted while jobs run: jobs are settled later, never twice, never wrongly."""

import sqlite3
import threading
from contextlib import closing, contextmanager

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from support.fake_worker import document

from worker.contract import JobStatus


class Refusing:
    """Lets writes of a table fail until told otherwise; real statements, a real rollback."""

    def __init__(self, engine, table, verb="UPDATE"):
        self.start = f"{verb} {table}"
        self.refused = threading.Event()
        self.on = True
        event.listen(engine, "before_cursor_execute", self)

    def __call__(self, connection, cursor, statement, parameters, context, executemany):
        if self.on and statement.startswith(self.start):
            self.refused.set()
            raise OperationalError(statement, parameters, sqlite3.OperationalError("database or disk is full"))


@pytest.mark.parametrize(
    ("behaviour", "kind"),
    [({}, None), ({"leaves": None}, "result_missing"), ({"leaves": lambda r: b"{"}, "result_invalid")],
)
def test_an_end_that_cannot_be_recorded_is_recorded_later(bench, behaviour, kind):
    bench.engine.tell("held", holds=True, **behaviour)
    job = bench.create("held")
    bench.engine.wait_launched(job.id)
    fault = Refusing(bench.database.engine, "jobs")
    bench.engine.release(job.id)
    assert fault.refused.wait(60)
    fault.on = False
    ended = bench.ended(job)
    assert ended.failure_kind == kind
    assert bench.engine.launched == [(job.id, 1)]
    assert bench.attempt(job).timings_ms["run"] >= 0
    assert b"job_duration_seconds_count" in bench.metrics.render(queued=0, running=0)


def test_a_start_that_cannot_be_recorded_launches_nothing_until_it_can(bench):
    fault = Refusing(bench.database.engine, "attempts")
    job = bench.create()
    assert fault.refused.wait(60)
    assert bench.engine.launched == []
    fault.on = False
    assert bench.ended(job).status == JobStatus.COMPLETED
    assert bench.engine.launched == [(job.id, 1)]


def test_a_queue_that_cannot_be_read_is_read_later(bench):
    fault = Refusing(bench.database.engine, "", verb="INSERT INTO attempts")
    job = bench.create()
    assert fault.refused.wait(60)
    fault.on = False
    assert bench.ended(job).status == JobStatus.COMPLETED


def test_an_answer_to_a_commit_that_was_lost_changes_nothing(bench):
    lost = threading.Event()

    def lose(connection):
        if connection.info.pop("ending", False):
            lost.set()
            connection.connection.driver_connection.commit()
            raise OperationalError("COMMIT", {}, sqlite3.OperationalError("the connection broke"))

    def notice(connection, cursor, statement, parameters, context, executemany):
        if statement.startswith("UPDATE jobs") and not lost.is_set():
            connection.info["ending"] = "finished_at" in statement

    event.listen(bench.database.engine, "commit", lose)
    event.listen(bench.database.engine, "before_cursor_execute", notice)
    job = bench.finished()
    assert lost.is_set()
    assert job.status == JobStatus.COMPLETED
    bench.engine.wait_until(lambda: not bench.engine.workers)


def test_a_database_that_is_locked_during_the_end_delays_it(bench):
    bench.engine.tell("held", holds=True)
    job = bench.create("held")
    bench.engine.wait_launched(job.id)
    with locked(bench):
        bench.engine.release(job.id)
        bench.poll(lambda: bench.copies.read(bench.copies.verdict_path(job.project_id, job.id)))
        assert bench.job(job).status == JobStatus.IN_PROGRESS
    assert bench.ended(job).status == JobStatus.COMPLETED


def locked(bench):
    """Hold the lock that every writer needs, from another connection."""
    if bench.database.engine.dialect.name == "postgresql":
        return bench.database.write()
    return _sqlite_lock(bench.settings.database_url.removeprefix("sqlite:///"))


@contextmanager
def _sqlite_lock(path):
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.rollback()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_full_sqlite_database_delays_the_end_and_loses_nothing(bench):
    bench.engine.tell("held", holds=True, leaves=lambda request: document(request, extra="x" * 500_000))
    job = bench.create("held")
    bench.engine.wait_launched(job.id)
    full = threading.Event()
    full.set()
    failed = threading.Event()
    # A limit on pages is what a full disk looks like to SQLite; it holds for each connection until it is lifted.
    event.listen(bench.database.engine, "begin", lambda c: _limit(c, full))
    event.listen(bench.database.engine, "handle_error", lambda c: failed.set())
    bench.engine.release(job.id)
    assert failed.wait(60)
    assert bench.job(job).status == JobStatus.IN_PROGRESS
    full.clear()
    assert bench.ended(job).status == JobStatus.COMPLETED


def _limit(connection, full):
    pages = connection.connection.driver_connection.execute("PRAGMA page_count").fetchone()[0]
    connection.connection.driver_connection.execute(f"PRAGMA max_page_count={pages if full.is_set() else 2**30}")


@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_a_database_server_that_restarts_under_a_running_job_costs_nothing(bench, postgres_server):
    bench.engine.tell("held", holds=True)
    job = bench.create("held")
    bench.engine.wait_launched(job.id)
    postgres_server.disconnect("migrated")
    bench.engine.release(job.id)
    assert bench.ended(job).status == JobStatus.COMPLETED
    assert bench.finished("next").status == JobStatus.COMPLETED
