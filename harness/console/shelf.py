"""The runs of one evidence root: listed through the index, looked at again when something changed, found by exact name.

A name from an address is compared with names that runs can have before it touches a path. Listing looks at every folder
only when one was added, renamed or removed, and after ten seconds; runs that have not ended are read again each second.
The doubt: a finished run whose record changes in place is listed as it was for so long; how far it can be trusted is
looked up whenever it is shown, and its own page looks at every file.
"""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from harness.console.listed import Listed, Row
from harness.console.refusals import MissingError
from harness.evidence.faults import EvidenceError
from harness.evidence.layout import PARTIAL_SUFFIX
from harness.evidence.reading import RunCondition, RunEntry, read_entry
from harness.evidence.timestamps import is_folder_name
from harness.indexing.facts import bare_id, newest_first
from harness.indexing.folder import read_folder
from harness.indexing.listing import list_facts
from harness.indexing.store import Index

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from harness.indexing.details import Details
    from harness.indexing.facts import Contents, Facts
    from harness.indexing.rows import Change

TRUSTED_S: Final = 1.0
"""For so long a list is believed when no folder was added, renamed or removed."""

LOOKED_S: Final = 10.0
"""After so long every folder is looked at again; a look at ten thousand takes a tenth of a second."""

TICK_NS: Final = 20_000_000
"""A root that changed so lately may change again without its time telling: older kernels count in steps of 10 ms."""

MOST_MEANT: Final = 50
"""Runs that are read when a beginning of a name fits many; whoever meant one has to give more of it."""

UNFINISHED: Final = frozenset({RunCondition.PARTIAL, RunCondition.RUNNING})


class _Remembered:
    """The index, read once: what a listing finds is kept in memory as well as there."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._rows: tuple[dict[str, Facts], dict[str, Contents], dict[str, Details]] | None = None

    def _held(self) -> tuple[dict[str, Facts], dict[str, Contents], dict[str, Details]]:
        if self._rows is None:
            self._rows = (dict(self._index.facts()), dict(self._index.contents()), dict(self._index.details()))
        return self._rows

    def facts(self) -> Mapping[str, Facts]:
        return self._held()[0]

    def contents(self) -> Mapping[str, Contents]:
        return self._held()[1]

    def details(self) -> Mapping[str, Details]:
        return self._held()[2]

    def keep(self, change: Change) -> None:
        tables = self._held()
        for gone in change.gone:
            for table in tables:
                table.pop(gone.folder, None)
        for facts, contents, details in change.read:
            tables[0][facts.folder] = facts
            tables[1][facts.folder] = contents
            tables[2][facts.folder] = details
        self._index.keep(change)


@dataclass(slots=True)
class _Looked:
    """When everything was looked at, and when what had not ended.

    Attributes:
        changed: State of the root; ``None`` where it proves nothing.
    """

    changed: int | None
    all_at: float
    lately: float
    listed: Listed = field(default_factory=lambda: Listed(()))


class Shelf:
    """One evidence root; used by several threads at a time."""

    def __init__(self, root: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.root = root
        self._clock = clock
        self._lock = threading.Lock()
        self._index = Index(root)
        self._remembered = _Remembered(self._index)
        self._looked: _Looked | None = None

    def listed(self) -> Listed:
        """Every run; the same value as long as nothing is seen to change.

        Raises:
            EvidenceError: ``evidence-missing`` or ``evidence-unreadable``.
        """
        with self._lock:
            changed, now, before = self._changed(), self._clock(), self._looked
            if before is None or before.changed != changed or now - before.all_at > LOOKED_S:
                is_settled = not 0 <= time.time_ns() - changed < TICK_NS
                self._looked = _Looked(changed if is_settled else None, now, now, self._looked_at_all())
            elif now - before.lately > TRUSTED_S:
                before.lately, before.listed = now, self._looked_at_unfinished(before.listed)
            return self._looked.listed if self._looked else Listed(())

    def entry(self, name: str) -> RunEntry:
        """The run in the folder of that name.

        Raises:
            MissingError: None is.
            EvidenceError: As ``listed``.
        """
        if not is_folder_name(name):
            raise MissingError("there is no such run")
        self._changed()
        if found := run_in(self.root, name):
            return found
        raise MissingError("there is no such run")

    def by_id(self, run_id: str) -> RunEntry:
        """The run of that id, or in the folder of that name.

        Raises:
            MissingError: None is.
            EvidenceError: As ``listed``.
        """
        if is_folder_name(run_id):
            return self.entry(run_id)
        found = next((row for row in self.listed().rows if run_id and row.facts.run_id == run_id), None)
        if found is None:
            raise MissingError("there is no such run")
        return self.entry(found.name)

    def entries_of(self, rows: Iterable[Row]) -> list[RunEntry]:
        """The runs of a page of the list, read now; one that went away meanwhile is damaged."""
        return [read_entry(self.root / row.facts.folder) for row in rows]

    def meant(self, *texts: str) -> tuple[RunEntry, ...]:
        """The runs that names or ids, or beginnings of them, could mean; of very many the newest ones.

        Raises:
            EvidenceError: As ``listed``.
        """
        listed = self.listed()
        found: dict[str, Row] = {}
        for text in filter(None, texts):
            exact = listed.called.get(text)
            fits = exact or [row for row in listed.rows if _begins(row, text)]
            found |= {row.facts.folder: row for row in fits[:MOST_MEANT]}
        return tuple(self.entries_of(found.values()))

    def holding(self, trace_id: str) -> RunEntry | None:
        """The run of whose scenarios or trials a trace is; ``None`` when none is known.

        Raises:
            EvidenceError: As ``listed``.
        """
        line = f"\n{bare_id(trace_id)}\n"
        found = next((row for row in self.listed().rows if line in row.contents.traces), None)
        return self.entry(found.name) if found else None

    def _looked_at_all(self) -> Listed:
        found = list_facts(self.root, self._remembered, with_contents=True, with_details=True)
        rows = (Row(each, found.contents[each.folder], found.details[each.folder]) for each in found.runs)
        return Listed(tuple(rows), tuple(self._index.warnings))

    def _looked_at_unfinished(self, listed: Listed) -> Listed:
        """Read again what goes on or was cut short; whatever has ended is looked at with all others."""
        again = {
            row.facts.folder: Row(*read_folder(self.root / row.facts.folder))
            for row in listed.rows
            if row.facts.condition in UNFINISHED
        }
        if not again:
            return listed
        # One that went away while it was read, or got its final name, stays as it was until the next look.
        there = {name: row for name, row in again.items() if os.path.lexists(self.root / name)}
        known = {row.facts.folder: row for row in listed.rows} | there
        order = newest_first(row.facts for row in known.values())
        return Listed(tuple(known[each.folder] for each in order), listed.warnings)

    def _changed(self) -> int:
        try:
            return self.root.stat().st_mtime_ns
        except FileNotFoundError:
            message = f"{self.root} is not there"
            raise EvidenceError("evidence-missing", message, "name the folder with --out, or record a run") from None
        except OSError as error:
            raise _unreadable(self.root, error) from error


def run_in(root: Path, name: str) -> RunEntry | None:
    """Read the run of a name, whichever of its two it has; ``None`` when it has neither, or went away meanwhile."""
    # A run gets its final name once, and that may be between two of these looks.
    for folder in (root / name, root / f"{name}{PARTIAL_SUFFIX}", root / name):
        if _is_plain(folder):
            entry = read_entry(folder)
            if _is_plain(folder):
                return entry
    return None


def _is_plain(folder: Path) -> bool:
    return folder.is_dir() and not folder.is_symlink()


def _begins(row: Row, text: str) -> bool:
    """Whether a text is the beginning of a run's name or id."""
    return row.facts.folder.startswith(text) or row.facts.run_id.startswith(text)


def _unreadable(root: Path, error: OSError) -> EvidenceError:
    message = f"{root} cannot be read: {error.strerror}"
    return EvidenceError("evidence-unreadable", message, "see who may read it, or choose another folder with --out")
