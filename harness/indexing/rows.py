"""Rows of the index: how facts are laid down in its tables, and that what is read is what was written.

There is one row for each run, and a second one with what is in it, which most listings leave alone; ``json`` and the
like would be taken apart ten thousand times, so its scenarios and traces are lines of text, under the row's checksum.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar
from zlib import crc32

from harness.indexing.facts import Contents, Facts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from sqlite3 import Connection

_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {"runs": Facts._fields, "contents": Contents._fields}
"""Tables and their columns; ``checksum`` is the last of each."""

Row = TypeVar("Row", Facts, Contents)


class BrokenError(Exception):
    """The index is not what was written."""


class Change(NamedTuple):
    """What a listing found to be other than the index says.

    Attributes:
        read: To be remembered.
        gone: Rows as they were read, of folders that are not there any more.
    """

    read: tuple[tuple[Facts, Contents], ...] = ()
    gone: tuple[Facts, ...] = ()


def create_tables(connection: Connection) -> None:
    """Lay down an empty index."""
    for name, fields in _FIELDS.items():
        columns = ", ".join(f"{column} TEXT NOT NULL" for column in fields)
        connection.execute(f"CREATE TABLE {name} ({columns}, checksum INTEGER NOT NULL, PRIMARY KEY (folder))")


def facts_in(connection: Connection) -> dict[str, Facts]:
    """Every run by its folder.

    Raises:
        BrokenError: A row is not what was written.
    """
    return {row.folder: row for row in _rows(connection, "runs", Facts)}


def contents_in(connection: Connection) -> dict[tuple[str, str], Contents]:
    """What is in every run, by its folder and mark.

    Raises:
        BrokenError: A row is not what was written.
    """
    return {(row.folder, row.mark): row for row in _rows(connection, "contents", Contents)}


def write_change(connection: Connection, change: Change) -> None:
    """Remember what was read and forget what is gone; a row that another process has renewed meanwhile stays."""
    gone = [(row.folder, row.mark) for row in change.gone]
    for place, (name, fields) in enumerate(_FIELDS.items()):
        connection.executemany(f"DELETE FROM {name} WHERE folder = ? AND mark = ?", gone)  # noqa: S608  # names of ours
        places = ", ".join("?" * (len(fields) + 1))
        rows = [(*pair[place], _checksum(pair[place])) for pair in change.read]
        connection.executemany(f"INSERT OR REPLACE INTO {name} VALUES ({places})", rows)  # noqa: S608


def _rows(connection: Connection, name: str, record: type[Row]) -> Iterator[Row]:
    columns = ", ".join((*_FIELDS[name], "checksum"))
    try:
        for row in connection.execute(f"SELECT {columns} FROM {name}"):  # noqa: S608  # names of ours
            texts = row[:-1]
            if _checksum(texts) != row[-1]:
                raise BrokenError("a row of it is not as it was written")
            yield record._make(texts)
    except (TypeError, UnicodeError):
        raise BrokenError("a row of it holds what was never written") from None


def _checksum(texts: tuple[str, ...]) -> int:
    return crc32("\x1f".join(texts).encode())
