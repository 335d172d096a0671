"""The schema: made by migrations only, equal to the models, and refused when it is another one (F25)."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from backend.database import alembic_config, connect, migrate
from backend.errors import StartupError
from backend.models import Base

TABLES = {"projects", "jobs", "attempts", "idempotency_keys", "trace", "pipeline", "span", "trace_event", "db_write"}


@pytest.fixture
def engine(empty_database):
    engine = connect(empty_database)
    yield engine
    engine.dispose()


def run(engine, *statements):
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def tables(engine):
    return set(inspect(engine).get_table_names())


def revisions(engine):
    with engine.connect() as connection:
        return ScriptDirectory.from_config(alembic_config(connection))


def test_an_empty_database_becomes_what_the_models_say(engine):
    head = migrate(engine)
    assert head == revisions(engine).get_current_head()
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, Base.metadata) == []
    assert tables(engine) == TABLES | {"alembic_version"}


def test_constraints_have_the_names_of_the_convention(engine):
    """So that a later revision can name what it changes; SQLite keeps no names of primary keys that count up."""
    migrate(engine)
    inspector = inspect(engine)
    found = {
        item["name"]
        for table in TABLES
        for item in (
            *inspector.get_unique_constraints(table),
            *inspector.get_foreign_keys(table),
            *(index for index in inspector.get_indexes(table) if not index.get("duplicates_constraint")),
        )
    }
    wanted = {str(item.name) for table in Base.metadata.sorted_tables for item in (*table.constraints, *table.indexes)}
    assert found == {name for name in wanted if not name.startswith("pk_")}


def test_a_second_start_changes_nothing(engine):
    assert migrate(engine) == migrate(engine)


def test_every_revision_has_a_downgrade_that_undoes_it(engine):
    steps = list(revisions(engine).walk_revisions())
    for step in reversed(steps):
        with engine.begin() as connection:
            command.upgrade(alembic_config(connection), step.revision)
    for step in steps:
        with engine.begin() as connection:
            command.downgrade(alembic_config(connection), step.down_revision or "base")
    assert tables(engine) == {"alembic_version"}
    assert migrate(engine)


def test_jobs_outlive_the_coming_and_going_of_traces(engine):
    def to(revision, go):
        with engine.begin() as connection:
            go(alembic_config(connection), revision)

    def jobs():
        with engine.connect() as connection:
            found = connection.execute(
                text("SELECT jobs.id, number, phase FROM jobs JOIN attempts ON job_id = jobs.id")
            )
            return [tuple(row) for row in found]

    to("0001", command.upgrade)
    moment = "'2025-11-14 17:14:00'"
    run(
        engine,
        "INSERT INTO projects (id, instruction, workspace_path, created_at, updated_at)"
        f" VALUES ('p', 'i', 'w', {moment}, {moment})",
        "INSERT INTO jobs (id, project_id, job_type, instruction, status, engine, summary, trace_id, traceparent,"
        " created_at, updated_at)"
        f" VALUES ('j', 'p', 'edit', 'i', 'queued', 'template', '', 't', 'tp', {moment}, {moment})",
        "INSERT INTO attempts (job_id, number, launcher, phase, deadline_at, timings_ms, granted, warnings)"
        f" VALUES ('j', 1, 'docker', 'creating', {moment}, '{{}}', '{{}}', '[]')",
    )
    before = jobs()
    to("0002", command.upgrade)
    assert jobs() == before == [("j", 1, "creating")]
    run(
        engine,
        "INSERT INTO trace (id, id_format, started_ns, capture, dropped) VALUES ('t', 'uuid7', 1, '{}', '{}')",
        "UPDATE attempts SET span_id = 'a1'",
    )
    to("0001", command.downgrade)
    assert jobs() == before
    assert "trace" not in tables(engine)
    assert migrate(engine)
    assert jobs() == before


def test_a_foreign_table_in_the_way_stops_the_start_and_nothing_is_marked(engine):
    run(engine, "CREATE TABLE jobs (id INTEGER PRIMARY KEY, foreign_column TEXT)")
    with pytest.raises(StartupError, match="jobs") as caught:
        migrate(engine)
    assert caught.value.reference == "migration-failed"
    assert caught.value.hint
    assert "\n" not in str(caught.value)
    assert tables(engine) == {"jobs"}


def test_a_revision_that_this_code_does_not_know_stops_the_start(engine):
    migrate(engine)
    run(engine, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StartupError, match="9999") as caught:
        migrate(engine)
    assert caught.value.reference == "migration-failed"


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ("DROP TABLE idempotency_keys", "table idempotency_keys is missing"),
        ("ALTER TABLE jobs DROP COLUMN summary", "column jobs.summary is missing"),
        ("ALTER TABLE attempts RENAME COLUMN phase TO stage", "column attempts.phase is missing"),
    ],
)
def test_a_database_that_is_marked_as_current_and_is_not_stops_the_start(engine, damage, words):
    migrate(engine)
    run(engine, damage)
    with pytest.raises(StartupError, match=words) as caught:
        migrate(engine)
    assert caught.value.reference == "schema-mismatch"


def test_an_upgrade_onto_a_schema_that_does_not_fit_is_rolled_back(engine, monkeypatch):
    def half(config, revision):
        connection = config.attributes["connection"]
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
        connection.execute(text("INSERT INTO alembic_version VALUES ('0001')"))
        connection.execute(text("CREATE TABLE projects (seq INTEGER)"))

    monkeypatch.setattr("backend.database.command.upgrade", half)
    with pytest.raises(StartupError, match=re.escape("column projects.id is missing")):
        migrate(engine)
    assert tables(engine) == set()


def test_a_migration_that_fails_half_way_leaves_nothing_behind(engine, monkeypatch):
    def half(config, revision):
        config.attributes["connection"].execute(text("CREATE TABLE projects (seq INTEGER)"))
        raise ZeroDivisionError("a bug\nwith a second line")

    monkeypatch.setattr("backend.database.command.upgrade", half)
    with pytest.raises(StartupError, match=r"ZeroDivisionError: a bug$"):
        migrate(engine)
    assert tables(engine) == set()


def test_two_backends_that_start_at_once_on_an_empty_database_both_start(empty_database):
    engines = [connect(empty_database) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(migrate, engines))) == 1
    for engine in engines:
        engine.dispose()


def test_the_order_of_arrival_is_never_given_twice(engine):
    """A number that was given to a removed job must not come again, or a cursor would point to another job."""
    migrate(engine)
    insert = (
        "INSERT INTO projects (id, instruction, workspace_path, created_at, updated_at) "
        "VALUES ('{0}', 'i', 'w', '2025-11-14 17:14:00', '2025-11-14 17:14:00')"
    )
    run(engine, insert.format("a"), insert.format("b"), "DELETE FROM projects WHERE id = 'b'", insert.format("c"))
    with engine.connect() as connection:
        assert connection.execute(text("SELECT seq FROM projects ORDER BY seq")).scalars().all() == [1, 3]
