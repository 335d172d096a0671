"""Recording never influences the recorded, keeps no value, and says when it cannot see."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import asdict

import pytest
from observed_database import PLACE, Item, Sink, observe
from sqlalchemy import event, insert, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend.tracing import observer
from backend.tracing.capture import exclude, install
from backend.tracing.fingerprints import fingerprint
from backend.tracing.reading import LONGEST_READ
from backend.tracing.tokens import tokenize
from backend.tracing.transactions import Transaction

CANARY = "canary-7Qm2vX9r"
HOOKS = {
    "before_cursor_execute",
    "after_cursor_execute",
    "handle_error",
    "checkin",
    "invalidate",
    "close",
    "dialect.do_commit",
    "dialect.do_rollback",
    "dialect.do_prepare_twophase",
    "dialect.do_commit_twophase",
    "dialect.do_rollback_twophase",
}


def add(observed, name="a"):
    with observed.engine.begin() as connection:
        connection.execute(insert(Item).values(name=name))


class Broken(Sink):
    """Raises whatever it is told."""

    def __init__(self, *, counts=True):
        super().__init__()
        self._counts = counts

    def db_write(self, write):
        msg = "no room"
        raise OSError(msg)

    db_ddl = db_write

    def dropped(self, stage):
        super().dropped(stage)
        if not self._counts:
            raise OSError


@pytest.mark.parametrize("counts", [True, False])
def test_a_sink_that_raises_changes_nothing_and_is_counted(observed, counts):
    observed.capture.uninstall()
    observed.sink = Broken(counts=counts)
    observed.watch()
    with observed.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE other (a INTEGER)")
        result = connection.execute(insert(Item).returning(Item.id), [{"name": "a"}, {"name": "b"}])
        assert len(result.all()) == 2
    assert observed.sink.drops == ["sink", "sink"]
    assert observed.count() == 2
    with observed.engine.connect() as connection:
        connection.execute(insert(Item).values(name="c"))
        with pytest.raises(IntegrityError):
            connection.execute(insert(Item).values(name="c"))
    assert observed.sink.drops == ["sink"] * 4


def test_a_recorder_that_raises_changes_nothing_and_is_counted(observed, monkeypatch):
    def broken(*_given, **_named):
        msg = f"cannot {CANARY}"
        raise RuntimeError(msg)

    monkeypatch.setattr(observer, "count_rows", broken)
    add(observed)
    monkeypatch.setattr(Transaction, "add", broken)
    add(observed, "b")
    monkeypatch.setattr(Transaction, "__init__", broken)
    add(observed, "c")
    with pytest.raises(IntegrityError):
        add(observed, "c")
    assert observed.count() == 3
    assert set(observed.sink.drops) == {"capture"}
    assert [write.rows for write in observed.writes] == [None]


def test_a_context_that_raises_is_counted_and_the_write_is_kept(observed):
    observed.capture.uninstall()
    observed.capture = install(observed.engine, observed.sink, lambda: 1 / 0)
    add(observed)
    assert observed.sink.drops == ["context"]
    assert [(write.trace_id, write.span_id, write.rows) for write in observed.writes] == [(None, None, 1)]


def test_outside_of_every_trace_a_write_has_no_place(observed):
    observed.place.set(None)
    add(observed)
    assert (observed.only().trace_id, observed.only().span_id) == (None, None)


def test_what_the_sink_writes_is_not_recorded(observed):
    class Storing(Sink):
        def db_write(self, write):
            super().db_write(write)
            add(observed, f"stored {len(self.writes)}")

    observed.capture.uninstall()
    observed.sink = Storing()
    observed.watch()
    add(observed)
    assert observed.outcomes() == ["committed"]
    assert observed.count() == 2


def test_no_value_is_kept(observed, capfd):
    statements = [
        (insert(Item).values(name=CANARY), {}),
        (text("UPDATE items SET name = :name"), {"name": CANARY}),
        (text(f"DELETE FROM items WHERE name = '{CANARY}' /* {CANARY} */"), {}),
        (text(f"INSERT INTO items (name, size) VALUES ('{CANARY}', 1)"), {}),
    ]
    for statement, parameters in statements:
        with observed.engine.begin() as connection:
            connection.execute(statement, parameters)
    with Session(observed.engine) as session, pytest.raises(IntegrityError):
        session.execute(insert(Item), [{"name": CANARY}, {"name": CANARY}])
    with observed.engine.connect() as connection, pytest.raises(Exception, match="canary"):
        connection.exec_driver_sql(f"INSERT INTO items (size) VALUES ('{CANARY}', 1)", ())
    records = [repr(asdict(record)) for record in [*observed.writes, *observed.sink.ddls]]
    assert len(records) == 6
    assert CANARY not in "".join(records)
    assert CANARY not in "".join(capfd.readouterr())


def test_a_thread_an_executor_and_a_task_write_in_the_place_they_were_given(observed):
    context = copy_context()
    threads = [
        threading.Thread(target=context.copy().run, args=(add, observed, "handed on")),
        threading.Thread(target=add, args=(observed, "left alone")),
    ]
    observed.place.set(("f" * 32, "f" * 16))
    for thread in threads:
        thread.start()
        thread.join()
    with ThreadPoolExecutor() as executor:
        executor.submit(copy_context().run, add, observed, "executor").result()
    assert [(write.trace_id, write.span_id) for write in observed.writes] == [PLACE, PLACE, ("f" * 32, "f" * 16)]


def test_transactions_of_threads_do_not_mix(observed):
    meeting = threading.Barrier(2)

    def work(name):
        with observed.engine.connect() as connection:
            if observed.kind == "sqlite":
                # SQLite lets one in at a time; both keep their connections.
                meeting.wait()
            connection.execute(insert(Item).values(name=name))
            if observed.kind != "sqlite":
                meeting.wait()
            connection.execute(insert(Item).values(name=name + "2"))
            connection.commit() if name == "a" else connection.rollback()

    with ThreadPoolExecutor(2) as executor:
        list(executor.map(work, "ab"))
    assert sorted(observed.outcomes()) == ["committed", "committed", "rolled_back", "rolled_back"]
    by_id = {write.txn_id: write.outcome for write in observed.writes}
    assert sorted(by_id.values()) == ["committed", "rolled_back"]
    assert observed.count() == 2


def test_the_hooks_that_are_in_place_are_named(observed):
    state = observed.capture.state()
    assert set(state.hooks) == HOOKS
    assert (state.active, state.version) == (True, 1)


def test_hooks_that_somebody_took_out_are_missed(observed):
    for name, function in observed.capture._events[:1]:
        event.remove(observed.engine, name, function)
    assert not observed.capture.active
    assert "before_cursor_execute" not in observed.capture.hooks
    add(observed)
    assert observed.writes == []


def test_a_dialect_that_lost_its_wrapper_is_missed(observed):
    del observed.engine.dialect.do_commit
    assert not observed.capture.active
    assert set(observed.capture.hooks) == HOOKS - {"dialect.do_commit"}


def test_t16_hooks_stay_in_place_and_do_no_harm_when_nothing_is_written(observed):
    with Session(observed.engine) as session:
        assert session.scalars(select(Item)).all() == []
        session.commit()
    with observed.engine.connect() as connection:
        assert connection.execute(text("SELECT 1")).scalar_one() == 1
        connection.rollback()
    assert (observed.capture.active, set(observed.capture.hooks)) == (True, HOOKS)
    assert (observed.writes, observed.sink.ddls, observed.sink.drops) == ([], [], [])


def test_hooks_survive_a_pool_that_is_made_anew(observed):
    add(observed)
    observed.engine.dispose()
    assert observed.capture.active
    connection = observed.engine.connect()
    connection.execute(insert(Item).values(name="b"))
    connection.close()
    assert observed.outcomes() == ["committed", "rolled_back"]


def test_uninstalled_hooks_leave_nothing_behind(observed):
    before = dict(vars(observed.engine.dialect))
    add(observed)
    observed.capture.uninstall()
    observed.capture.uninstall()
    assert (observed.capture.hooks, observed.capture.active) == ((), False)
    assert {name for name in before if name.startswith("do_")} - set(vars(observed.engine.dialect))
    add(observed, "b")
    assert len(observed.writes) == 1


def test_what_is_unfinished_when_capture_ends_is_open(observed):
    with observed.engine.connect() as connection:
        connection.execute(insert(Item).values(name="a"))
        observed.capture.uninstall()
        assert observed.outcomes() == ["open"]
        assert observed.only().committed_rows is None
        connection.commit()
    assert observed.outcomes() == ["open"]
    assert observed.count() == 1


def test_an_excluded_engine_is_not_captured(observed):
    observed.capture.uninstall()
    exclude(observed.engine)
    observed.watch()
    assert (observed.capture.active, observed.capture.hooks) == (False, ())
    add(observed)
    assert observed.writes == []


def test_a_connection_or_statement_may_be_excluded(observed):
    with observed.engine.connect().execution_options(tracing_excluded=True) as connection:
        connection.execute(insert(Item).values(name="a"))
        connection.commit()
    with observed.engine.begin() as connection:
        connection.execute(insert(Item).values(name="b"), execution_options={"tracing_excluded": True})
        connection.execute(insert(Item).values(name="c"))
    assert [write.stmt_seq for write in observed.writes] == [1]


def test_engines_do_not_see_each_other(observed, tmp_path):
    other = observe(f"sqlite:///{tmp_path / 'other.db'}")
    add(other)
    assert (len(other.writes), observed.writes) == (1, [])
    other.capture.uninstall()
    other.engine.dispose()
    assert observed.capture.active


@pytest.mark.parametrize("first_out", [0, 1])
def test_two_captures_of_one_engine_see_the_same(observed, first_out):
    second = Sink()
    captures = [observed.capture, install(observed.engine, second, observed.place.get)]
    add(observed)
    assert [write.rows for write in observed.writes] == [write.rows for write in second.writes] == [1]
    captures[first_out].uninstall()
    add(observed, "b")
    assert sorted([len(observed.writes), len(second.writes)]) == [1, 2]
    captures[1 - first_out].uninstall()
    add(observed, "c")
    assert sorted([len(observed.writes), len(second.writes)]) == [1, 2]


def test_more_statements_than_are_held_are_counted_as_dropped(observed, monkeypatch):
    monkeypatch.setattr("backend.tracing.transactions.MOST_HELD", 3)
    with observed.engine.begin() as connection:
        for name in "abcde":
            connection.execute(insert(Item).values(name=name))
    assert observed.sink.drops == ["buffer", "buffer"]
    assert [write.stmt_seq for write in observed.writes] == [1, 2, 3]
    assert observed.count() == 5


def test_a_long_text_has_no_fingerprint_and_is_a_write_all_the_same(observed):
    padding = " " * LONGEST_READ
    with observed.engine.begin() as connection:
        connection.exec_driver_sql(f"INSERT INTO items (name, size) VALUES ('a', {padding} 1)")
    assert (observed.only().op, observed.only().tables, observed.only().fingerprint) == ("INSERT", ("items",), None)


def test_fingerprints_of_the_orm_do_not_tell_the_databases_apart(observed):
    with Session(observed.engine) as session:
        session.add_all([Item(name=name) for name in "abc"])
        session.commit()
        session.add(Item(name="d"))
        session.commit()
    several, one = observed.writes
    assert several.fingerprint == one.fingerprint
    assert one.fingerprint == fingerprint(tokenize("INSERT INTO items (name, size) VALUES (?, ?)", "sqlite"))


def test_errors_reach_the_caller_as_they_are(observed):
    add(observed)
    with pytest.raises(IntegrityError) as watched:
        add(observed)
    observed.capture.uninstall()
    with pytest.raises(IntegrityError) as alone:
        add(observed)
    assert str(watched.value).split("(Background")[0] == str(alone.value).split("(Background")[0]
    assert type(watched.value.orig) is type(alone.value.orig)


def test_results_and_counts_are_what_they_are_without_capture(observed):
    def work():
        with Session(observed.engine) as session:
            session.add_all([Item(name=name) for name in "abc"])
            session.flush()
            ids = session.scalars(insert(Item).values(name="d").returning(Item.size)).all()
            changed = session.execute(text("UPDATE items SET size = 2")).rowcount
            return ids, changed, session.scalars(select(Item.name).order_by(Item.name)).all()

    watched = work()
    observed.capture.uninstall()
    assert work() == watched == ([1], 4, ["a", "b", "c", "d"])
