"""Decides what became of a transaction, and hands its records over.

What counts is the driver's own view, asked before and behind each end: a COMMIT that PostgreSQL answers with a rollback
is a rollback, and a transaction that somebody ended behind SQLAlchemy's back is called open, not guessed. Nothing of
this reaches the caller: what goes wrong here is counted as dropped and swallowed.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeVar

from backend.tracing.drivers import Standing, failure_of, standing
from backend.tracing.records import Outcome
from backend.tracing.statements import Deed
from backend.tracing.transactions import Transaction

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

    from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

    from backend.tracing.records import Sink
    from backend.tracing.transactions import Entry, Failure


class Guarded(Protocol):
    """What can count an error of its own."""

    def drop(self, stage: str) -> None:
        """Count a record that is missing."""


_Self = TypeVar("_Self", bound=Guarded)
_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")


def harmless(
    method: Callable[Concatenate[_Self, _Given], _Result],
) -> Callable[Concatenate[_Self, _Given], _Result | None]:
    """Keep errors of the recorder from the recorded."""

    @wraps(method)
    def guarded(self: _Self, /, *args: _Given.args, **kwargs: _Given.kwargs) -> _Result | None:
        try:
            return method(self, *args, **kwargs)
        except Exception:  # noqa: BLE001  # whatever it is, the statement goes on
            self.drop("capture")
            return None

    return guarded


class Endings:
    """The unfinished transactions of one engine's connections, each kept in the ``info`` of its connection."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        # Several recorders may watch one engine.
        self.key = f"ladder_tracing_{id(self)}"
        self._unfinished: dict[int, Transaction] = {}
        self._thread = threading.local()

    @property
    def delivering(self) -> bool:
        """Whether this thread is inside of the sink: what the sink writes is not recorded."""
        return getattr(self._thread, "delivering", False)

    def drop(self, stage: str) -> None:
        """Count a record that is missing."""
        # When the sink cannot even count, nobody is left to tell.
        with suppress(Exception):
            self._sink.dropped(stage)

    def begin(self, info: MutableMapping[Any, Any]) -> Transaction:
        """The transaction of a connection, a new one if none is unfinished."""
        found: Transaction | None = info.get(self.key)
        if found is None:
            found = info[self.key] = Transaction()
            self._unfinished[id(found)] = found
        return found

    def look(self, fairy: PoolProxiedConnection) -> Transaction | None:
        """The unfinished transaction of a connection, unless it has ended unseen."""
        try:
            found: Transaction | None = fairy.info.get(self.key)
        except NotImplementedError:
            # While a dialect gets to know its first connection, a stand-in ends transactions in which nothing was done.
            return None
        if found is None or found.prepared or not found.holds:
            return found
        if standing(fairy.driver_connection) is Standing.OUTSIDE:
            self.end(fairy.info, Outcome.OPEN)
            return None
        return found

    def end(self, info: MutableMapping[Any, Any], outcome: Outcome, failure: Failure | None = None) -> None:
        """Decide about what is undecided, and hand everything over."""
        found: Transaction | None = info.pop(self.key, None)
        if found is not None:
            self._hand_over(found, outcome, failure)

    def _hand_over(self, transaction: Transaction, outcome: Outcome, failure: Failure | None = None) -> None:
        self._unfinished.pop(id(transaction), None)
        self._thread.delivering = True
        try:
            for entry in transaction.end(outcome, failure):
                self._hand_one(entry)
        finally:
            self._thread.delivering = False

    def _hand_one(self, entry: Entry) -> None:
        try:
            if entry.statement.deed is Deed.DDL:
                self._sink.db_ddl(entry.ddl())
            else:
                self._sink.db_write(entry.write())
        except Exception:  # noqa: BLE001  # a sink's errors are its own
            self.drop("sink")

    @harmless
    def give_up(self) -> None:
        """Hand over all that is unfinished; its end will not be seen."""
        for transaction in list(self._unfinished.values()):
            self._hand_over(transaction, Outcome.OPEN)

    # Around the end of a transaction

    @harmless
    def before_end(self, fairy: PoolProxiedConnection) -> Outcome | None:
        """What COMMIT will mean, told before it is sent; ``None`` when nothing waits for it."""
        if self.look(fairy) is None:
            return None
        aborted = standing(fairy.driver_connection) is Standing.ABORTED
        return Outcome.ROLLED_BACK if aborted else Outcome.COMMITTED

    @harmless
    def committed(self, fairy: PoolProxiedConnection, outcome: Outcome) -> None:
        """COMMIT returned."""
        self.end(fairy.info, outcome)

    @harmless
    def not_committed(self, fairy: PoolProxiedConnection, error: BaseException) -> None:
        """COMMIT raised: the transaction may go on, be over, or nobody knows."""
        failure = failure_of(error)
        stands = standing(fairy.driver_connection)
        if stands is Standing.LOST or not isinstance(error, Exception):
            self.end(fairy.info, Outcome.OPEN, failure)
        elif stands is Standing.OUTSIDE:
            self.end(fairy.info, Outcome.ROLLED_BACK, failure)
        else:
            self.begin(fairy.info).failure = failure

    @harmless
    def rolled_back(self, fairy: PoolProxiedConnection) -> None:
        """ROLLBACK returned or raised; either way, what is not in a transaction any more was undone."""
        if standing(fairy.driver_connection) not in {Standing.INSIDE, Standing.ABORTED}:
            self.end(fairy.info, Outcome.ROLLED_BACK)

    @harmless
    def prepared(self, fairy: PoolProxiedConnection) -> None:
        """The first of two phases is over."""
        self.begin(fairy.info).prepared = True

    # Events of the pool

    @harmless
    def checked_in(self, _connection: object, entry: ConnectionPoolEntry) -> None:
        """``checkin``: the pool has rolled back, unless it was told not to."""
        if self.key in entry.info and standing(entry.driver_connection) not in {Standing.INSIDE, Standing.ABORTED}:
            self.end(entry.info, Outcome.OPEN)

    @harmless
    def closed(self, _connection: object, entry: ConnectionPoolEntry, *_error: object) -> None:
        """``close`` and ``invalidate``: a transaction ends with its connection."""
        found = entry.info.get(self.key)
        if found is not None:
            unseen = found.prepared or standing(entry.driver_connection) is Standing.OUTSIDE
            self.end(entry.info, Outcome.OPEN if unseen else Outcome.ROLLED_BACK)
