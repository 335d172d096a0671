"""What a driver's connection says of itself: whether a transaction is open, and how many rows changed last.

Only attributes are read, as psycopg 3, psycopg2, sqlite3 and aiosqlite have them; of another driver nothing is known,
which is not the same as no transaction.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from enum import Enum, auto
from typing import Any, Final

from sqlalchemy.engine import AdaptedConnection
from sqlalchemy.exc import SQLAlchemyError

from backend.tracing.transactions import Failure


class Standing(Enum):
    """Where a connection stands, as its driver sees it."""

    OUTSIDE = auto()
    """No transaction is open: what was written is committed."""
    INSIDE = auto()
    ABORTED = auto()
    """A statement failed; PostgreSQL answers COMMIT with a rollback, without an error."""
    LOST = auto()
    """The connection is broken."""


# libpq's PGTransactionStatusType: idle, active, in transaction, in a failed transaction, unknown.
_PQ: Final = (Standing.OUTSIDE, Standing.INSIDE, Standing.INSIDE, Standing.ABORTED, Standing.LOST)


def standing(connection: Any) -> Standing | None:  # noqa: ANN401  # any driver's connection
    """Ask a driver's connection; ``None`` when it does not say."""
    info = getattr(connection, "info", None)
    status = getattr(info, "transaction_status", None)
    if status is not None:
        return _PQ[status] if 0 <= status < len(_PQ) else None
    inside = getattr(connection, "in_transaction", None)
    if inside is None:
        return None
    return Standing.INSIDE if inside else Standing.OUTSIDE


def changes(connection: Any) -> int | None:  # noqa: ANN401  # any driver's connection
    """How many rows the last statement of an SQLite connection changed, without those of triggers and cascades.

    It reads a counter of the connection (https://www.sqlite.org/lang_corefunc.html#changes); no table, no transaction.

    Args:
        connection: The DB-API's; of an asynchronous driver, the one that SQLAlchemy puts in front.
    """
    if not _is_sqlite(connection):
        return None
    try:
        with closing(connection.cursor()) as cursor:
            cursor.execute("SELECT changes()")
            (count,) = cursor.fetchone()
    except (sqlite3.Error, SQLAlchemyError, TypeError, ValueError):
        # Closed meanwhile, or used by another thread or outside of its task, or with a row factory of its own.
        return None
    return count if isinstance(count, int) else None


def _is_sqlite(connection: Any) -> bool:  # noqa: ANN401  # any driver's connection
    if isinstance(connection, sqlite3.Connection):
        return True
    adapted = isinstance(connection, AdaptedConnection)
    return adapted and type(connection.driver_connection).__module__.partition(".")[0] == "aiosqlite"


def failure_of(error: BaseException) -> Failure:
    """Class and SQLSTATE of an error, never its text: that quotes values."""
    kind = type(error)
    state = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    sqlstate = state if isinstance(state, str) and len(state) == _SQLSTATE_CHARS else None
    return Failure(f"{kind.__module__}.{kind.__qualname__}", sqlstate)


_SQLSTATE_CHARS: Final = 5
