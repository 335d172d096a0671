"""Ends of transactions that are no plain commit and no plain rollback."""

import sqlite3

import pytest
from observed_database import Item, Part
from sqlalchemy import create_engine, insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from backend.database import Database

POSTGRES_ONLY = pytest.mark.parametrize(
    "observed", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)
SQLITE_ONLY = pytest.mark.parametrize("observed", ["sqlite"], indirect=True)


def item(name):
    return insert(Item).values(name=name)


def test_a_commit_that_fails_undoes_all_and_says_why(observed):
    def work():
        with observed.engine.begin() as connection:
            connection.execute(item("a"))
            connection.execute(insert(Part).values(item_id=4711))

    with pytest.raises(IntegrityError):
        work()
    assert observed.outcomes() == ["rolled_back", "rolled_back"]
    expected = {
        "sqlite": ("sqlite3.IntegrityError", None),
        "postgresql": ("psycopg.errors.ForeignKeyViolation", "23503"),
    }
    assert (observed.writes[0].error_type, observed.writes[0].sqlstate) == expected[observed.kind]
    assert observed.count() == 0


@SQLITE_ONLY
def test_a_commit_that_fails_may_be_tried_again(observed):
    with observed.engine.connect() as connection:
        connection.execute(insert(Part).values(item_id=1))
        driver = connection.connection
        with pytest.raises(sqlite3.IntegrityError):
            observed.engine.dialect.do_commit(driver)
        connection.execute(insert(Item).values(id=1, name="a"))
        connection.commit()
    assert observed.outcomes() == ["committed", "committed"]
    assert observed.writes[0].error_type is None


@POSTGRES_ONLY
def test_a_connection_lost_in_a_transaction_rolls_back(observed, postgres_server):
    connection = observed.engine.connect()
    connection.execute(item("a"))
    postgres_server.disconnect("tracing")
    with pytest.raises(DBAPIError):
        connection.execute(item("b"))
    connection.close()
    assert observed.outcomes() == ["rolled_back", "failed"]
    assert observed.writes[1].error_type == "psycopg.errors.AdminShutdown"


@POSTGRES_ONLY
def test_of_a_connection_lost_at_commit_nothing_is_known(observed, postgres_server):
    connection = observed.engine.connect()
    connection.execute(item("a"))
    postgres_server.disconnect("tracing")
    with pytest.raises(DBAPIError):
        connection.commit()
    connection.close()
    assert observed.outcomes() == ["open"]
    assert (observed.only().committed_rows, observed.only().sqlstate) == (None, "57P01")


def test_a_transaction_that_is_ended_behind_our_back_is_open(observed):
    with observed.engine.connect() as connection:
        connection.execute(item("a"))
        connection.connection.driver_connection.commit()
    assert observed.outcomes() == ["open"]
    with observed.engine.connect() as connection:
        connection.execute(item("b"))
        connection.connection.driver_connection.rollback()
        connection.execute(select(Item))
        assert observed.outcomes() == ["open", "open"]


@POSTGRES_ONLY
def test_a_write_that_ends_its_own_transaction_is_open(observed):
    with observed.engine.connect() as connection:
        connection.exec_driver_sql("INSERT INTO items (name, size) VALUES ('a', 1); ROLLBACK")
        connection.commit()
    assert observed.outcomes() == ["open"]


@pytest.mark.parametrize(("words", "outcome"), [("COMMIT", "committed"), ("ROLLBACK", "rolled_back")])
def test_an_end_in_text_is_an_end(observed, words, outcome):
    with observed.engine.connect() as connection:
        connection.execute(item("a"))
        connection.exec_driver_sql(words)
        assert observed.outcomes() == [outcome]
    assert observed.count() == (outcome == "committed")


def test_in_autocommit_each_statement_is_a_transaction(observed):
    with observed.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for name in "ab":
            connection.execute(item(name))
        with pytest.raises(IntegrityError):
            connection.execute(item("a"))
        connection.execute(insert(Item).returning(Item.id), [{"name": name} for name in "cde"]).all()
        connection.rollback()
    if observed.kind == "postgresql":
        # This engine of ours begins SQLite's transactions itself, whatever the level.
        assert observed.outcomes() == ["committed", "committed", "failed", "committed"]
        assert len({write.txn_id for write in observed.writes}) == 4
        assert {write.stmt_seq for write in observed.writes} == {1}
        assert [write.rows for write in observed.writes] == [1, 1, None, 3]
    assert observed.count() == (5 if observed.kind == "postgresql" else 0)


@SQLITE_ONLY
@pytest.mark.parametrize("level", ["AUTOCOMMIT", "SERIALIZABLE"])
def test_what_the_driver_does_counts_and_not_what_is_set(observed, level, tmp_path):
    """sqlite3 left to itself begins no transaction for INSERT behind WITH, whatever SQLAlchemy believes."""
    observed.capture.uninstall()
    observed.engine.dispose()
    observed.engine = create_engine(observed.engine.url, isolation_level=level)
    observed.watch()
    with observed.engine.connect() as connection:
        connection.execute(text("WITH s AS (SELECT 'y' AS n) INSERT INTO items (name, size) SELECT n, 2 FROM s"))
        connection.execute(insert(Item).returning(Item.id), [{"name": f"n{i}"} for i in range(2500)]).all()
        connection.rollback()
    autocommit = level == "AUTOCOMMIT"
    assert observed.outcomes() == ["committed", "committed" if autocommit else "rolled_back"]
    assert [write.rows for write in observed.writes] == [1, 2500]
    assert observed.count() == (2501 if autocommit else 1)


@pytest.mark.parametrize("commit", [True, False])
def test_a_pool_that_does_not_roll_back_is_followed_into_the_next_use(observed, commit):
    observed.capture.uninstall()
    observed.engine.dispose()
    observed.engine = create_engine(observed.engine.url, pool_reset_on_return=None, pool_size=1, max_overflow=0)
    observed.watch()
    observed.engine.connect().close()
    first = observed.engine.connect()
    first.execute(item("a"))
    first._transaction = None  # as if SQLAlchemy had lost sight of it
    first.close()
    assert observed.writes == []
    second = observed.engine.connect()
    second.begin()
    second.commit() if commit else second.rollback()
    second.close()
    assert observed.outcomes() == ["committed" if commit else "rolled_back"]
    assert observed.count() == commit


@POSTGRES_ONLY
@pytest.mark.parametrize("end", ["commit", "rollback"])
def test_two_phases_end_with_the_second(observed, end):
    with observed.engine.connect() as connection:
        transaction = connection.begin_twophase()
        connection.execute(item("a"))
        assert observed.writes == []
        getattr(transaction, end)()
    assert observed.outcomes() == ["committed" if end == "commit" else "rolled_back"]
    assert observed.count() == (end == "commit")


def test_changes_of_the_schema_are_events(observed):
    with observed.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE other (a INTEGER)")
    with observed.engine.connect() as connection:
        connection.exec_driver_sql("DROP TABLE IF EXISTS other")
        connection.rollback()
        with pytest.raises(DBAPIError):
            connection.exec_driver_sql("ALTER TABLE absent ADD COLUMN b INTEGER")
    seen = [(ddl.command, ddl.kind, ddl.name, str(ddl.outcome)) for ddl in observed.sink.ddls]
    assert seen == [
        ("CREATE", "TABLE", "other", "committed"),
        ("DROP", "TABLE", "other", "rolled_back"),
        ("ALTER", "TABLE", "absent", "failed"),
    ]
    assert observed.writes == []
    assert observed.sink.drops == []


def test_the_transactions_of_this_backend_are_seen(observed):
    database = Database(observed.engine)
    with database.write() as session:
        session.add(Item(name="a"))
    with database.read() as session:
        session.scalars(select(Item)).all()
    assert observed.outcomes() == ["committed"]
