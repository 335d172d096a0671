"""What a statement is taken for: the corpus of spellings, on each database that knows them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.tracing.statements import Control, Deed, read_statement
from backend.tracing.tokens import tokenize
from backend.tracing.walking import qualified


def read(text, dialect="postgresql"):
    return read_statement(tokenize(text, dialect), dialect)


BOTH = {
    "INSERT INTO jobs (a) VALUES (1)": ("INSERT", ("jobs",)),
    "insert into Jobs default values": ("INSERT", ("jobs",)),
    "-- first\n/* second */INSERT INTO jobs SELECT 1": ("INSERT", ("jobs",)),
    'INSERT INTO "Jobs" VALUES (1)': ("INSERT", ("Jobs",)),
    'INSERT INTO "public"."jobs" VALUES (1)': ("INSERT", ("public.jobs",)),
    'INSERT INTO "a.b"."c" VALUES (1)': ("INSERT", ('"a.b".c',)),
    "INSERT INTO main . jobs VALUES (1)": ("INSERT", ("main.jobs",)),
    "INSERT INTO jobs AS j (a) VALUES (1) ON CONFLICT DO UPDATE SET a = 2": ("INSERT", ("jobs",)),
    "WITH a AS (SELECT 1), b(x, y) AS (VALUES (1, 2)) INSERT INTO jobs SELECT * FROM a": ("INSERT", ("jobs",)),
    "WITH RECURSIVE a(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM a) DELETE FROM jobs": ("DELETE", ("jobs",)),
    'WITH "insert" AS (SELECT 1) UPDATE jobs SET a = 1': ("UPDATE", ("jobs",)),
    "WITH update AS (SELECT 'DELETE FROM x') UPDATE jobs SET a = 1": ("UPDATE", ("jobs",)),
    "WITH a AS NOT MATERIALIZED (SELECT 1) UPDATE jobs SET a = 1": ("UPDATE", ("jobs",)),
    "UPDATE jobs AS j SET a = (SELECT b FROM other)": ("UPDATE", ("jobs",)),
    "DELETE FROM jobs WHERE id IN (SELECT id FROM other)": ("DELETE", ("jobs",)),
    "DELETE FROM jobs;": ("DELETE", ("jobs",)),
    ";;DELETE FROM jobs; -- done": ("DELETE", ("jobs",)),
    "DELETE FROM jobs; DELETE FROM other": ("DELETE", ("jobs", "other")),
    "DELETE FROM jobs; INSERT INTO jobs VALUES (';')": (None, ("jobs",)),
    "CALL something()": (None, None),
    "EXECUTE something": (None, None),
    "UPDATE": ("UPDATE", None),
    "INSERT INTO ?": ("INSERT", None),
    "? = CALL f()": (None, None),
}
POSTGRES = {
    "UPDATE ONLY jobs SET a = 1": ("UPDATE", ("jobs",)),
    "UPDATE ONLY (s.jobs) SET a = 1": ("UPDATE", ("s.jobs",)),
    "DELETE FROM ONLY jobs": ("DELETE", ("jobs",)),
    "MERGE INTO ONLY jobs j USING s ON true WHEN MATCHED THEN DELETE": ("MERGE", ("jobs",)),
    "WITH s AS (SELECT 1) MERGE INTO jobs USING s ON true WHEN NOT MATCHED THEN DO NOTHING": ("MERGE", ("jobs",)),
    "TRUNCATE jobs": ("TRUNCATE", ("jobs",)),
    "TRUNCATE TABLE ONLY (jobs), s.other * RESTART IDENTITY CASCADE": ("TRUNCATE", ("jobs", "s.other")),
    "COPY jobs FROM '/tmp/x'": ("COPY", ("jobs",)),
    "COPY s.jobs (a, b) FROM STDIN WITH (FORMAT csv)": ("COPY", ("s.jobs",)),
    "COPY (DELETE FROM jobs RETURNING *) TO STDOUT": ("DELETE", ("jobs",)),
    "WITH a AS (INSERT INTO x VALUES (1) RETURNING *) SELECT * FROM a": ("INSERT", ("x",)),
    "WITH a AS (INSERT INTO x VALUES (1)), b AS (DELETE FROM y) SELECT 1": (None, ("x", "y")),
    "WITH a AS (DELETE FROM x RETURNING *) INSERT INTO y SELECT * FROM a": ("INSERT", ("y", "x")),
    "WITH a AS (WITH b AS (UPDATE z SET q = 1 RETURNING *) SELECT * FROM b) SELECT 1": ("UPDATE", ("z",)),
    "WITH a AS (SELECT 1) CYCLE n SET c USING p INSERT INTO y SELECT 1": ("INSERT", ("y",)),
    "EXPLAIN ANALYZE VERBOSE INSERT INTO jobs VALUES (1)": ("INSERT", ("jobs",)),
    "EXPLAIN (COSTS OFF, ANALYZE) DELETE FROM jobs": ("DELETE", ("jobs",)),
    "/* a /* nested */ b */ DELETE FROM jobs": ("DELETE", ("jobs",)),
    "INSERT INTO 'no name' VALUES (1)": ("INSERT", None),
    "DO $$ BEGIN INSERT INTO jobs VALUES (1); END $$": (None, None),
    "-- one line\rINSERT INTO jobs VALUES (1)": ("INSERT", ("jobs",)),
    "CREATE TABLE t (trigger INTEGER); INSERT INTO jobs VALUES (1)": ("INSERT", ("jobs",)),
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1; $$; DELETE FROM jobs": ("DELETE", ("jobs",)),
    "CREATE PROCEDURE p() BEGIN ATOMIC DELETE FROM x; SELECT CASE WHEN true THEN 1 END; END; DELETE FROM jobs": (
        "DELETE",
        ("jobs",),
    ),
}
SQLITE = {
    "REPLACE INTO jobs VALUES (1)": ("REPLACE", ("jobs",)),
    "INSERT OR REPLACE INTO jobs VALUES (1)": ("REPLACE", ("jobs",)),
    "INSERT OR IGNORE INTO jobs VALUES (1)": ("INSERT", ("jobs",)),
    "UPDATE OR ROLLBACK jobs SET a = 1": ("UPDATE", ("jobs",)),
    "INSERT INTO [my jobs] VALUES (1)": ("INSERT", ("my jobs",)),
    "INSERT INTO `jobs` VALUES (1)": ("INSERT", ("jobs",)),
    "INSERT INTO 'jobs' VALUES (1)": ("INSERT", ("jobs",)),
    "UPDATE only SET a = 1": ("UPDATE", ("only",)),
    "/* a /* not nested */ DELETE FROM jobs": ("DELETE", ("jobs",)),
}
WRITES = [
    *(("sqlite", *item) for item in (BOTH | SQLITE).items()),
    *(("postgresql", *item) for item in (BOTH | POSTGRES).items()),
]


@pytest.mark.parametrize(("dialect", "text", "expected"), WRITES)
def test_op_and_tables_of_a_write(dialect, text, expected):
    found = read(text, dialect)
    assert (found.deed, found.op and str(found.op), found.tables) == (Deed.WRITE, *expected)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM jobs",
        "(SELECT 1) UNION (SELECT 2)",
        "SELECT 'INSERT INTO jobs', \"DELETE\" FROM jobs -- UPDATE jobs",
        "SELECT a FROM jobs FOR UPDATE",
        "WITH a AS (SELECT 1) SELECT * FROM a",
        "VALUES (1)",
        "TABLE jobs",
        "PRAGMA user_version = 3",
        "SET LOCAL work_mem = '1MB'",
        "EXPLAIN INSERT INTO jobs VALUES (1)",
        "EXPLAIN (ANALYZE OFF) INSERT INTO jobs VALUES (1)",
        "EXPLAIN QUERY PLAN DELETE FROM jobs",
        "COPY jobs TO STDOUT",
        "COPY (SELECT 1) TO STDOUT",
        "PREPARE p AS INSERT INTO jobs VALUES (1)",
        "DECLARE c CURSOR FOR SELECT 1",
        "LOCK TABLE jobs",
        "",
        ";",
        "-- nothing",
    ],
)
def test_what_writes_nothing(text):
    assert read(text).deed is Deed.NOTHING


@pytest.mark.parametrize(
    ("text", "control", "name"),
    [
        ("BEGIN IMMEDIATE", Control.BEGIN, None),
        ("START TRANSACTION", Control.BEGIN, None),
        ("COMMIT", Control.COMMIT, None),
        ("END WORK", Control.COMMIT, None),
        ("ROLLBACK", Control.ROLLBACK, None),
        ("ABORT", Control.ROLLBACK, None),
        ("SAVEPOINT a1", Control.SAVEPOINT, "a1"),
        ("RELEASE a1", Control.RELEASE, "a1"),
        ('RELEASE SAVEPOINT "A1"', Control.RELEASE, "A1"),
        ("ROLLBACK TO a1", Control.ROLLBACK_TO, "a1"),
        ("ROLLBACK TRANSACTION TO SAVEPOINT A1", Control.ROLLBACK_TO, "a1"),
        ("PREPARE TRANSACTION 'x'", Control.PREPARED, None),
        ("COMMIT PREPARED 'x'", Control.PREPARED, None),
    ],
)
def test_what_controls_the_transaction(text, control, name):
    found = read(text)
    assert (found.deed, found.control, found.name) == (Deed.CONTROL, control, name)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CREATE TABLE IF NOT EXISTS s.jobs (a INTEGER)", ("CREATE", "TABLE", "s.jobs")),
        ("CREATE TABLE jobs AS SELECT 1", ("CREATE", "TABLE", "jobs")),
        ("CREATE UNIQUE INDEX CONCURRENTLY ix ON jobs (a)", ("CREATE", "INDEX", "ix")),
        ("CREATE INDEX ON jobs (a)", ("CREATE", "INDEX", None)),
        ("ALTER TABLE ONLY jobs ADD COLUMN a INTEGER", ("ALTER", "TABLE", "jobs")),
        ("DROP MATERIALIZED VIEW v", ("DROP", "VIEW", "v")),
        ("CREATE OR REPLACE VIEW v AS SELECT 1", ("CREATE", "VIEW", "v")),
        ("CREATE USER u PASSWORD 'hush'", ("CREATE", "USER", "u")),
        ("GRANT ALL ON TABLE jobs TO u", ("GRANT", "TABLE", None)),
        ("COMMENT ON TABLE jobs IS 'x'", ("COMMENT", "TABLE", None)),
        ("SELECT a INTO TEMP copied FROM jobs", ("CREATE", "TABLE", "copied")),
        ("CREATE RULE r AS ON INSERT TO a DO ALSO (UPDATE b SET c = 1; DELETE FROM d)", ("CREATE", "RULE", "r")),
        (
            "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC DELETE FROM d; SELECT CASE WHEN true THEN 1 END; END",
            ("CREATE", "FUNCTION", "f"),
        ),
    ],
)
def test_what_changes_the_schema(text, expected):
    found = read(text)
    assert (found.deed, found.command, found.kind, found.name) == (Deed.DDL, *expected)


def test_the_body_of_a_trigger_of_sqlite_is_part_of_its_making():
    text = "CREATE TEMP TRIGGER t AFTER INSERT ON a BEGIN UPDATE b SET c = 1; DELETE FROM d; END"
    found = read(text, "sqlite")
    assert (found.deed, found.command, found.kind, found.name) == (Deed.DDL, "CREATE", "TRIGGER", "t")


def test_a_write_beside_transaction_control_remembers_it():
    found = read("BEGIN; INSERT INTO jobs VALUES (1); ROLLBACK")
    assert (found.deed, found.tables, found.control) == (Deed.WRITE, ("jobs",), Control.BEGIN)


def test_statements_in_statements_are_read_to_a_depth():
    text = "INSERT INTO deep VALUES (1)"
    for _ in range(5000):
        text = f"WITH a AS ({text}) SELECT 1"
    found = read(text)
    assert (found.deed, found.op, found.tables) == (Deed.WRITE, None, None)


NAMES = st.text(min_size=1, max_size=12).filter(lambda name: "\0" not in name)


@given(st.lists(NAMES, min_size=1, max_size=3), st.sampled_from(["sqlite", "postgresql"]))
def test_any_quoted_name_is_found_again(parts, dialect):
    name = ".".join('"' + part.replace('"', '""') + '"' for part in parts)
    for text in (f"INSERT INTO {name} VALUES (1)", f"WITH x AS (SELECT 1)UPDATE {name} SET a=1", f"DELETE FROM {name}"):
        assert read(text, dialect).tables == (qualified(*parts),)
