"""Runs as the index and the folders together tell them, newest first: every folder is looked at, few are read.

A folder whose mark is the one in the index is told from there; any other is read, and so is every partial one, because
a lock says what it is. The list is the same without an index, only later. The doubt: a run that gets its final name
while folders are being listed can be seen under neither; when the evidence root changed meanwhile, it is listed again.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from harness.evidence.faults import EvidenceError
from harness.evidence.guarded import open_root
from harness.indexing.facts import newest_first
from harness.indexing.marks import is_run, is_settled, mark_of
from harness.indexing.rows import Change

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from harness.indexing.details import Details
    from harness.indexing.facts import Contents, Facts
    from harness.indexing.rows import Read

    Beside = Mapping[str, Contents] | Mapping[str, Details]

MAX_LOOKS: Final = 4
"""So often a root is listed that changes all the time."""

MAX_REMEMBERED: Final = 1 << 20
"""Characters of what is in a run; one with more is read each time."""


@dataclass(frozen=True, slots=True)
class Listing:
    """Runs, newest first.

    Attributes:
        contents: What is in each, and maybe in others, by folder; empty when it was not asked for.
        details: What is shown of each, likewise.
    """

    runs: tuple[Facts, ...]
    contents: Mapping[str, Contents]
    details: Mapping[str, Details] = field(default_factory=dict)


class Remembers(Protocol):
    """What a listing needs of an index."""

    def facts(self) -> Mapping[str, Facts]:
        """Of each folder."""

    def contents(self) -> Mapping[str, Contents]:
        """Of each folder."""

    def details(self) -> Mapping[str, Details]:
        """Of each folder."""

    def keep(self, change: Change) -> None:
        """Remember what changed."""


def list_facts(
    root: Path,
    index: Remembers,
    *,
    with_contents: bool = False,
    with_details: bool = False,
    now_ns: Callable[[], int] = time.time_ns,
) -> Listing:
    """List every run below an evidence root, and let the index remember what had to be read.

    Args:
        root: One that is not there has no runs.
        index: Its index, whatever state that is in.
        with_contents: Whether what is in the runs is told as well.
        with_details: Whether what is shown of them is.
        now_ns: Time of day, in nanoseconds since 1970, by the clock of the disk.

    Raises:
        EvidenceError: ``evidence-unreadable``; an outage never looks like no runs.
    """
    known = index.facts()
    inside = index.contents() if with_contents else {}
    shown = index.details() if with_details else {}
    try:
        descriptor = open_root(root)
    except FileNotFoundError:
        return Listing((), {})
    except OSError as error:
        raise _unreadable(root, error) from error
    try:
        look = _Look(root, descriptor, now_ns)
        beside = [rows for rows, is_asked in ((inside, with_contents), (shown, with_details)) if is_asked]
        found = look.settled(known, beside)
    except OSError as error:
        raise _unreadable(root, error) from error
    finally:
        os.close(descriptor)
    index.keep(look.change(known))
    runs = tuple(newest_first(found))
    return Listing(
        runs,
        {**inside, **look.contents} if with_contents else {},
        {**shown, **look.details} if with_details else {},
    )


class _Look:
    """One look at all folders."""

    def __init__(self, root: Path, descriptor: int, now_ns: Callable[[], int]) -> None:
        self._root, self._descriptor, self._now_ns = root, descriptor, now_ns
        self._read: dict[str, Read] = {}
        self._names: frozenset[str] = frozenset()

    def settled(self, known: Mapping[str, Facts], beside: Sequence[Beside]) -> list[Facts]:
        """Everything that is there, looked at until nothing comes or goes meanwhile."""
        for _ in range(MAX_LOOKS):
            before = os.fstat(self._descriptor).st_mtime_ns
            found = self._once(known, beside)
            if os.fstat(self._descriptor).st_mtime_ns == before:
                break
        return found

    def change(self, known: Mapping[str, Facts]) -> Change:
        """What the index does not know yet."""
        read = (rows for rows in self._read.values() if rows[0].mark)
        kept = tuple(rows for rows in read if sum(map(len, (*rows[1], *rows[2]))) <= MAX_REMEMBERED)
        return Change(kept, tuple(row for name, row in known.items() if name not in self._names))

    @property
    def contents(self) -> Mapping[str, Contents]:
        """What is in the runs that had to be read."""
        return {name: rows[1] for name, rows in self._read.items()}

    @property
    def details(self) -> Mapping[str, Details]:
        """What is shown of the runs that had to be read."""
        return {name: rows[2] for name, rows in self._read.items()}

    def _once(self, known: Mapping[str, Facts], beside: Sequence[Beside]) -> list[Facts]:
        with os.scandir(self._descriptor) as entries:
            names = [entry.name for entry in entries if entry.name in known or is_run(entry.name)]
        self._names, found = frozenset(names), []
        for name in names:
            mark, row = mark_of(self._descriptor, name), known.get(name)
            if row and mark and row.mark == mark and all(name in rows and rows[name].mark == mark for rows in beside):
                found.append(row)
            elif fresh := self._looked_at(name, mark):
                found.append(fresh)
        return found

    def _looked_at(self, name: str, mark: str) -> Facts | None:
        """Read a folder; ``None`` when it has vanished meanwhile."""
        from harness.indexing.folder import read_folder

        earlier = self._read.get(name)
        if mark and earlier and earlier[0].mark == mark:
            return earlier[0]
        read = read_folder(self._root / name)
        if not _is_there(self._descriptor, name):
            self._read.pop(name, None)
            return None
        # What changed while it was being read, or only just before, proves nothing later.
        is_certain = read[0].status and mark == mark_of(self._descriptor, name)
        if not is_certain or not is_settled(self._descriptor, name, now_ns=self._now_ns()):
            mark = ""
        facts, contents, details = read
        self._read[name] = (facts._replace(mark=mark), contents._replace(mark=mark), details._replace(mark=mark))
        return self._read[name][0]


def _is_there(root: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=root, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _unreadable(root: Path, error: OSError) -> EvidenceError:
    message = f"{root} cannot be read: {error.strerror}"
    return EvidenceError("evidence-unreadable", message, "choose another folder with --out")
