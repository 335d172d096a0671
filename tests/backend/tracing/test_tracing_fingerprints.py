"""Which statements count as the same, with each rule of version 1, and which do not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from observed_database import Item, Part
from sqlalchemy import bindparam, case, delete, exists, func, insert, null, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from backend.tracing.fingerprints import VERSION, fingerprint, normal_form
from backend.tracing.tokens import tokenize


def form(statement, dialect="sqlite"):
    return normal_form(tokenize(statement, dialect))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("DELETE FROM a WHERE b = 1", "delete  from A\nwhere b=2 -- why"),
        ("DELETE FROM a WHERE b = 'x'", "DELETE FROM a WHERE b = ?"),
        ("DELETE FROM a WHERE b = :b", "DELETE FROM a WHERE b = $c"),
        ("DELETE FROM a WHERE b = -5", "DELETE FROM a WHERE b = +5.5e1"),
        ("DELETE FROM a WHERE b = true", "DELETE FROM a WHERE b = 0"),
        ('DELETE FROM "a" WHERE "b" = 1', "DELETE FROM a WHERE b = 1"),
        ("DELETE FROM a WHERE b IN (1)", "DELETE FROM a WHERE b IN (?, ?, 'x')"),
        ("DELETE FROM a WHERE b NOT IN (1)", "DELETE FROM a WHERE b NOT IN (1, 2)"),
        ("INSERT INTO a (b, c) VALUES (1, 2)", "INSERT INTO a (b, c) VALUES (?, ?), (?, ?), (?, ?);"),
        ("INSERT INTO a VALUES (1) RETURNING b, (c)", "INSERT INTO a VALUES (1)"),
        ("DELETE FROM a; DELETE FROM b", "DELETE FROM a RETURNING x; DELETE FROM b RETURNING (y)"),
    ],
)
def test_values_and_spelling_make_no_difference(one, other):
    assert form(one) == form(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("DELETE FROM a WHERE b = ?", "DELETE FROM a WHERE b = NULL"),
        ("DELETE FROM a WHERE b = ?", "DELETE FROM a WHERE c = ?"),
        ('DELETE FROM "A"', "DELETE FROM a"),
        ('DELETE FROM "a b"', "DELETE FROM a b"),
        ('DELETE FROM a WHERE "?" = 1', "DELETE FROM a WHERE 1 = 1"),
        ("INSERT INTO a VALUES (1, 2)", "INSERT INTO a VALUES (1)"),
        ("INSERT INTO a VALUES (1), (NULL)", "INSERT INTO a VALUES (1)"),
        ("DELETE FROM a WHERE f(1, 2)", "DELETE FROM a WHERE f(1)"),
        ("DELETE FROM a WHERE b - 1 > 0", "DELETE FROM a WHERE b > 0"),
        ("DELETE FROM a WHERE b - 1 > 0", "DELETE FROM a WHERE b + 1 > 0"),
        ("DELETE FROM a WHERE b IN (1, c)", "DELETE FROM a WHERE b IN (1)"),
        ("WITH x AS (DELETE FROM a RETURNING b) SELECT 1", "WITH x AS (DELETE FROM a RETURNING c) SELECT 1"),
    ],
)
def test_what_else_differs_makes_a_difference(one, other):
    assert form(one) != form(other)


CASTS = [
    "INTEGER",
    "VARCHAR(36)",
    "NUMERIC(10, 2)",
    "DOUBLE PRECISION",
    "TIMESTAMP(6) WITH TIME ZONE",
    "BIT VARYING(5)",
    "VARCHAR[]",
    "INTEGER[][3]",
    '"my schema".kind',
    "TEXT::JSON",
    "TIMESTAMP WITHOUT TIME ZONE",
]


@pytest.mark.parametrize("cast", CASTS)
def test_the_cast_behind_a_placeholder_is_a_part_of_it(cast):
    assert (
        form(f"UPDATE a SET b=%(b)s::{cast}, c=%(c)s::{cast} WHERE d", "postgresql")
        == "update a set b = ? , c = ? where d"
    )


def test_a_cast_of_a_column_is_no_spelling():
    assert form("UPDATE a SET b=c::int", "postgresql") == "update a set b = c :: int"


def test_the_digest_is_fixed_for_its_version():
    found = fingerprint(tokenize("INSERT INTO a (b) VALUES (?)", "sqlite"))
    assert VERSION == 1
    assert str(found) == "v1:465d4e1791a745f567b9a4c225e8594779c0da58ad62afb605d56736f96e5bdd"


@given(st.text(), st.integers(), st.floats(allow_nan=False, allow_infinity=False))
def test_no_value_is_in_the_normal_form(string, integer, number):
    quoted = "'" + string.replace("'", "''") + "'"
    for dialect in ("sqlite", "postgresql"):
        statement = f"INSERT INTO a (b) VALUES ({quoted}, {integer}, {number!r})"
        assert form(statement, dialect) == "insert into a ( b ) values ( ? , ? , ? )"


@given(st.integers(1, 40), st.integers(1, 5))
def test_the_number_of_rows_makes_no_difference(rows, columns):
    group = "(" + ", ".join("?" * columns) + ")"
    text_ = f"INSERT INTO a VALUES {', '.join([group] * rows)} ON CONFLICT DO NOTHING"
    assert form(text_) == form(f"INSERT INTO a VALUES {group} ON CONFLICT DO NOTHING")


FRAMED = "INSERT INTO a (b, c) SELECT {0} FROM (VALUES (%(b)s::INTEGER, %(c)s)) AS imp_sen(p0, p1, sen_counter) {1}"
ORDERED = "ORDER BY sen_counter RETURNING a.id, a.id AS id__1"


def test_the_frame_of_an_ordered_insert_goes():
    plain = "INSERT INTO a (b, c) VALUES (?, ?)"
    assert form(FRAMED.format("p0::INTEGER, p1::NUMERIC(10, 2)", ORDERED), "postgresql") == form(plain)


@pytest.mark.parametrize("columns", ["p0::INTEGER, lower(p1::VARCHAR)", "p0, p1 + 1", "p0 p1", "p1, p0"])
def test_a_frame_that_computes_stays(columns):
    assert "imp_sen" in form(FRAMED.format(columns, ORDERED), "postgresql")


def test_a_name_like_the_frames_is_only_a_name():
    for statement in (
        "SELECT imp_sen FROM a",
        "imp_sen",
        FRAMED.format("p0::INTEGER", ""),
        "imp_sen order by sen_counter",
    ):
        assert "imp_sen" in form(statement, "postgresql")


def test_nested_lists_count_once_each():
    one = (
        "DELETE FROM a WHERE b IN (1, 2) AND c IN (SELECT d FROM e WHERE f IN (1, 2, 3) AND (g, h) IN ((1, 2), (3, 4)))"
    )
    other = "DELETE FROM a WHERE b IN (1) AND c IN (SELECT d FROM e WHERE f IN (1) AND (g, h) IN ((1, 2)))"
    assert form(one) == form(other)


STATEMENTS = {
    "insert": insert(Item).values(name="a", size=1),
    "insert of several": insert(Item).values([{"name": "a"}, {"name": "b"}]),
    "insert of an expression": insert(Item).values(
        name=func.lower("A"), size=select(func.max(Item.size)).scalar_subquery()
    ),
    "insert from select": insert(Part).from_select(["item_id"], select(Item.id).where(Item.name == "a")),
    "insert returning": insert(Item).values(name="a").returning(Item.id, Item.name),
    "update": update(Item).where(Item.id == 5).values(name="b", size=Item.size + 1),
    "update of many": update(Item).where(Item.id.in_([1, 2, 3])).values(size=2),
    "update by a condition": update(Item).values(size=case((Item.name == "a", 1), else_=null())),
    "delete": delete(Item).where(Item.name.like("a%"), ~exists().where(Part.item_id == Item.id)),
    "text": text("UPDATE items SET size = :size WHERE id IN :ids").bindparams(
        bindparam("ids", [1, 2], expanding=True), size=1
    ),
}


@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS.keys())
def test_one_statement_is_the_same_on_both_databases(statement):
    forms = set()
    for dialect in (sqlite.dialect(), postgresql.psycopg.dialect()):
        compiled = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
        forms.add(form(str(compiled), dialect.name))
    assert len(forms) == 1, forms
