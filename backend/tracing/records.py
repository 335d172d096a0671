"""What is kept of the database: one write for each logical statement, and schema changes as events.

A record holds no value of any statement: neither parameters nor literals nor the text of an error, which quotes them.
What is not known is ``None``; 0 rows means that the database said zero.

What each outcome means:

========================== =============================================================================================
committed                  The statement's transaction was committed, or it ran in autocommit and the driver was
                           outside of any transaction behind it.
rolled_back                The transaction was rolled back: asked for, by the database itself, by a COMMIT that failed
                           or that the database answered with a rollback, or because the connection was closed.
rolled_back_to_savepoint   A ROLLBACK TO SAVEPOINT undid it, whatever became of the rest of its transaction.
failed                     The statement itself raised. Of a batch that the driver sends one by one, earlier rows may
                           be in the transaction on SQLite; so the rows are unknown.
open                       Its end was never seen: capture was removed meanwhile, the connection was lost during
                           COMMIT, or somebody ended the transaction behind SQLAlchemy's back.
========================== =============================================================================================
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

Current = Callable[[], "tuple[str, str] | None"]
"""Gives trace id and span id of the running code; ``None`` outside of every trace."""


class Op(StrEnum):
    """What a statement does to rows; SELECT is none of them."""

    INSERT = "INSERT"
    UPDATE = "UPDATE"
    DELETE = "DELETE"
    MERGE = "MERGE"
    REPLACE = "REPLACE"
    TRUNCATE = "TRUNCATE"
    COPY = "COPY"


class Outcome(StrEnum):
    """What became of a statement; the table above says when."""

    COMMITTED = "committed"
    ROLLED_BACK = "rolled_back"
    ROLLED_BACK_TO_SAVEPOINT = "rolled_back_to_savepoint"
    FAILED = "failed"
    OPEN = "open"


class RowsSource(StrEnum):
    """Who counted the rows.

    ``cursor`` is the driver's row count of the statement, ``returned`` the rows that RETURNING gave and somebody
    fetched to the end, ``driver_delta`` the connection's own counter of changes. ``parameters`` is for recorders that
    have nothing but the number of parameter sets; this one never needs it.
    """

    CURSOR = "cursor"
    RETURNED = "returned"
    DRIVER_DELTA = "driver_delta"
    PARAMETERS = "parameters"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Which statement it was, without its values.

    Attributes:
        v: Version of the rule that takes the values out.
        sha256: 64 lower-case hex digits.
    """

    v: int
    sha256: str

    def __str__(self) -> str:
        return f"v{self.v}:{self.sha256}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DbEffect:
    """What a write and a schema change have in common.

    Attributes:
        trace_id: 32 hex digits; ``None`` outside of every trace.
        span_id: The span that the statement ran in, 16 hex digits.
        system: ``sqlite`` or ``postgresql``, as OpenTelemetry's ``db.system.name`` spells them.
        txn_id: 16 hex digits, one for each transaction; a statement in autocommit has its own.
        stmt_seq: Counts the records of a transaction from 1.
        fingerprint: ``None`` when the text has more than ``reading.LONGEST_READ`` characters.
        error_type: Class of the driver's exception, of the statement or of the COMMIT; never its text.
        sqlstate: Five characters, from databases that have them.
        started_ns: Wall clock, nanoseconds since 1970.
        duration_ns: By the monotonic clock, from the first to the last time that the driver was called.
    """

    trace_id: str | None
    span_id: str | None
    system: str
    txn_id: str
    stmt_seq: int
    fingerprint: Fingerprint | None
    outcome: Outcome
    error_type: str | None
    sqlstate: str | None
    started_ns: int
    duration_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DbWrite(DbEffect):
    """One logical statement that writes, however often the driver had to be called for it.

    Attributes:
        op: ``None`` when the text does not tell, as with CALL.
        tables: Tables written, the statement's own one first; a schema in front with a dot.
        batch_size: Parameter sets handed over with it.
        rows: Rows written by the statement; those of triggers and cascades are not among them.
    """

    op: Op | None
    tables: tuple[str, ...] | None
    batch_size: int
    rows: int | None
    rows_source: RowsSource

    @property
    def committed_rows(self) -> int | None:
        """Rows that are in the database because of it."""
        if self.outcome in {Outcome.ROLLED_BACK, Outcome.ROLLED_BACK_TO_SAVEPOINT}:
            return 0
        return self.rows if self.outcome is Outcome.COMMITTED else None


@dataclass(frozen=True, slots=True, kw_only=True)
class DbDdl(DbEffect):
    """A change of the schema or of rights.

    Attributes:
        command: First word, such as ``CREATE``.
        kind: What is changed, such as ``TABLE``.
        name: Which one.
    """

    command: str
    kind: str | None
    name: str | None


@dataclass(frozen=True, slots=True)
class CaptureState:
    """Whether writes of this process are seen at all: "no writes" and "no hooks" are different facts.

    Attributes:
        hooks: Those in place at this moment.
        active: Every hook is in place.
        version: Of this recorder.
    """

    hooks: tuple[str, ...]
    active: bool
    version: int


class Sink(Protocol):
    """Where records go. What it raises is counted and goes no further; it must not block."""

    def db_write(self, write: DbWrite) -> None:
        """Take a write whose outcome is known."""

    def db_ddl(self, ddl: DbDdl) -> None:
        """Take a schema change whose outcome is known."""

    def dropped(self, stage: str) -> None:
        """Count a record that is missing or incomplete: ``context``, ``capture``, ``buffer`` or ``sink``."""
