"""Addresses, connections and transactions."""

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from sqlite3 import OperationalError

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError, StatementError

from backend.database import Database, connect, migrate, prepare_sqlite
from backend.errors import StartupError
from backend.models import Project

CANARY = "canary-9Xw3tq7L"
MOMENT = datetime(2025, 11, 14, 17, 14, 5, 123456, tzinfo=UTC)


@pytest.fixture
def database(database_url):
    database = Database(connect(database_url))
    yield database
    database.close()


def project(project_id="p1", **changes):
    values = {"instruction": "i", "workspace_path": "w", "created_at": MOMENT, "updated_at": MOMENT} | changes
    return Project(id=project_id, **values)


def ids(database):
    with database.read() as session:
        return list(session.scalars(select(Project.id).order_by(Project.seq)))


@pytest.mark.parametrize(
    "url",
    [
        f"no address {CANARY}",
        f"mysql://user:{CANARY}@host/db",
        f"postgresql+asyncpg://user:{CANARY}@host/db",
        f"postgresql://user:{CANARY}@host:port/db",
        "sqlite://",
        "sqlite:///:memory:",
        "",
    ],
)
def test_an_address_that_cannot_be_used_is_refused_and_not_repeated(url):
    with pytest.raises(StartupError) as caught:
        connect(url)
    assert caught.value.reference == "database-url-invalid"
    assert "DATABASE_URL" in str(caught.value)
    assert CANARY not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_each_spelling_of_postgresql_means_the_one_driver(scheme):
    assert connect(f"{scheme}://u@h/d").url.drivername == "postgresql+psycopg"


def test_the_directory_of_an_sqlite_file_is_made(tmp_path):
    engine = connect(f"sqlite:///{tmp_path}/deep/er/ladder.db")
    migrate(engine)
    engine.dispose()
    assert (tmp_path / "deep/er/ladder.db").is_file()


def test_a_directory_that_cannot_be_made_stops_the_start(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StartupError) as caught:
        connect(f"sqlite:///{tmp_path}/file/ladder.db")
    assert caught.value.reference == "database-directory"


@pytest.mark.parametrize("content", ["directory", "no database at all, but long enough to be read as a header page"])
def test_a_file_that_is_no_database_stops_the_start(tmp_path, content):
    path = tmp_path / "ladder.db"
    path.mkdir() if content == "directory" else path.write_text(content * 100)
    engine = connect(f"sqlite:///{path}")
    with pytest.raises(StartupError) as caught:
        migrate(engine)
    assert caught.value.reference in {"database-unreachable", "migration-failed"}
    engine.dispose()


def test_a_server_that_does_not_answer_stops_the_start_and_its_password_is_not_told():
    engine = connect(f"postgresql://user:{CANARY}@127.0.0.1:1/db?connect_timeout=2")
    with pytest.raises(StartupError) as caught:
        migrate(engine)
    assert caught.value.reference == "database-unreachable"
    assert CANARY not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_sqlite_writes_ahead_and_survives_a_power_cut(database):
    with database.engine.connect() as connection:
        found = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        ]
    assert found == ["wal", 2, 1, 15000]


class Switching:
    """An SQLite connection that refuses the switch to WAL a number of times."""

    def __init__(self, refusals, code):
        self.refusals, self.code, self.statements = refusals, code, []

    def execute(self, statement):
        self.statements.append(statement)
        if statement.endswith("WAL") and self.statements.count(statement) <= self.refusals:
            error = OperationalError("refused")
            error.sqlite_errorcode = self.code
            raise error


@pytest.mark.parametrize("code", [sqlite3.SQLITE_BUSY, sqlite3.SQLITE_BUSY_RECOVERY])
def test_the_loser_of_two_first_connections_waits_for_its_turn(code):
    """Seen in one of 150 starts of eight connections on a new file: the busy timeout does not hold for this switch."""
    connection = Switching(3, code)
    prepare_sqlite(connection, None)
    assert connection.statements.count("PRAGMA journal_mode=WAL") == 4
    assert connection.statements[-1] == "PRAGMA foreign_keys=ON"


@pytest.mark.parametrize(("code", "wait"), [(sqlite3.SQLITE_BUSY, 0), (sqlite3.SQLITE_READONLY, 15)])
def test_a_switch_that_never_succeeds_is_told(monkeypatch, code, wait):
    monkeypatch.setattr("backend.database.BUSY_TIMEOUT_S", wait)
    with pytest.raises(OperationalError):
        prepare_sqlite(Switching(1000, code), None)


def test_a_failed_block_leaves_nothing(database):
    def fail():
        with database.write() as session:
            session.add(project())
            session.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert ids(database) == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_read_sees_one_state_whatever_is_written_meanwhile(database):
    with database.write() as session:
        session.add(project("p1"))
    with database.read() as reader:
        assert len(reader.scalars(select(Project.id)).all()) == 1
        with database.write() as session:
            session.add(project("p2"))
        assert len(reader.scalars(select(Project.id)).all()) == 1


def test_writers_wait_for_one_another_and_none_fails(database):
    def add(number):
        with database.write() as session:
            session.scalars(select(Project.id)).all()
            session.add(project(f"p{number}"))

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(add, range(60)))
    assert len(ids(database)) == 60


def test_rows_become_visible_in_the_order_of_their_numbers(database):
    """A row with a lower number must never appear after one with a higher one: the queue would be out of order."""
    seen, done = [], threading.Event()

    def watch():
        while not done.is_set():
            seen.append(ids(database))

    watcher = threading.Thread(target=watch)
    watcher.start()

    def add(number):
        with database.write() as session:
            session.add(project(f"p{number}"))
            session.flush()
            session.execute(select(Project.id))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(40)))
    done.set()
    watcher.join()
    final = ids(database)
    assert all(state == final[: len(state)] for state in seen)


def test_instants_keep_their_moment_and_come_back_in_utc(database):
    abroad = timezone(timedelta(hours=-7))
    with database.write() as session:
        session.add(project(created_at=MOMENT.astimezone(abroad)))
    with database.read() as session:
        stored = session.scalars(select(Project)).one()
    assert (stored.created_at, stored.created_at.utcoffset()) == (MOMENT, timedelta(0))
    assert stored.created_at.microsecond == 123456


def test_an_instant_without_a_time_zone_is_refused(database):
    with pytest.raises(StatementError, match="time zone"), database.write() as session:
        session.add(project(created_at=MOMENT.replace(tzinfo=None)))
    assert ids(database) == []


def test_an_error_names_the_statement_and_not_the_values(database):
    with database.write() as session:
        session.add(project("p1"))
    with pytest.raises(IntegrityError) as caught, database.write() as session:
        session.add(project("p1", instruction=CANARY))
    assert "INSERT INTO projects" in str(caught.value)
    assert CANARY not in str(caught.value)


def test_a_job_without_a_project_is_refused_by_the_database_itself(database):
    statement = (
        "INSERT INTO jobs (id, project_id, job_type, instruction, status, engine, summary, trace_id, traceparent,"
        " created_at, updated_at) VALUES ('j', 'nobody', 'edit', 'i', 'queued', 'dummy', '', 't', 't',"
        " '2025-11-14 17:14:00', '2025-11-14 17:14:00')"
    )
    with pytest.raises(IntegrityError), database.write() as session:
        session.execute(text(statement))


def test_the_settings_file_names_only_databases_that_can_be_used():
    example = (Path(__file__).parents[2] / ".env.example").read_text()
    assert connect("postgresql+psycopg://user:password@host/name").url.host == "host"
    assert "postgresql+psycopg://user:password@host/name" in example
