"""Counts the rows that a statement wrote, in the way that its driver makes possible.

Where the driver knows the number behind each call, that is it. SQLite carries a statement with RETURNING out as its
first row is asked for, and sqlite3 knows its count only behind the last one: there the rows are counted as they are
fetched; if the cursor is closed earlier, the connection's own counter knows them. A cursor that is neither fetched to
its end nor closed leaves the number unknown.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from sqlalchemy.engine import AdaptedConnection

from backend.tracing.drivers import changes
from backend.tracing.reading import in_batches
from backend.tracing.records import RowsSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy.engine.default import DefaultExecutionContext

    from backend.tracing.transactions import Entry, Rows


class CountingCursor:
    """Stands in front of a DB-API cursor and does what that one does."""

    __slots__ = ("_connection", "_cursor", "_ended", "_rows", "_seen")

    def __init__(self, cursor: Any, rows: Rows, connection: Any) -> None:  # noqa: ANN401  # any driver's
        for name, value in (("_cursor", cursor), ("_rows", rows), ("_connection", connection)):
            object.__setattr__(self, name, value)
        object.__setattr__(self, "_seen", 0)
        object.__setattr__(self, "_ended", False)

    def fetchone(self) -> Any:  # noqa: ANN401  # a row of any shape
        """Fetch and count one row."""
        row = self._cursor.fetchone()
        self._count(row is not None, ended=row is None)
        return row

    def fetchmany(self, *size: int) -> Sequence[Any]:
        """Fetch and count several rows."""
        rows: Sequence[Any] = self._cursor.fetchmany(*size)
        self._count(len(rows), ended=len(rows) < (size[0] if size else 1))
        return rows

    def fetchall(self) -> Sequence[Any]:
        """Fetch and count the remaining rows."""
        rows: Sequence[Any] = self._cursor.fetchall()
        self._count(len(rows), ended=True)
        return rows

    def close(self) -> None:
        """Close the cursor, which ends the statement."""
        self._cursor.close()
        if not self._ended and (count := changes(self._connection)) is not None:
            self._rows.add(count, RowsSource.DRIVER_DELTA)
        object.__setattr__(self, "_ended", True)

    def _count(self, number: int, *, ended: bool) -> None:
        object.__setattr__(self, "_seen", self._seen + number)
        if ended and not self._ended:
            self._rows.add(self._seen, RowsSource.RETURNED)
            object.__setattr__(self, "_ended", True)

    def __iter__(self) -> Iterator[Any]:
        while (row := self.fetchone()) is not None:
            yield row

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # whatever the driver's cursor has
        return getattr(self._cursor, name)

    def __setattr__(self, name: str, value: Any) -> None:  # noqa: ANN401  # likewise
        setattr(self._cursor, name, value)


def prepare_counting(context: DefaultExecutionContext, rows: Rows) -> None:
    """Count what each part of a statement returns, as SQLAlchemy fetches it, where the driver does not."""
    if not in_batches(context) or not _counts_late(context):
        return
    fetch: Callable[[DefaultExecutionContext, Any], Any] = type(context).fetchall_for_returning
    # The function must not keep alive what it hangs on.
    owner = weakref.ref(context)

    def counted(cursor: Any) -> Sequence[Any]:  # noqa: ANN401  # a driver's cursor
        found = owner()
        fetched: Sequence[Any] = cursor.fetchall() if found is None else fetch(found, cursor)
        rows.add(len(fetched), RowsSource.RETURNED)
        return fetched

    vars(context)["fetchall_for_returning"] = counted


def count_rows(entry: Entry, context: DefaultExecutionContext, connection: Any) -> None:  # noqa: ANN401
    """Count the rows of what the driver has just carried out.

    Args:
        entry: The statement; its count grows, now or when its rows are fetched.
        context: Its execution; where nothing else helps, its cursor gets one in front that counts.
        connection: The DB-API's.
    """
    cursor = context.cursor
    if not entry.statement.countable:
        entry.rows.lose()
    elif cursor.description is not None and _counts_late(context):
        if not in_batches(context):
            _count_late(entry, context, connection)
    elif cursor.rowcount >= 0 and not _sums_wrongly(context):
        entry.rows.add(cursor.rowcount, RowsSource.CURSOR)
    elif not context.executemany and (count := changes(connection)) is not None:
        # The sqlite3 module does not count behind WITH.
        entry.rows.add(count, RowsSource.DRIVER_DELTA)
    else:
        entry.rows.lose()


def _count_late(entry: Entry, context: DefaultExecutionContext, connection: Any) -> None:  # noqa: ANN401
    # In front of an asynchronous driver, SQLAlchemy has fetched everything by now, unless it was asked for a stream.
    fetched = isinstance(connection, AdaptedConnection) and not getattr(context.cursor, "server_side", True)
    if fetched and (count := changes(connection)) is not None:
        entry.rows.add(count, RowsSource.DRIVER_DELTA)
    else:
        context.cursor = CountingCursor(context.cursor, entry.rows, connection)


def _counts_late(context: DefaultExecutionContext) -> bool:
    return not getattr(context.dialect, "supports_sane_rowcount_returning", True)


def _sums_wrongly(context: DefaultExecutionContext) -> bool:
    return context.executemany and not in_batches(context) and not context.dialect.supports_sane_multi_rowcount
