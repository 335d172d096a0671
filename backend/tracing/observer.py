"""Follows each statement through the driver: what it is, where it came from, how many rows it wrote, how it went.

SQLAlchemy calls the driver once or many times for one statement; the execution context is the same, so it is what makes
a logical statement. Whether it is committed at once is the driver's word behind it: no setting for autocommit is read.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from backend.tracing.counting import count_rows, prepare_counting
from backend.tracing.drivers import Standing, failure_of, standing
from backend.tracing.endings import harmless
from backend.tracing.reading import Reader, compiled_over, in_batches
from backend.tracing.records import Outcome
from backend.tracing.statements import Control, Deed
from backend.tracing.transactions import Entry, Origin

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.engine import ExceptionContext
    from sqlalchemy.engine.default import DefaultExecutionContext
    from sqlalchemy.pool import PoolProxiedConnection

    from backend.tracing.endings import Endings
    from backend.tracing.records import Current
    from backend.tracing.statements import Statement
    from backend.tracing.transactions import Transaction

EXCLUDED: Final = "tracing_excluded"
"""Execution option of an engine, connection or statement that is not to be observed."""


@dataclass(frozen=True, slots=True)
class _Call:
    """A write or schema change that the driver is carrying out."""

    entry: Entry
    transaction: Transaction


@dataclass(frozen=True, slots=True)
class _Step:
    """A statement that controls the transaction, which had failed before it or not."""

    statement: Statement
    aborted: bool


class Observer:
    """Listens to the statements of one engine."""

    def __init__(self, system: str, endings: Endings, current: Current) -> None:
        self._system = system
        self._endings = endings
        self._current = current
        self._reader = Reader(system)
        self._key = endings.key

    def drop(self, stage: str) -> None:
        """Count a record that is missing."""
        self._endings.drop(stage)

    @harmless
    def before(self, connection: Connection, *event: Any) -> None:  # noqa: ANN401  # SQLAlchemy's
        """``before_cursor_execute``: it is called for each part of a statement."""
        _cursor, text, _parameters, context, _many = event
        if context is None or self._endings.delivering or context.execution_options.get(EXCLUDED):
            return
        call = vars(context).get(self._key)
        if isinstance(call, _Call):
            call.entry.running = True
            return
        fairy = connection.connection
        if self._key in fairy.info:
            self._endings.look(fairy)
        if in_batches(context):
            # The parts are spelled differently from database to database; the whole is not.
            text = context.statement
        self._meet(fairy, text, context)

    def _meet(self, fairy: PoolProxiedConnection, text: str, context: DefaultExecutionContext) -> None:
        statement, fingerprint = self._reader.read(text)
        if statement.deed is Deed.NOTHING:
            return
        if statement.deed is Deed.CONTROL:
            aborted = standing(fairy.driver_connection) is Standing.ABORTED
            vars(context)[self._key] = _Step(statement, aborted)
            return
        entry = Entry(compiled_over(context, statement), fingerprint, self._origin(context))
        transaction = self._endings.begin(fairy.info)
        if not transaction.add(entry):
            self.drop("buffer")
        vars(context)[self._key] = _Call(entry, transaction)
        prepare_counting(context, entry.rows)

    def _origin(self, context: DefaultExecutionContext) -> Origin:
        try:
            place = self._current()
        except Exception:  # noqa: BLE001  # the caller's function
            self.drop("context")
            place = None
        batch_size = len(context.parameters) if context.executemany else 1
        return Origin(place, self._system, batch_size, time.time_ns(), time.perf_counter_ns())

    @harmless
    def after(self, connection: Connection, *event: Any) -> None:  # noqa: ANN401  # SQLAlchemy's
        """``after_cursor_execute``: the driver has carried out a statement, or a part of it."""
        _cursor, _text, _parameters, context, _many = event
        call = None if context is None else vars(context).get(self._key)
        if isinstance(call, _Call) and call.entry.running:
            self._carried_out(call, connection.connection, context)
        elif isinstance(call, _Step):
            self._controlled(call, connection.connection)
            del vars(context)[self._key]

    def _carried_out(self, call: _Call, fairy: PoolProxiedConnection, context: DefaultExecutionContext) -> None:
        entry = call.entry
        entry.running = False
        entry.duration_ns = time.perf_counter_ns() - entry.origin.began_ns
        count_rows(entry, context, fairy.dbapi_connection)
        if entry.statement.control is not None:
            # The same text ended the transaction, or began one: before the write or behind it, and with what end?
            self._endings.end(fairy.info, Outcome.OPEN)
        elif standing(fairy.driver_connection) is Standing.OUTSIDE and entry.outcome is None:
            call.transaction.decide(entry, Outcome.COMMITTED)

    def _controlled(self, step: _Step, fairy: PoolProxiedConnection) -> None:
        name, control = step.statement.name or "", step.statement.control
        info = fairy.info
        if control is Control.SAVEPOINT:
            self._endings.begin(info).savepoint(name)
            return
        transaction: Transaction | None = info.get(self._key)
        if transaction is None:
            return
        if control is Control.ROLLBACK_TO:
            transaction.rollback_to(name)
        elif control is Control.RELEASE:
            transaction.release(name)
        elif control is Control.PREPARED:
            transaction.prepared = True
        outcome = self._ending(step, standing(fairy.driver_connection))
        if outcome is not None:
            self._endings.end(info, outcome)

    def _ending(self, step: _Step, stands: Standing | None) -> Outcome | None:
        """What a statement makes of its transaction, if it ends it."""
        control = step.statement.control
        if control is Control.RELEASE and stands is Standing.OUTSIDE:
            # SQLite's outermost savepoint is a transaction.
            return Outcome.COMMITTED
        if control is Control.COMMIT and not step.aborted:
            return Outcome.COMMITTED
        return Outcome.ROLLED_BACK if control in {Control.COMMIT, Control.ROLLBACK} else None

    @harmless
    def error(self, event: ExceptionContext) -> None:
        """``handle_error``: a statement raised, or something about it did."""
        context, connection = event.execution_context, event.connection
        if context is None or connection is None or connection.closed or connection.invalidated:
            return
        fairy = connection.connection
        outside = standing(fairy.driver_connection) is Standing.OUTSIDE
        call = vars(context).get(self._key)
        # An error of SQLAlchemy's own, behind a statement that the database has carried out, undoes nothing.
        if isinstance(call, _Call) and (call.entry.running or event.sqlalchemy_exception is not None):
            entry = call.entry
            entry.duration_ns = time.perf_counter_ns() - entry.origin.began_ns
            call.transaction.fail(entry, failure_of(event.original_exception))
        transaction: Transaction | None = fairy.info.get(self._key)
        if outside and transaction is not None and transaction.undecided:
            # The database gave the whole transaction up, as SQLite does with OR ROLLBACK or a full disk.
            self._endings.end(fairy.info, Outcome.ROLLED_BACK)
