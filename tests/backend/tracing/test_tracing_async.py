"""Writes of SQLAlchemy's asynchronous engine are seen as those of the other one: by its ``sync_engine`` (N7)."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from observed_database import PLACE, Item, Sink
from sqlalchemy import insert, select, text, update
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from backend.tracing.capture import install

DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+psycopg"}
OTHER = ("e" * 32, "e" * 16)


@asynccontextmanager
async def watching(observed):
    """An asynchronous engine on the observed database, and what is seen of it alone."""
    observed.capture.uninstall()
    url = make_url(observed.engine.url).set(drivername=DRIVERS[observed.kind])
    engine = create_async_engine(url, poolclass=AsyncAdaptedQueuePool)
    capture = install(engine.sync_engine, observed.sink, observed.place.get)
    try:
        assert capture.active
        yield engine
    finally:
        capture.uninstall()
        await engine.dispose()


def run(observed, work):
    """Do asynchronous work on an engine that is watched."""

    async def watched():
        async with watching(observed) as engine:
            return await work(engine)

    return asyncio.run(watched())


def test_n7_an_orm_insert_of_three_rows_is_one_write_of_three(observed):
    async def work(engine):
        async with AsyncSession(engine) as session:
            session.add_all([Item(name=name) for name in "abc"])
            await session.commit()

    run(observed, work)
    write = observed.only()
    assert (write.op, write.tables, write.rows, write.batch_size) == ("INSERT", ("items",), 3, 3)
    assert (write.outcome, (write.trace_id, write.span_id)) == ("committed", PLACE)
    assert write.rows == observed.count()


@pytest.mark.parametrize("returning", [False, True])
def test_n8_2500_rows_are_one_write(observed, returning):
    statement = insert(Item).returning(Item.id) if returning else insert(Item)

    async def work(engine):
        async with engine.begin() as connection:
            await connection.execute(statement, [{"name": f"n{index}"} for index in range(2500)])

    run(observed, work)
    write = observed.only()
    assert (write.rows, write.batch_size, write.outcome) == (2500, 2500, "committed")
    assert write.fingerprint is not None
    assert observed.count() == 2500


def test_n5_rollback_savepoint_and_close_undo_here_too(observed):
    async def work(engine):
        async with engine.connect() as connection:
            await connection.execute(insert(Item).values(name="rolled back"))
            await connection.rollback()
            await connection.execute(insert(Item).values(name="kept"))
            async with connection.begin_nested() as savepoint:
                await connection.execute(insert(Item).values(name="undone"))
                await savepoint.rollback()
            await connection.commit()
            await connection.execute(insert(Item).values(name="closed"))

    run(observed, work)
    assert observed.outcomes() == ["rolled_back", "committed", "rolled_back_to_savepoint", "rolled_back"]
    assert [write.committed_rows for write in observed.writes] == [0, 1, 0, 0]
    assert observed.count() == 1


def test_n6_a_conflict_is_one_failed_write_with_class_and_sqlstate(observed):
    async def work(engine):
        async with engine.begin() as connection:
            await connection.execute(insert(Item).values(name="a"))
        async with AsyncSession(engine) as session:
            session.add(Item(name="a"))
            with pytest.raises(IntegrityError):
                await session.flush()

    run(observed, work)
    assert observed.outcomes() == ["committed", "failed"]
    failed = observed.writes[1]
    assert failed.error_type.endswith("IntegrityError" if observed.kind == "sqlite" else "UniqueViolation")
    assert failed.sqlstate == (None if observed.kind == "sqlite" else "23505")


@pytest.mark.parametrize("fetch", ["all", "first", "close"])
def test_rows_of_returning_are_counted_however_they_are_fetched(observed, fetch):
    async def work(engine):
        async with engine.begin() as connection:
            await connection.execute(insert(Item), [{"name": name} for name in "abc"])
        async with engine.begin() as connection:
            result = await connection.execute(update(Item).values(size=5).returning(Item.id))
            getattr(result, fetch)()

    run(observed, work)
    assert [write.rows for write in observed.writes] == [3, 3]
    assert observed.sink.drops == []


@pytest.mark.parametrize("observed", ["sqlite"], indirect=True)
@pytest.mark.parametrize("to_the_end", [True, False])
def test_rows_of_a_stream_are_counted_as_they_are_fetched(observed, to_the_end):
    async def work(engine):
        async with engine.begin() as connection:
            await connection.execute(insert(Item), [{"name": name} for name in "abc"])
            found = await connection.stream(update(Item).values(size=5).returning(Item.id))
            if to_the_end:
                assert len(await found.all()) == 3
            else:
                assert await found.fetchone() is not None
                await found.close()

    run(observed, work)
    assert [write.rows for write in observed.writes] == [3, 3]
    assert observed.sink.drops == []


def test_n9_rows_behind_a_common_table_expression_are_counted(observed):
    statement = text("WITH more AS (SELECT 7 AS n) INSERT INTO items (name, size) SELECT 'a', n FROM more")

    async def work(engine):
        async with engine.begin() as connection:
            await connection.execute(statement)

    run(observed, work)
    assert (observed.only().op, observed.only().tables, observed.only().rows) == ("INSERT", ("items",), 1)


def test_n10_each_task_writes_in_its_own_place(observed):
    async def add(engine, name, place):
        observed.place.set(place)
        async with engine.begin() as connection:
            await connection.execute(insert(Item).values(name=name))

    async def work(engine):
        await asyncio.gather(add(engine, "a", PLACE), add(engine, "b", OTHER))

    run(observed, work)
    assert sorted((write.trace_id, write.span_id) for write in observed.writes) == sorted([PLACE, OTHER])
    assert observed.outcomes() == ["committed", "committed"]


def test_a_task_that_is_cancelled_rolls_back(observed):
    async def work(engine):
        wrote = asyncio.Event()

        async def never_ends():
            async with engine.begin() as connection:
                await connection.execute(insert(Item).values(name="a"))
                wrote.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(never_ends())
        await wrote.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    run(observed, work)
    assert observed.outcomes() == ["rolled_back"]
    assert observed.count() == 0


def test_fingerprints_are_those_of_the_other_engine(observed):
    statement = insert(Item).values(name="a")
    with observed.engine.begin() as connection:
        connection.execute(statement)

    async def work(engine):
        async with engine.begin() as connection:
            await connection.execute(statement.values(name="b"))

    run(observed, work)
    one, other = observed.writes
    assert one.fingerprint == other.fingerprint


def test_without_the_hooks_nothing_is_seen_and_everything_works(observed):
    async def work(engine):
        sink = Sink()
        install(engine.sync_engine, sink, observed.place.get).uninstall()
        async with engine.begin() as connection:
            await connection.execute(insert(Item).values(name="a"))
            assert (await connection.execute(select(Item.name))).scalars().all() == ["a"]
        return sink

    assert run(observed, work).writes == []
    assert len(observed.writes) == 1
