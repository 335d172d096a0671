"""What became of a write: committed, undone in one of the ways in which that happens, failed, or never seen to end."""

import gc
import sqlite3

import pytest
from observed_database import Item, Part
from sqlalchemy import create_engine, event, insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from backend.database import Database

POSTGRES_ONLY = pytest.mark.parametrize(
    "observed", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)
SQLITE_ONLY = pytest.mark.parametrize("observed", ["sqlite"], indirect=True)


def item(name):
    return insert(Item).values(name=name)


def test_nothing_is_handed_over_before_the_end(observed):
    with observed.engine.connect() as connection:
        connection.execute(item("a"))
        assert observed.writes == []
        connection.commit()
        assert observed.outcomes() == ["committed"]
    assert observed.outcomes() == ["committed"]


def test_a_rollback_leaves_no_committed_rows(observed):
    with observed.engine.connect() as connection:
        connection.execute(item("a"))
        connection.rollback()
    assert observed.only().outcome == "rolled_back"
    assert (observed.only().rows, observed.only().committed_rows, observed.count()) == (1, 0, 0)


def test_an_exception_rolls_back(observed):
    def work():
        with observed.engine.begin() as connection:
            connection.execute(item("a"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    assert observed.outcomes() == ["rolled_back"]


def test_a_close_without_commit_is_a_rollback(observed):
    connection = observed.engine.connect()
    connection.execute(item("a"))
    connection.close()
    assert observed.outcomes() == ["rolled_back"]
    assert observed.count() == 0


def test_a_session_that_is_closed_rolls_back(observed):
    with Session(observed.engine) as session:
        session.add(Item(name="a"))
        session.flush()
    assert observed.outcomes() == ["rolled_back"]


def test_a_connection_that_is_forgotten_rolls_back(observed):
    connection = observed.engine.connect()
    connection.execute(item("a"))
    del connection
    gc.collect()
    assert observed.outcomes() == ["rolled_back"]
    assert observed.count() == 0


def test_a_connection_that_is_given_up_rolls_back(observed):
    connection = observed.engine.connect()
    connection.execute(item("a"))
    connection.invalidate()
    assert observed.outcomes() == ["rolled_back"]
    connection.close()


def test_statements_of_a_transaction_are_counted_and_share_its_id(observed):
    with observed.engine.connect() as connection:
        for name in "ab":
            connection.execute(item(name))
        connection.commit()
        connection.execute(item("c"))
        connection.commit()
    first, second, third = observed.writes
    assert [write.stmt_seq for write in observed.writes] == [1, 2, 1]
    assert first.txn_id == second.txn_id != third.txn_id


def test_a_savepoint_undoes_what_is_behind_it(observed):
    with observed.engine.begin() as connection:
        connection.execute(item("before"))
        savepoint = connection.begin_nested()
        connection.execute(item("within"))
        savepoint.rollback()
        connection.execute(item("behind"))
    assert observed.outcomes() == ["committed", "rolled_back_to_savepoint", "committed"]
    assert [write.committed_rows for write in observed.writes] == [1, 0, 1]
    assert observed.count() == 2


def test_nested_savepoints(observed):
    with observed.engine.begin() as connection:
        outer = connection.begin_nested()
        connection.execute(item("outer"))
        inner = connection.begin_nested()
        connection.execute(item("kept for now"))
        inner.commit()
        innermost = connection.begin_nested()
        connection.execute(item("innermost"))
        innermost.rollback()
        connection.execute(item("also outer"))
        outer.rollback()
        connection.execute(item("last"))
    undone = "rolled_back_to_savepoint"
    assert observed.outcomes() == [undone, undone, undone, undone, "committed"]
    assert observed.count() == 1


def test_a_released_savepoint_shares_the_end_of_its_transaction(observed):
    with observed.engine.connect() as connection:
        with connection.begin_nested():
            connection.execute(item("a"))
        connection.rollback()
    assert observed.outcomes() == ["rolled_back"]


def test_a_savepoint_that_is_undone_twice(observed):
    with observed.engine.begin() as connection:
        connection.exec_driver_sql("SAVEPOINT here")
        for name in "ab":
            connection.execute(item(name))
            connection.exec_driver_sql("ROLLBACK TO here")
        connection.execute(item("c"))
        connection.exec_driver_sql("RELEASE SAVEPOINT here")
    assert observed.outcomes() == ["rolled_back_to_savepoint"] * 2 + ["committed"]


def test_a_released_savepoint_no_longer_hides_one_of_its_name(observed):
    with observed.engine.begin() as connection:
        connection.exec_driver_sql("SAVEPOINT here")
        connection.execute(item("a"))
        connection.exec_driver_sql("SAVEPOINT here")
        connection.execute(item("b"))
        connection.exec_driver_sql("RELEASE here")
        connection.exec_driver_sql("ROLLBACK TO SAVEPOINT here")
    assert observed.outcomes() == ["rolled_back_to_savepoint"] * 2
    assert observed.count() == 0


def test_a_rollback_of_all_keeps_what_the_savepoint_undid(observed):
    with observed.engine.connect() as connection:
        connection.execute(item("a"))
        savepoint = connection.begin_nested()
        connection.execute(item("b"))
        savepoint.rollback()
        connection.rollback()
    assert observed.outcomes() == ["rolled_back", "rolled_back_to_savepoint"]


def test_a_conflict_is_one_failed_write_with_class_and_sqlstate(observed):
    with observed.engine.connect() as connection:
        connection.execute(item("a"))
        with pytest.raises(IntegrityError):
            connection.execute(item("a"))
        connection.rollback()
    good, failed = observed.writes
    assert (good.outcome, failed.outcome) == ("rolled_back", "failed")
    assert (failed.rows, failed.rows_source, failed.committed_rows) == (None, "unknown", None)
    expected = {
        "sqlite": ("sqlite3.IntegrityError", None),
        "postgresql": ("psycopg.errors.UniqueViolation", "23505"),
    }
    assert (failed.error_type, failed.sqlstate) == expected[observed.kind]
    assert (good.error_type, good.sqlstate) == (None, None)


@pytest.mark.parametrize("returning", [True, False])
def test_a_batch_that_fails_in_its_middle_is_one_failed_write(observed, returning):
    statement = insert(Item).returning(Item.id) if returning else insert(Item)
    names = [{"name": f"n{index % 15}"} for index in range(20)]
    with observed.engine.connect() as connection, pytest.raises(IntegrityError):
        connection.execution_options(insertmanyvalues_page_size=5).execute(statement, names)
    write = observed.only()
    assert (write.outcome, write.rows, write.batch_size) == ("failed", None, 20)


def test_the_orm_gives_up_a_whole_transaction_for_one_conflict(observed):
    with Session(observed.engine) as session:
        session.add(Item(name="a"))
        session.flush()
        session.add(Item(name="a"))
        with pytest.raises(IntegrityError):
            session.commit()
    assert observed.outcomes() == ["rolled_back", "failed"]


def test_a_conflict_within_a_savepoint_spares_the_rest(observed):
    with observed.engine.begin() as connection:
        connection.execute(item("a"))
        savepoint = connection.begin_nested()
        connection.execute(item("b"))
        with pytest.raises(IntegrityError):
            connection.execute(item("a"))
        savepoint.rollback()
        connection.execute(item("c"))
    assert observed.outcomes() == ["committed", "rolled_back_to_savepoint", "failed", "committed"]
    assert observed.count() == 2


def test_a_statement_that_never_came_back_from_the_driver_has_failed(observed):
    def interrupt(_cursor, statement, *_event):
        if statement.startswith("INSERT"):
            raise KeyboardInterrupt

    event.listen(observed.engine, "do_execute", interrupt)
    with observed.engine.connect() as connection, pytest.raises(KeyboardInterrupt):
        connection.execute(item("a"))
    event.remove(observed.engine, "do_execute", interrupt)
    assert (observed.only().outcome, observed.only().error_type) == ("failed", "builtins.KeyboardInterrupt")


def test_an_error_behind_a_statement_that_was_carried_out_undoes_nothing(observed):
    def stumble(_connection, _cursor, statement, *_event):
        if statement.startswith("INSERT"):
            raise LookupError

    event.listen(observed.engine, "after_cursor_execute", stumble)
    with observed.engine.connect() as connection:
        with pytest.raises(LookupError):
            connection.execute(item("a"))
        event.remove(observed.engine, "after_cursor_execute", stumble)
        connection.commit()
    assert (observed.only().outcome, observed.only().rows, observed.count()) == ("committed", 1, 1)


@POSTGRES_ONLY
def test_a_commit_that_postgresql_answers_with_a_rollback_is_one(observed):
    with observed.engine.connect() as connection:
        connection.execute(item("a"))
        with pytest.raises(IntegrityError):
            connection.execute(item("a"))
        connection.commit()
    assert observed.outcomes() == ["rolled_back", "failed"]
    assert observed.count() == 0


@POSTGRES_ONLY
def test_a_commit_in_text_that_postgresql_answers_with_a_rollback_is_one(observed):
    with observed.engine.connect() as connection:
        connection.execute(item("a"))
        with pytest.raises(DBAPIError):
            connection.exec_driver_sql("SELECT 1/0")
        connection.exec_driver_sql("COMMIT")
    assert observed.outcomes() == ["rolled_back"]
    assert observed.count() == 0


@SQLITE_ONLY
def test_a_transaction_that_sqlite_gives_up_is_rolled_back(observed):
    with observed.engine.connect() as connection:
        connection.execute(item("a"))
        connection.execute(item("b"))
        with pytest.raises(IntegrityError):
            connection.exec_driver_sql("INSERT OR ROLLBACK INTO items (name, size) VALUES ('a', 1)")
        connection.commit()
    assert observed.outcomes() == ["rolled_back", "rolled_back", "failed"]
    assert observed.count() == 0


@SQLITE_ONLY
def test_sqlite_keeps_what_came_before_a_conflict(observed):
    with observed.engine.connect() as connection:
        connection.execute(item("a"))
        with pytest.raises(IntegrityError):
            connection.execute(item("a"))
        connection.commit()
    assert observed.outcomes() == ["committed", "failed"]
    assert observed.count() == 1


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
