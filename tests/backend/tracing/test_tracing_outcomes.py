"""What became of a write: committed, undone in one of the ways in which that happens, failed, or never seen to end."""

import gc

import pytest
from observed_database import Item
from sqlalchemy import event, insert
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

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
