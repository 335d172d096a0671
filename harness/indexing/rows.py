"""Rows of the index: how facts are laid down in its tables, and that what is read is what was written.

There is one row for each run, a second one with what is in it, and a third one with what is shown of it among many
others; most listings leave these two alone. Scenarios and traces are lines in the second and no rows of their own: what
a checksum covers has to be read as a whole, and a row that a disk has lost would hide a run from whoever asks for a
scenario.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias, TypeVar
from zlib import crc32

from harness.indexing.details import Details
from harness.indexing.facts import Contents, Facts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from sqlite3 import Connection

_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "runs": Facts._fields,
    "contents": Contents._fields,
    "details": Details._fields,
}
"""Tables and their columns; ``checksum`` is the last of each."""

_PART: Final = "\x1f"
"""Between two values; in none of them, since control characters are spelt out there."""

Row = TypeVar("Row", Facts, Contents, Details)

Read: TypeAlias = tuple[Facts, Contents, Details]
"""What was read of a run, in the order of the tables."""


class BrokenError(Exception):
    """The index is not what was written."""


class Change(NamedTuple):
    """What a listing found to be other than the index says.

    Attributes:
        read: To be remembered.
        gone: Rows as they were read, of folders that are not there any more.
    """

    read: tuple[Read, ...] = ()
    gone: tuple[Facts, ...] = ()


def create_tables(connection: Connection) -> None:
    """Lay down an empty index, in place of one of an older version."""
    for name, fields in _FIELDS.items():
        connection.execute(f"DROP TABLE IF EXISTS {name}")
        columns = ", ".join(f"{column} TEXT NOT NULL" for column in fields)
        connection.execute(f"CREATE TABLE {name} ({columns}, checksum INTEGER NOT NULL, PRIMARY KEY (folder))")


def facts_in(connection: Connection) -> dict[str, Facts]:
    """Every run by its folder.

    Raises:
        BrokenError: A row is not what was written.
    """
    return {row.folder: row for row in _rows(connection, "runs", Facts)}


def contents_in(connection: Connection) -> dict[str, Contents]:
    """What is in every run, by its folder.

    Raises:
        BrokenError: A row is not what was written.
    """
    return {row.folder: row for row in _rows(connection, "contents", Contents)}


def details_in(connection: Connection) -> dict[str, Details]:
    """What is shown of every run, by its folder.

    Raises:
        BrokenError: A row is not what was written.
    """
    return {row.folder: row for row in _rows(connection, "details", Details)}


def write_change(connection: Connection, change: Change) -> None:
    """Remember what was read and forget what is gone; a row that another process has renewed meanwhile stays."""
    gone = [(row.folder, row.mark) for row in change.gone]
    for place, (name, fields) in enumerate(_FIELDS.items()):
        connection.executemany(f"DELETE FROM {name} WHERE folder = ? AND mark = ?", gone)  # noqa: S608  # names of ours
        places = ", ".join("?" * (len(fields) + 1))
        rows = [(*read[place], _checksum(read[place])) for read in change.read]
        connection.executemany(f"INSERT OR REPLACE INTO {name} VALUES ({places})", rows)  # noqa: S608


def _rows(connection: Connection, name: str, record: type[Row]) -> Iterator[Row]:
    fields = _FIELDS[name]
    # A row as one text and taken apart here: column by column, the driver takes twice the time.
    form = _PART.join("%s" for _ in fields)
    question = f"SELECT printf('{form}', {', '.join(fields)}), checksum FROM {name}"  # noqa: S608  # names of ours
    msg = "a row of it is not as it was written"
    try:
        for text, checksum in connection.execute(question):
            if crc32(text.encode()) != checksum:
                raise BrokenError(msg)
            yield record._make(text.split(_PART))
    except UnicodeDecodeError:
        raise BrokenError(msg) from None


def _checksum(texts: tuple[str, ...]) -> int:
    return crc32(_PART.join(texts).encode())
