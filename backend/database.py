"""The connection to the database and its schema.

SQLite runs in WAL mode with full synchronisation: a job that was accepted with 200 survives a power cut. Transactions
that write take the write lock at once (``BEGIN IMMEDIATE``), so that none fails half-way because another came first.
The schema is made by migrations only; a start on a schema that does not match is refused with the reason.
"""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from sqlite3 import SQLITE_BUSY, OperationalError
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, Final

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, event, func, inspect, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from backend.errors import StartupError
from backend.models import Base

if TYPE_CHECKING:
    from collections.abc import Iterator
    from sqlite3 import Connection as SqliteConnection

    from sqlalchemy import URL, Connection, Engine

BUSY_TIMEOUT_S = 15
"""How long a writer waits for another one; a write transaction here takes about a millisecond."""

_POSTGRES: Final = "postgresql+psycopg"
_DRIVERS: Final = {"sqlite": "sqlite", "postgres": _POSTGRES, "postgresql": _POSTGRES, _POSTGRES: _POSTGRES}


def connect(url: str, *, pool_size: int = 8) -> Engine:
    """Make an engine; no connection is opened yet.

    Args:
        url: SQLAlchemy URL of SQLite or PostgreSQL; ``postgresql://`` means the psycopg 3 driver.
        pool_size: Connections kept open; twice as many may be open at a time.

    Raises:
        StartupError: ``database-url-invalid``, or ``database-directory`` when SQLite's directory cannot be made.
    """
    parsed = parse_url(url)
    if parsed.drivername == _POSTGRES:
        return create_engine(parsed, **_pool(pool_size), pool_pre_ping=True)
    _make_directory(parsed.database)
    engine = create_engine(parsed, **_pool(pool_size), connect_args={"timeout": BUSY_TIMEOUT_S})
    event.listen(engine, "connect", prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _pool(size: int) -> dict[str, Any]:
    # An error names its statement and not the values: they are instructions and whole results, and it goes to the log.
    return {"pool_size": size, "max_overflow": size, "hide_parameters": True}


def parse_url(url: str) -> URL:
    """Read a database address.

    Raises:
        StartupError: ``database-url-invalid``; the message holds nothing of the address, which may hold a password.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise _bad_url("it cannot be read as a database address") from None
    driver = _DRIVERS.get(parsed.drivername)
    if driver is None:
        raise _bad_url(f"{parsed.get_backend_name()} is no database that this backend has a driver for")
    return parsed.set(drivername=driver)


def _bad_url(reason: str) -> StartupError:
    hint = "write sqlite:////state/ladder.db or postgresql://user:password@host/name"
    return StartupError("database-url-invalid", f"DATABASE_URL: {reason}", hint)


def _make_directory(database: str | None) -> None:
    if not database or database == ":memory:":
        raise _bad_url("an in-memory database would forget every job")
    try:
        Path(database).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"the directory of the database cannot be made: {error.strerror}"
        raise StartupError("database-directory", msg, "check the owner and mode of the mounted volume") from error


def prepare_sqlite(connection: SqliteConnection, record: object) -> None:
    """Set a new SQLite connection up; a listener of the pool's ``connect`` event."""
    del record
    # The driver's own transactions begin too late (not before DDL or SELECT); ours are begun by `_begin_sqlite`.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_S * 1000}")
    _switch_to_wal(connection)
    for pragma in ("synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _switch_to_wal(connection: SqliteConnection) -> None:
    # Of two connections that switch a new file at the same moment, one is told at once that it is locked: SQLite's own
    # busy timeout does not hold for this statement.
    until = monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except OperationalError as error:
            if error.sqlite_errorcode & _PRIMARY_CODE != SQLITE_BUSY or monotonic() >= until:
                raise
            sleep(_BUSY_PAUSE_S)
        else:
            return


_PRIMARY_CODE: Final = 0xFF
"""SQLite's extended error codes carry the primary one in their lowest byte."""

_BUSY_PAUSE_S: Final = 0.01


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("sqlite_begin", "BEGIN"))


WRITE_LOCK = 0x6C6164646572
"""Key of PostgreSQL's advisory lock: the letters of "ladder"."""


class Database:
    """Short transactions, for reading or for writing; none is held while a worker runs."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._reader = sessionmaker(engine, expire_on_commit=False)
        writing = engine.execution_options(sqlite_begin="BEGIN IMMEDIATE")
        self._writer = sessionmaker(writing, expire_on_commit=False)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A transaction that sees one state of the database and changes nothing."""
        with self._reader() as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction that is committed at the end of the block, or rolled back by an exception."""
        with self._writer.begin() as session:
            if self.engine.dialect.name == "postgresql":
                # One writer at a time, as with SQLite: jobs are numbered in the order in which they become visible.
                session.execute(select(func.pg_advisory_xact_lock(WRITE_LOCK)))
            yield session

    def close(self) -> None:
        """Close all pooled connections."""
        self.engine.dispose()


def migrate(engine: Engine) -> str:
    """Bring the schema to the newest revision and make sure that it is what this code expects.

    All in one transaction: when it is refused, the database is as it was before.

    Returns:
        The revision that the database now has.

    Raises:
        StartupError: ``database-unreachable``, ``migration-failed`` or ``schema-mismatch``, with the reason.
    """
    _require_connection(engine)
    try:
        with engine.execution_options(sqlite_begin="BEGIN IMMEDIATE").begin() as connection:
            if engine.dialect.name == "postgresql":
                # Of two backends that start on one empty database, the second finds the first one's work done.
                connection.execute(select(func.pg_advisory_xact_lock(WRITE_LOCK)))
            command.upgrade(alembic_config(connection), "head")
            revision = str(connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one())
            _require_schema(connection, revision)
    except StartupError:
        raise
    except Exception as error:
        msg = f"the database could not be migrated: {type(error).__name__}: {_first_line(error)}"
        raise StartupError("migration-failed", msg, _REPAIR) from error
    return revision


_REPAIR: Final = "restore a backup or repair the schema, then start again"


def _require_connection(engine: Engine) -> None:
    try:
        engine.connect().close()
    except SQLAlchemyError as error:
        msg = f"the database cannot be opened: {type(error).__name__}: {_first_line(error)}"
        hint = "start the database, and compare host, name, user and file rights with DATABASE_URL"
        raise StartupError("database-unreachable", msg, hint) from error


def _require_schema(connection: Connection, revision: str) -> None:
    if problems := _differences(connection):
        msg = f"the schema is not that of revision {revision}: {'; '.join(problems)}"
        raise StartupError("schema-mismatch", msg, _REPAIR)


def alembic_config(connection: Connection) -> Config:
    """Build Alembic's configuration in code, so that the backend needs no ini file at its side."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _differences(connection: Connection) -> list[str]:
    inspector = inspect(connection)
    problems = []
    for table in Base.metadata.sorted_tables:
        if not inspector.has_table(table.name):
            problems.append(f"table {table.name} is missing")
            continue
        present = {column["name"] for column in inspector.get_columns(table.name)}
        problems += [f"column {table.name}.{c.name} is missing" for c in table.columns if c.name not in present]
    return problems


def _first_line(error: Exception) -> str:
    # SQLAlchemy appends the statement and its parameters behind the driver's message.
    origin = getattr(error, "orig", None) if isinstance(error, SQLAlchemyError) else None
    return str(origin or error).strip().split("\n", 1)[0][:300]
