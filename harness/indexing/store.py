"""The file of the index: SQLite, written under a lock of its folder, and never a reason to fail.

Whatever is wrong with the file is told as a warning and costs time only. One that is not whole is renamed, with the
time in its new name, and made anew; one that is locked, of somebody else, or of a newer version is left alone.

It keeps SQLite's rollback journal, not a write-ahead log: it is seldom written, evidence may lie on a read-only or a
network disk, and a log would be two files more to set aside together. Whoever renames or removes it holds the lock, so
that no journal of the old file is ever taken for one of the new.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Final, TypeVar

from harness.evidence.guarded import PRIVATE_FILE
from harness.indexing.place import FILE, HIDDEN, BypassedError, hidden, locked, own_file
from harness.indexing.rows import BrokenError, Change, contents_in, create_tables, details_in, facts_in, write_change

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from harness.indexing.details import Details
    from harness.indexing.facts import Contents, Facts

APPLICATION: Final = 0x4C414444
"""``LADD``: says whose database it is."""
VERSION: Final = 2
PATIENCE_S: Final = 3.0
"""So long a listing waits for other processes; what they write takes milliseconds."""

_PRIMARY: Final = 0xFF
"""SQLite's extended error codes carry the primary one in their lowest byte."""
_BUSY: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_UNUSABLE: Final = frozenset(
    {
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_READONLY,
    }
)

Answer = TypeVar("Answer")


class Index:
    """The index of one evidence root.

    Attributes:
        warnings: What was wrong with it so far, one line each.
    """

    def __init__(self, root: Path, *, patience_s: float = PATIENCE_S) -> None:
        self.warnings: list[str] = []
        self._root = root.absolute()
        self._patience_s = patience_s
        self._inode = 0
        self._is_bypassed = False

    def facts(self) -> Mapping[str, Facts]:
        """What it says of each folder; nothing when it cannot be used."""
        return self._asked(facts_in, {})

    def contents(self) -> Mapping[str, Contents]:
        """What is in each run, by folder; nothing when it cannot be used."""
        return self._asked(contents_in, {})

    def details(self) -> Mapping[str, Details]:
        """What is shown of each run, by folder; nothing when it cannot be used."""
        return self._asked(details_in, {})

    def keep(self, change: Change) -> None:
        """Write what changed, if it can be written."""
        if self._is_bypassed or not any(change):
            return
        with self._told(), hidden(self._root, makes=True) as folder:
            if folder is None:
                return
            with locked(folder, self._patience_s):
                self._create(folder)
                with self._connected() as connection:
                    _write(connection, change)

    def forget(self) -> None:
        """Remove it, so that it is made anew, even one of a newer version."""
        with self._told(), hidden(self._root) as folder:
            if folder is not None and own_file(folder):
                with locked(folder, self._patience_s):
                    _remove(folder)

    def _asked(self, question: Callable[[sqlite3.Connection], Answer], otherwise: Answer) -> Answer:
        answer = otherwise
        if not self._is_bypassed:
            with self._told(), hidden(self._root) as folder:
                self._inode = own_file(folder) if folder is not None else 0
                if self._inode:
                    with self._connected() as connection:
                        # One state of the file, or a first writer would come between two looks at it.
                        connection.execute("BEGIN")
                        answer = question(connection) if _is_laid_down(connection) else otherwise
        return answer

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn whatever goes wrong into a warning."""
        try:
            yield
        except BrokenError as error:
            self._set_aside(str(error))
        except BypassedError as error:
            self._bypass(str(error))
        except OSError as error:
            self._bypass(f"cannot be used: {error.strerror}")

    def _bypass(self, why: str) -> None:
        self._is_bypassed = True
        self.warnings.append(f"the index {self._root / HIDDEN / FILE} {why}; runs are listed without it")

    def _set_aside(self, why: str) -> None:
        try:
            with hidden(self._root) as folder:
                if folder is None:
                    return
                with locked(folder, self._patience_s):
                    # Another process may have been quicker; what lies there now is its new one.
                    renamed = _rename(folder) if own_file(folder) == self._inode else ""
        except (OSError, BypassedError) as error:
            self._bypass(f"is damaged ({why}) and cannot be set aside: {error}")
            return
        if renamed:
            told = f"{self._root / HIDDEN / FILE} is damaged ({why})"
            self.warnings.append(f"the index {told}; it was renamed to {renamed} and made anew from the bundles")

    def _create(self, folder: int) -> None:
        if not own_file(folder):
            os.close(os.open(FILE, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, PRIVATE_FILE, dir_fd=folder))
        self._inode = own_file(folder)

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        address = f"{(self._root / HIDDEN / FILE).as_uri()}?mode=rw"
        try:
            opened = sqlite3.connect(address, timeout=self._patience_s, isolation_level=None, uri=True)
            with closing(opened) as connection:
                yield connection
        except sqlite3.Error as error:
            raise _understood(error) from error


def _is_laid_down(connection: sqlite3.Connection) -> bool:
    """Whether there are tables of this version; a file that was made and never filled, or by an older one, has none."""
    ((application,),) = connection.execute("PRAGMA application_id").fetchall()
    ((version,),) = connection.execute("PRAGMA user_version").fetchall()
    if (application, version) == (APPLICATION, VERSION):
        return True
    if application == APPLICATION and version > VERSION:
        msg = f"is of version {version}, which a newer ladder made (`ladder runs --rebuild` makes it anew)"
        raise BypassedError(msg)
    if application == APPLICATION and version > 0:
        return False
    ((tables,),) = connection.execute("SELECT count(*) FROM sqlite_master").fetchall()
    if (application, version, tables) != (0, 0, 0):
        msg = "it is another program's"
        raise BrokenError(msg)
    return False


def _write(connection: sqlite3.Connection, change: Change) -> None:
    # What a power cut leaves is seen by its checksums, and made again; waiting for the disk would buy nothing.
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("BEGIN IMMEDIATE")
    if not _is_laid_down(connection):
        create_tables(connection)
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
    write_change(connection, change)
    connection.execute("COMMIT")


def _understood(error: sqlite3.Error) -> BypassedError | BrokenError:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & _PRIMARY
    if code in _BUSY:
        return BypassedError("is locked by another program")
    return BypassedError(f"cannot be used: {error}") if code in _UNUSABLE else BrokenError(str(error))


def _rename(folder: int) -> str:
    from datetime import UTC, datetime

    aside = f"{FILE}.{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}.damaged"
    os.rename(FILE, aside, src_dir_fd=folder, dst_dir_fd=folder)
    _remove(folder)
    return aside


def _remove(folder: int) -> None:
    """Remove it and what SQLite puts beside it."""
    for name in (FILE, *(f"{FILE}-{kind}" for kind in ("journal", "wal", "shm"))):
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=folder)
