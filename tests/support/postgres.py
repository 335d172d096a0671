"""A real PostgreSQL server of the distribution: started on loopback for the tests, thrown away after them.

It keeps no promise about power cuts (fsync is off), lives in a folder of its own, and dies with the process that
started it, even when that one is killed. Its time zone is not UTC, so that an instant that loses its offset is noticed.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from support.free_ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE_S = 60.0
MISSING = "no PostgreSQL server program (initdb) below {0}; install it: sudo apt-get install -y postgresql"
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "timezone": "Asia/Kolkata",
    "log_min_messages": "fatal",
    "log_min_error_statement": "panic",
}


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A running server; everyone on loopback is its superuser ``ladder``."""

    port: int

    def url(self, database: str) -> str:
        """Address of one database, as DATABASE_URL wants it."""
        return f"postgresql://ladder@127.0.0.1:{self.port}/{database}"

    def run(self, *statements: str, database: str = "postgres") -> None:
        """Run statements outside any transaction."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    def create(self, database: str) -> str:
        """Make a database and return its address."""
        self.run(f"CREATE DATABASE {database} TEMPLATE template0")
        return self.url(database)

    def disconnect(self, database: str) -> None:
        """End all connections to a database, as a restart of the server does."""
        self.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'")

    def emptied(self, database: str) -> str:
        """Empty a database and return its address; 30 times faster than making a new one."""
        self.disconnect(database)
        self.run("TRUNCATE projects, trace RESTART IDENTITY CASCADE", database=database)
        return self.url(database)

    def drop(self, database: str) -> None:
        """Remove a database with whoever is still connected to it."""
        self.run(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")


def serve() -> Iterator[PostgresServer]:
    """Start a server, yield it, stop it; a generator for a session fixture."""
    programs = find_programs()
    base = Path(tempfile.mkdtemp(prefix="ladder-postgres-"))
    account = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
    if account:
        shutil.chown(base, "postgres", "postgres")
    try:
        initdb = (programs / "initdb", "-D", base / "data", "-U", "ladder", "-A", "trust", "-E", "UTF8", "--locale=C")
        subprocess.run((*initdb, "--no-sync"), check=True, capture_output=True, cwd=base, **account)
        with _started(programs, base, account) as server:
            yield server
    finally:
        shutil.rmtree(base)


def find_programs() -> Path:
    """Where the server's programs are; a machine without them fails the tests and says how to get them."""
    servers = Path(os.environ.get("LADDER_POSTGRES_DIR", "/usr/lib/postgresql"))
    found = sorted(servers.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3].split(".")[0]))
    if found:
        return found[-1].parent
    if on_path := shutil.which("initdb"):
        return Path(on_path).parent
    return pytest.fail(MISSING.format(servers))


@contextmanager
def _started(programs: Path, base: Path, account: dict[str, Any]) -> Iterator[PostgresServer]:
    port, log = free_port(), base / "server.log"
    options = [word for name, value in _SETTINGS.items() for word in ("-c", f"{name}={value}")]
    argv = ["setpriv", "--pdeathsig", "QUIT", programs / "postgres", "-D", base / "data", "-k", base, "-p", str(port)]
    with log.open("wb") as out, subprocess.Popen([*argv, *options], stdout=out, stderr=out, cwd=base, **account) as own:
        try:
            yield _answering(PostgresServer(port), own, log)
        finally:
            # Immediate shutdown: nothing in there is worth a checkpoint.
            own.send_signal(signal.SIGQUIT)


def _answering(server: PostgresServer, process: subprocess.Popen[bytes], log: Path) -> PostgresServer:
    give_up = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up:
        with suppress(psycopg.OperationalError):
            server.run("SELECT 1")
            return server
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.05)
            pytest.fail(f"the PostgreSQL server ended: {log.read_text()[-2000:]}")
    return pytest.fail("the PostgreSQL server does not answer")
