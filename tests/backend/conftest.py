"""The two databases that a backend may have, each test with one of its own."""

import secrets
import shutil

import pytest
from support import postgres

from backend.database import connect, migrate
from backend.models import Base

KINDS = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


@pytest.fixture(autouse=True)
def closed_engines_are_let_go():
    """What mappers have compiled for an engine keeps that, with all that it has compiled itself and its watchers.

    Of hundreds of engines these are a million objects, through which every look for garbage goes.
    """
    yield
    for mapper in Base.registry.mappers:
        # Taken away as a whole and made anew when asked for: a backend for all tests may be using it.
        vars(mapper).pop("_compiled_cache", None)


@pytest.fixture(scope="session")
def postgres_server():
    """A real server; without its programs the tests fail and say how to install them."""
    yield from postgres.serve()


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory):
    path = tmp_path_factory.mktemp("template") / "ladder.db"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def migrated_postgres(postgres_server):
    _migrate(postgres_server.create("migrated"))
    return "migrated"


def _migrate(url: str) -> None:
    engine = connect(url)
    migrate(engine)
    engine.dispose()


@pytest.fixture(params=KINDS)
def empty_database(request, tmp_path):
    """Address of a database without tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'ladder.db'}"
        return
    server = request.getfixturevalue("postgres_server")
    yield from _database_of(server)


@pytest.fixture(params=KINDS)
def database_url(request, tmp_path):
    """Address of a database at the newest revision."""
    if request.param == "sqlite":
        copy = shutil.copy(request.getfixturevalue("migrated_sqlite"), tmp_path / "ladder.db")
        yield f"sqlite:///{copy}"
        return
    name = request.getfixturevalue("migrated_postgres")
    yield request.getfixturevalue("postgres_server").emptied(name)


def _database_of(server):
    name = f"test_{secrets.token_hex(6)}"
    yield server.create(name)
    server.drop(name)
