"""The runs of one evidence root: found again only when something changed, and by exact names alone.

A name from an address is compared with names that runs can have before it touches a path. The one place that lists
runs; whoever has an index puts it here. The doubt: a run whose files change in place, which no program of ours does, is
listed as it was for up to a second; its own page looks at every file.
"""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Final

from harness.console.refusals import MissingError
from harness.evidence.faults import EvidenceError
from harness.evidence.layout import MANIFEST, PARTIAL_SUFFIX, RUN
from harness.evidence.reading import RunCondition, RunEntry, read_entry
from harness.evidence.timestamps import is_folder_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Stamp = tuple[tuple[int, ...], ...]

TRUSTED_S: Final = 1.0
"""For so long the list is believed when no folder was added, renamed or removed."""

UNFINISHED: Final = frozenset({RunCondition.PARTIAL, RunCondition.RUNNING})


class Shelf:
    """One evidence root; used by several threads at a time."""

    def __init__(self, root: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.root = root
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[str, tuple[Stamp, RunEntry]] = {}
        self._listed: tuple[RunEntry, ...] = ()
        self._intents: tuple[str, ...] = ()
        self._when: tuple[int, float] | None = None

    def entries(self) -> tuple[RunEntry, ...]:
        """Every run, newest first.

        Raises:
            EvidenceError: ``evidence-missing`` or ``evidence-unreadable``.
        """
        with self._lock:
            changed = self._changed()
            if self._when is None or self._when[0] != changed or self._clock() - self._when[1] > TRUSTED_S:
                self._listed = tuple(sorted(self._looked_up(self._names()), key=_order, reverse=True))
                self._intents = tuple(sorted({intent_of(each) for each in self._listed} - {""}))
                self._when = changed, self._clock()
            return self._listed

    def intents(self) -> tuple[str, ...]:
        """The ladders that the listed runs climbed first."""
        return self._intents

    def entry(self, name: str) -> RunEntry:
        """The run in the folder of that name.

        Raises:
            MissingError: None is.
            EvidenceError: As ``entries``.
        """
        if not is_folder_name(name):
            raise MissingError("there is no such run")
        self._changed()
        for folder in (self.root / name, self.root / f"{name}{PARTIAL_SUFFIX}"):
            if folder.is_dir() and not folder.is_symlink():
                return read_entry(folder)
        raise MissingError("there is no such run")

    def by_id(self, run_id: str) -> RunEntry:
        """The run of that id, or in the folder of that name.

        Raises:
            MissingError: None is.
            EvidenceError: As ``entries``.
        """
        if is_folder_name(run_id):
            return self.entry(run_id)
        found = next((each for each in self.entries() if run_id and each.run_id == run_id), None)
        if found is None:
            raise MissingError("there is no such run")
        return self.entry(found.name)

    def _changed(self) -> int:
        try:
            return self.root.stat().st_mtime_ns
        except FileNotFoundError:
            message = f"{self.root} is not there"
            raise EvidenceError("evidence-missing", message, "name the folder with --out, or record a run") from None
        except OSError as error:
            raise _unreadable(self.root, error) from error

    def _names(self) -> list[str]:
        try:
            with os.scandir(self.root) as listed:
                found = [each.name for each in listed]
        except OSError as error:
            raise _unreadable(self.root, error) from error
        # A name that was a run's before is one still, and reading a time takes longer than all else of a look.
        return [name for name in found if name in self._known or is_folder_name(name.removesuffix(PARTIAL_SUFFIX))]

    def _looked_up(self, names: list[str]) -> Iterator[RunEntry]:
        known = self._known
        self._known = {}
        for name in names:
            place = f"{self.root}/{name}"
            stamp = (stamp_of(place), stamp_of(f"{place}/{RUN}"), stamp_of(f"{place}/{MANIFEST}"))
            held = known.get(name)
            if held is None or held[0] != stamp or held[1].condition in UNFINISHED:
                held = stamp, read_entry(self.root / name)
            self._known[name] = held
            yield held[1]


def intent_of(entry: RunEntry) -> str:
    """The ladder that a run climbed first; empty when that is not known."""
    return entry.record.ladders[0].name if entry.record and entry.record.ladders else ""


def fingerprint(folder: Path) -> Stamp:
    """What changes whenever a file of a run does: who it is, its size and its times, of each of them."""
    found = []
    for base, folders, files in os.walk(folder):
        folders.sort()
        found += [stamp_of(f"{base}/{name}") for name in sorted(files)]
    return tuple(found)


def _order(entry: RunEntry) -> tuple[str, str]:
    """By when a run began, as its record says, and not as its folder is called."""
    return (entry.record.started_at if entry.record else entry.name, entry.name)


def stamp_of(path: str) -> tuple[int, ...]:
    """Who a file is, its size and its times; nothing of what is not there."""
    try:
        found = os.lstat(path)
    except OSError:
        return ()
    return (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _unreadable(root: Path, error: OSError) -> EvidenceError:
    message = f"{root} cannot be read: {error.strerror}"
    return EvidenceError("evidence-unreadable", message, "see who may read it, or choose another folder with --out")
