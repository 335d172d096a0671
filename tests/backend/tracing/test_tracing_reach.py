"""Nothing in the backend writes where capture does not see it: past SQLAlchemy, or through an engine of its own."""

import re
from pathlib import Path

import pytest

import backend

ROOT = Path(backend.__file__).parent
PAST = re.compile(
    r"raw_connection|driver_connection|dbapi_connection|\.cursor\(|\b(sqlite3|psycopg|aiosqlite)\.connect\b"
)
ENGINE = re.compile(r"\bcreate_engine\(|(?<![.\w])(?<!def )connect\(")
MAKERS = {
    "database.py": "makes engines",
    "app.py": "the one that is watched",
    "tracing/store.py": "excluded on purpose",
}


def sources():
    return {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in sorted(ROOT.rglob("*.py"))}


def test_no_statement_goes_past_sqlalchemy():
    outside = {name: text for name, text in sources().items() if not name.startswith("tracing/")}
    assert {name for name, text in outside.items() if PAST.search(text)} == set()


def test_no_engine_is_made_that_nobody_watches():
    assert {name for name, text in sources().items() if ENGINE.search(text)} == set(MAKERS)


@pytest.mark.parametrize(
    "line",
    ["engine.raw_connection()", "connection.connection.cursor()", "sqlite3.connect(path)", "c.driver_connection"],
)
def test_a_way_past_it_would_be_found(line):
    assert PAST.search(line)
