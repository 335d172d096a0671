"""Statements of one transaction, held until it is known what became of them; pure, told by others what happened.

A record is handed on when its transaction has ended, in the order of the statements. Until then a rollback to a
savepoint marks those behind it, and a statement that failed stays failed. A transaction that writes more statements
than are held loses the later ones, which are counted.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from backend.tracing.records import DbDdl, DbWrite, Outcome, RowsSource

if TYPE_CHECKING:
    from backend.tracing.records import Fingerprint
    from backend.tracing.statements import Statement

MOST_HELD: Final = 10_000
"""Statements of one transaction; a record takes about 500 bytes."""


@dataclass(slots=True)
class Rows:
    """A count that grows with each call of the driver; one unknown part makes the whole unknown."""

    known: int | None = 0
    source: RowsSource = RowsSource.UNKNOWN

    def add(self, count: int, source: RowsSource) -> None:
        """Count rows of one call."""
        if self.known is not None:
            self.known += count
            self.source = source

    def lose(self) -> None:
        """Give up counting."""
        self.known, self.source = None, RowsSource.UNKNOWN


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a statement came from."""

    place: tuple[str, str] | None
    system: str
    batch_size: int
    started_ns: int
    began_ns: int
    """By the monotonic clock."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What an error was, without what it said."""

    error_type: str
    sqlstate: str | None


@dataclass(slots=True)
class Entry:
    """One logical statement on its way to a record.

    Attributes:
        calls: How often the driver has carried out a part of it.
        running: The driver is carrying out a part of it now.
    """

    statement: Statement
    fingerprint: Fingerprint | None
    origin: Origin
    txn_id: str = ""
    seq: int = 0
    calls: int = 0
    running: bool = True
    duration_ns: int = 0
    outcome: Outcome | None = None
    failure: Failure | None = None
    rows: Rows = field(default_factory=Rows)

    def write(self) -> DbWrite:
        """Its record as a write."""
        known = self.rows.source is not RowsSource.UNKNOWN
        return DbWrite(
            **self._common(),
            op=self.statement.op,
            tables=self.statement.tables,
            batch_size=self.origin.batch_size,
            rows=self.rows.known if known else None,
            rows_source=self.rows.source,
        )

    def ddl(self) -> DbDdl:
        """Its record as a change of the schema."""
        statement = self.statement
        return DbDdl(**self._common(), command=statement.command or "", kind=statement.kind, name=statement.name)

    def _common(self) -> dict[str, Any]:
        trace_id, span_id = self.origin.place or (None, None)
        return {
            "trace_id": trace_id,
            "span_id": span_id,
            "system": self.origin.system,
            "txn_id": self.txn_id,
            "stmt_seq": self.seq,
            "fingerprint": self.fingerprint,
            "outcome": self.outcome or Outcome.OPEN,
            "error_type": self.failure and self.failure.error_type,
            "sqlstate": self.failure and self.failure.sqlstate,
            "started_ns": self.origin.started_ns,
            "duration_ns": self.duration_ns,
        }


class Transaction:
    """The statements of one connection since its last transaction ended.

    Attributes:
        prepared: Its first phase is over; the connection stands outside, and it has not ended.
        failure: Why a COMMIT did not succeed.
    """

    def __init__(self) -> None:
        self.prepared = False
        self.failure: Failure | None = None
        self._entries: list[Entry] = []
        self._savepoints: list[tuple[str, int]] = []
        self._undecided = 0
        self._renew()

    def _renew(self) -> None:
        self._txn_id = secrets.token_hex(8)
        self._seq = 0

    @property
    def undecided(self) -> bool:
        """Whether the end of the transaction decides about a statement."""
        return self._undecided > 0

    @property
    def holds(self) -> bool:
        """Whether any statement is held."""
        return bool(self._entries)

    def add(self, entry: Entry) -> bool:
        """Hold a statement that begins now; ``False`` if too many are held already."""
        if len(self._entries) >= MOST_HELD:
            # Whatever happens to it, it is not waited for.
            entry.outcome = Outcome.OPEN
            return False
        self._seq += 1
        entry.txn_id, entry.seq = self._txn_id, self._seq
        self._entries.append(entry)
        self._undecided += 1
        return True

    def decide(self, entry: Entry, outcome: Outcome) -> None:
        """Say what became of one statement, whatever its transaction will do."""
        self._undecided -= entry.outcome is None
        entry.outcome = outcome

    def fail(self, entry: Entry, failure: Failure) -> None:
        """Say that a statement raised; what it wrote before that is unknown."""
        self.decide(entry, Outcome.FAILED)
        entry.running, entry.failure = False, failure
        entry.rows.lose()

    def savepoint(self, name: str) -> None:
        """Set a savepoint."""
        self._savepoints.append((name, len(self._entries)))

    def release(self, name: str) -> None:
        """Forget a savepoint and those behind it; what they hold stays."""
        if (at := self._find(name)) is not None:
            del self._savepoints[at:]

    def rollback_to(self, name: str) -> None:
        """Undo what came behind a savepoint, which stays."""
        at = self._find(name)
        if at is None:
            return
        for entry in self._entries[self._savepoints[at][1] :]:
            if entry.outcome is None:
                self.decide(entry, Outcome.ROLLED_BACK_TO_SAVEPOINT)
        self._savepoints[at:] = [(name, len(self._entries))]

    def _find(self, name: str) -> int | None:
        # Of two savepoints with one name, the later one hides the other.
        return next((at for at in reversed(range(len(self._savepoints))) if self._savepoints[at][0] == name), None)

    def end(self, outcome: Outcome, failure: Failure | None = None) -> list[Entry]:
        """Decide about all that is undecided, and give everything away in order."""
        ended, self._entries = self._entries, []
        for entry in ended:
            if entry.outcome is None:
                entry.outcome = outcome
                entry.failure = None if outcome is Outcome.COMMITTED else failure or self.failure
        self._savepoints.clear()
        self._undecided, self.prepared, self.failure = 0, False, None
        self._renew()
        return ended
