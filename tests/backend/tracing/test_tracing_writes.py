"""What a write is: one record for each logical statement, with the rows that the database really changed."""

import pytest
from observed_database import PLACE, Item
from sqlalchemy import (
    Column,
    Integer,
    MetaData,
    Sequence,
    String,
    Table,
    column,
    delete,
    insert,
    select,
    table,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session
from sqlalchemy.sql import quoted_name

from backend.tracing.reading import LONGEST_READ, Reader

POSTGRES_ONLY = pytest.mark.parametrize(
    "observed", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)
SQLITE_ONLY = pytest.mark.parametrize("observed", ["sqlite"], indirect=True)


def rows(number):
    return [{"name": f"n{index}", "size": index} for index in range(number)]


def filled(observed, number=3):
    """Rows that are there before anything is watched."""
    observed.capture.uninstall()
    with observed.engine.begin() as connection:
        connection.execute(insert(Item), rows(number))
    observed.watch()


def seen(write):
    return (str(write.op), write.tables, write.rows, str(write.rows_source), str(write.outcome))


def test_a_write_says_what_when_and_where(observed):
    with observed.engine.begin() as connection:
        connection.execute(insert(Item).values(name="a"))
    write = observed.only()
    assert seen(write) == ("INSERT", ("items",), 1, "cursor", "committed")
    assert (write.trace_id, write.span_id) == PLACE
    assert write.system == {"sqlite": "sqlite", "postgresql": "postgresql"}[observed.kind]
    assert (write.batch_size, write.stmt_seq, len(write.txn_id)) == (1, 1, 16)
    assert write.fingerprint.v == 1
    assert len(write.fingerprint.sha256) == 64
    assert (write.error_type, write.sqlstate) == (None, None)
    assert write.started_ns > 1_600_000_000 * 10**9
    assert write.duration_ns > 0
    assert write.committed_rows == 1


def test_an_orm_insert_of_three_rows_is_one_write_of_three(observed):
    with Session(observed.engine) as session:
        session.add_all([Item(name=name) for name in "abc"])
        session.commit()
    write = observed.only()
    assert (write.op, write.rows, write.batch_size) == ("INSERT", 3, 3)
    assert write.rows == observed.count()


def test_orm_changes_and_removals_of_three_rows_are_one_write_each(observed):
    filled(observed)
    with Session(observed.engine) as session:
        for item in session.scalars(select(Item)):
            item.size = 100 + item.id
        session.commit()
        for item in session.scalars(select(Item)):
            session.delete(item)
        session.commit()
    assert [seen(write)[:3] for write in observed.writes] == [("UPDATE", ("items",), 3), ("DELETE", ("items",), 3)]
    assert observed.count() == 0


@pytest.mark.parametrize("returning", [False, True])
@pytest.mark.parametrize("page", [1, 7, 1000])
def test_2500_rows_are_one_write_however_the_driver_splits_them(observed, returning, page):
    statement = insert(Item).returning(Item.id) if returning else insert(Item)
    with observed.engine.begin() as connection:
        result = connection.execution_options(insertmanyvalues_page_size=page).execute(statement, rows(2500))
        assert not returning or len(result.all()) == 2500
    write = observed.only()
    assert (write.rows, write.batch_size, write.outcome) == (2500, 2500, "committed")
    assert observed.count() == 2500


@pytest.mark.parametrize("way", ["parameter sets", "text", "one VALUES"])
def test_n8_2500_rows_have_the_fingerprint_of_one(observed, way):
    given = text("INSERT INTO items (name, size) VALUES (:name, :size)") if way == "text" else insert(Item)
    many = rows(2500)
    with observed.engine.begin() as connection:
        connection.execute(given, {"name": "one", "size": 0})
        connection.execute(given.values(many)) if way == "one VALUES" else connection.execute(given, many)
    one, several = observed.writes
    assert (one.rows, several.rows) == (1, 2500)
    assert several.fingerprint == one.fingerprint
    assert one.fingerprint is not None


@pytest.mark.parametrize("dialect", [postgresql.psycopg.dialect(), sqlite.dialect()], ids=lambda dialect: dialect.name)
def test_n8_2500_rows_of_ten_columns_in_one_values_have_a_fingerprint(dialect):
    wide = Table("wide", MetaData(), *(Column(f"column_{number}", String(40)) for number in range(10)))
    row = {column.name: "x" for column in wide.columns}
    _, one = Reader(dialect.name).read(str(insert(wide).values([row]).compile(dialect=dialect)))
    spelt = str(insert(wide).values([row] * 2500).compile(dialect=dialect))
    assert len(spelt) < LONGEST_READ
    assert Reader(dialect.name).read(spelt)[1] == one


def test_rows_that_conflict_are_not_counted(observed):
    filled(observed, 2)
    dialect = postgresql if observed.kind == "postgresql" else sqlite
    with observed.engine.begin() as connection:
        result = connection.execute(dialect.insert(Item).on_conflict_do_nothing().returning(Item.id), rows(5))
        assert len(result.all()) == 3
    assert observed.only().rows == 3


def test_several_rows_in_one_statement_are_counted(observed):
    with observed.engine.begin() as connection:
        connection.execute(insert(Item).values(rows(4)))
    assert (observed.only().rows, observed.only().batch_size) == (4, 1)


@pytest.mark.parametrize("fetch", ["all", "fetchall", "fetchmany", "first", "scalar", "one_by_one", "none_at_all"])
def test_rows_of_returning_are_counted_however_they_are_fetched(observed, fetch):
    filled(observed)
    with observed.engine.begin() as connection:
        result = connection.execute(update(Item).values(size=5).returning(Item.id))
        if fetch == "one_by_one":
            assert len([row for row in iter(result.fetchone, None)]) == 3  # noqa: C416  # each row by its own call
        elif fetch == "fetchmany":
            assert [len(part) for part in result.partitions(2)] == [2, 1]
        elif fetch == "none_at_all":
            result.close()
        else:
            getattr(result, fetch)()
    write = observed.only()
    assert seen(write)[:3] == ("UPDATE", ("items",), 3)
    if observed.kind == "sqlite":
        early = fetch in {"first", "scalar", "none_at_all"}
        assert write.rows_source == ("driver_delta" if early else "returned")


@SQLITE_ONLY
def test_a_cursor_left_open_leaves_the_number_unknown(observed):
    filled(observed)
    connection = observed.engine.connect()
    connection.execute(update(Item).values(size=5).returning(Item.id)).fetchone()
    connection.commit()
    connection.close()
    assert (observed.only().rows, observed.only().rows_source) == (None, "unknown")


def test_rows_of_triggers_are_not_counted(observed):
    observed.capture.uninstall()
    with observed.engine.begin() as connection:
        for statement in TRIGGERS[observed.kind]:
            connection.exec_driver_sql(statement)
    observed.watch()
    with observed.engine.begin() as connection:
        connection.execute(insert(Item).values(name="a").returning(Item.id)).scalar()
        connection.execute(text("WITH x AS (SELECT 'b' AS n) INSERT INTO items (name, size) SELECT n, 1 FROM x"))
    assert [write.rows for write in observed.writes] == [1, 1]
    assert observed.count("log") == 2


TRIGGERS = {
    "sqlite": [
        "CREATE TABLE log (n INTEGER)",
        "CREATE TRIGGER t AFTER INSERT ON items BEGIN INSERT INTO log VALUES (1); END",
    ],
    "postgresql": [
        "CREATE TABLE log (n INTEGER)",
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO log VALUES (1); RETURN NEW; END'",
        "CREATE TRIGGER t AFTER INSERT ON items FOR EACH ROW EXECUTE FUNCTION f()",
    ],
}


def test_zero_rows_are_zero_and_not_unknown(observed):
    with observed.engine.begin() as connection:
        connection.execute(delete(Item).where(Item.size > 10))
        connection.execute(update(Item).values(size=3).returning(Item.id)).all()
    assert [write.rows for write in observed.writes] == [0, 0]


def test_reading_never_appears(observed):
    filled(observed)
    with Session(observed.engine) as session:
        session.scalars(select(Item)).all()
        session.execute(text("WITH x AS (SELECT 1 AS one) SELECT * FROM x")).all()
        session.execute(text("/* INSERT INTO items */ SELECT 'DELETE FROM items'")).all()
        session.execute(select(Item.id).with_for_update()).all()
        session.commit()
    assert (observed.writes, observed.sink.ddls, observed.sink.drops) == ([], [], [])


RAW = {
    "/* why */ -- and\n INSERT INTO items (name, size) VALUES ('x', 1)": ("INSERT", ("items",), 1),
    "WITH s AS (SELECT 'y' AS n) INSERT INTO items (name, size) SELECT n, 2 FROM s": ("INSERT", ("items",), 1),
    'UPDATE "items" SET size = size + 1 WHERE size < 2': ("UPDATE", ("items",), 2),
    "DELETE FROM items": ("DELETE", ("items",), 3),
}


@pytest.mark.parametrize("raw", [True, False])
@pytest.mark.parametrize(("statement", "expected"), RAW.items())
def test_statements_in_text_are_recorded(observed, statement, expected, raw):
    filled(observed)
    with observed.engine.begin() as connection:
        connection.exec_driver_sql(statement) if raw else connection.execute(text(statement))
    assert seen(observed.only())[:3] == expected


@SQLITE_ONLY
@pytest.mark.parametrize("word", ["REPLACE", "INSERT OR REPLACE"])
def test_sqlite_replaces(observed, word):
    filled(observed)
    with observed.engine.begin() as connection:
        connection.exec_driver_sql(f"{word} INTO 'items' (name, size) VALUES ('n0', 9)")
    assert seen(observed.only())[:3] == ("REPLACE", ("items",), 1)


@SQLITE_ONLY
def test_a_compiled_insert_with_or_replace_is_a_replace(observed):
    with observed.engine.begin() as connection:
        connection.execute(insert(Item).prefix_with("OR REPLACE").values(name="a"))
    assert observed.only().op == "REPLACE"


POSTGRES = {
    "UPDATE ONLY public.items SET size = 7": ("UPDATE", ("public.items",), 3),
    'DELETE FROM ONLY ("public"."items")': ("DELETE", ("public.items",), 3),
    "TRUNCATE TABLE ONLY items, parts": ("TRUNCATE", ("items", "parts"), None),
    "COPY items (name) FROM PROGRAM 'true'": ("COPY", ("items",), 0),
    "MERGE INTO items USING (VALUES ('n0')) AS s(n) ON name = n WHEN MATCHED THEN DELETE": ("MERGE", ("items",), 1),
    "WITH gone AS (DELETE FROM items WHERE size > 0 RETURNING *) SELECT count(*) FROM gone": (
        "DELETE",
        ("items",),
        None,
    ),
    "WITH gone AS (DELETE FROM items RETURNING *) INSERT INTO parts (item_id) SELECT id FROM gone WHERE id < 0": (
        "INSERT",
        ("parts", "items"),
        None,
    ),
    "EXPLAIN (ANALYZE) DELETE FROM items": ("DELETE", ("items",), None),
    "DO $$ BEGIN DELETE FROM items; END $$": ("None", None, None),
    "DELETE FROM parts; DELETE FROM items": ("DELETE", ("parts", "items"), None),
}


@POSTGRES_ONLY
@pytest.mark.parametrize(("statement", "expected"), POSTGRES.items())
def test_postgresql_writes_in_more_words(observed, statement, expected):
    filled(observed)
    with observed.engine.begin() as connection:
        connection.exec_driver_sql(statement)
    assert seen(observed.only())[:3] == expected
    assert observed.only().outcome == "committed"


@POSTGRES_ONLY
@pytest.mark.parametrize(
    "statement", ["COPY items TO PROGRAM 'cat > /dev/null'", "EXPLAIN DELETE FROM items", "SET LOCAL work_mem = '1MB'"]
)
def test_what_writes_no_row_is_no_write(observed, statement):
    with observed.engine.begin() as connection:
        connection.exec_driver_sql(statement)
    assert observed.writes == []


def test_an_odd_name_comes_from_the_compiled_statement(observed):
    observed.capture.uninstall()
    with observed.engine.begin() as connection:
        connection.exec_driver_sql('CREATE TABLE "Odd.na""me" (a INTEGER)')
    observed.watch()
    with observed.engine.begin() as connection:
        connection.execute(insert(table('Odd.na"me', column("a"))).values(a=1))
    assert observed.only().tables == ('"Odd.na""me"',)


def test_a_name_is_spelled_as_the_application_spells_it(observed):
    loud = Table(quoted_name("Loud", quote=False), MetaData(), Column("a", Integer))
    with observed.engine.begin() as connection:
        loud.create(connection)
        connection.execute(insert(loud).values(a=1))
        connection.exec_driver_sql("INSERT INTO Loud VALUES (1)")
    assert [write.tables for write in observed.writes] == [("Loud",), ("loud",)]


@POSTGRES_ONLY
def test_a_schema_that_is_put_in_late_is_named(observed):
    observed.capture.uninstall()
    with observed.engine.begin() as connection:
        connection.exec_driver_sql("CREATE SCHEMA other CREATE TABLE items (LIKE public.items INCLUDING ALL)")
    observed.watch()
    engine = observed.engine.execution_options(schema_translate_map={None: "other"})
    with engine.begin() as connection:
        connection.execute(insert(Item).values(name="a"))
    assert observed.only().tables == ("other.items",)


def test_one_text_with_many_parameter_sets_is_one_write(observed):
    filled(observed)
    with observed.engine.begin() as connection:
        connection.execute(
            text("UPDATE items SET size = :s WHERE name = :n"), [{"s": 5, "n": "n0"}, {"s": 6, "n": "no"}]
        )
    assert (observed.only().rows, observed.only().batch_size) == (1, 2)


def test_an_engine_made_from_this_one_is_observed_too(observed):
    engine = observed.engine.execution_options(sqlite_begin="BEGIN IMMEDIATE")
    with engine.begin() as connection:
        connection.execute(insert(Item).values(name="a"))
    assert observed.only().rows == 1


def test_a_sequence_that_sqlalchemy_asks_first_is_not_part_of_the_write(observed):
    observed.capture.uninstall()
    key = Column("id", Integer, Sequence("numbers"), primary_key=True)
    numbered = Table("numbered", MetaData(), key, Column("a", Integer))
    numbered.create(observed.engine)
    observed.watch()
    statement = insert(numbered) if observed.kind == "sqlite" else insert(numbered).inline()
    with observed.engine.begin() as connection:
        connection.execute(statement.values(a=1))
        connection.execute(insert(numbered).returning(key), [{"a": 1}, {"a": 2}]).all()
    assert [write.rows for write in observed.writes] == [1, 2]
