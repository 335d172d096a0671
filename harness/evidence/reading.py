"""Runs found under an evidence root: finished, still running, partial, or damaged; each is told apart, none is hidden.

Listing reads one small file for each run and believes what it says; ``checking`` tests a bundle byte by byte. A partial
run is listed with what is known of it, and never counts as evidence. Which run is newest follows from when its record
says that it began, not from its folder's name. ``harness.indexing`` gives the same list and remembers what it read.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from harness.evidence.checking import faults_of
from harness.evidence.faults import EvidenceError
from harness.evidence.guarded import is_locked, stored_text
from harness.evidence.layout import ENVELOPE, EVENTS, MANIFEST, PARTIAL_NOTE, PARTIAL_SUFFIX, RUN, STATE, SUMS
from harness.evidence.records import DamagedRecordError
from harness.evidence.run_record import RunRecord, decode_run
from harness.evidence.state import RunState, decode_state
from harness.evidence.timestamps import is_folder_name

if TYPE_CHECKING:
    from pathlib import Path

    from harness.evidence.checking import Fault

MAX_RECORD_BYTES: Final = 64 << 20
"""Of ``run.json``; the largest honest one, of a thousand trials, has a few megabytes."""


class RunCondition(StrEnum):
    """What a folder is."""

    FINISHED = "finished"
    RUNNING = "running"
    """Partial, and its process holds the folder's lock."""
    PARTIAL = "partial"
    """Killed, interrupted or abandoned: no evidence."""
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True)
class RunEntry:
    """One folder.

    Attributes:
        name: Of the folder, without ``.partial``.
        record: ``None`` when it cannot be read.
        why: Why it is damaged or partial; empty otherwise.
    """

    name: str
    folder: Path
    condition: RunCondition
    record: RunRecord | None
    why: str = ""

    @property
    def run_id(self) -> str:
        """Empty when it is not known."""
        return self.record.run_id if self.record else ""

    @property
    def began_us(self) -> int:
        """Microseconds since 1970 at its start: as its record says, else as its folder's name does."""
        told = _instant(self.record.started_at) if self.record else None
        began = told or _instant(self.name) or _EPOCH
        return (began - _EPOCH) // timedelta(microseconds=1)

    @property
    def is_signed(self) -> bool:
        """Whether a signature lies there; whether it is right is another question."""
        return (self.folder / ENVELOPE).is_file()


@dataclass(frozen=True, slots=True)
class LoadedRun:
    """A run as stored: its entry, its record, its captures, and what does not fit."""

    entry: RunEntry
    record: RunRecord
    state: RunState | None
    faults: tuple[Fault, ...]

    @property
    def events(self) -> Path:
        """Its event log, for ``journal.iter_events``."""
        return self.entry.folder / EVENTS


def list_runs(root: Path) -> tuple[RunEntry, ...]:
    """Every run below an evidence root, newest first; a root that is not there has none.

    Raises:
        EvidenceError: ``evidence-unreadable``; an outage never looks like no runs.
    """
    try:
        folders = [path for path in root.iterdir() if is_folder_name(path.name.removesuffix(PARTIAL_SUFFIX))]
    except FileNotFoundError:
        return ()
    except OSError as error:
        message = f"{root} cannot be read: {error.strerror}"
        raise EvidenceError("evidence-unreadable", message, "choose another folder with --out") from error
    entries = [entry for folder in folders if (entry := read_entry(folder)) and os.path.lexists(folder)]
    return tuple(sorted(entries, key=lambda entry: (entry.began_us, entry.folder.name), reverse=True))


def read_entry(folder: Path) -> RunEntry:
    """Look at one folder; never fails."""
    name = folder.name.removesuffix(PARTIAL_SUFFIX)
    try:
        record, why = _record(folder), ""
    except (OSError, UnicodeDecodeError, DamagedRecordError) as error:
        record, why = None, f"{RUN}: {_words(error)}"
    if folder.name.endswith(PARTIAL_SUFFIX):
        condition = RunCondition.RUNNING if is_locked(folder) else RunCondition.PARTIAL
        return RunEntry(name, folder, condition, record, _note(folder))
    why = why or next((f"{lacking} is missing" for lacking in (MANIFEST, SUMS) if not (folder / lacking).is_file()), "")
    why = why or ("it was renamed by hand" if (folder / PARTIAL_NOTE).exists() else "")
    return RunEntry(name, folder, RunCondition.DAMAGED if why else RunCondition.FINISHED, record, why)


def load_run(entry: RunEntry) -> LoadedRun:
    """Read a run; a finished one is checked byte by byte.

    Raises:
        EvidenceError: ``run-unreadable``; its record cannot be read.
    """
    if entry.record is None:
        raise EvidenceError("run-unreadable", f"{entry.folder}: {entry.why}", "`ladder runs` lists the others")
    faults = faults_of(entry.folder) if entry.condition is RunCondition.FINISHED else ()
    return LoadedRun(entry, entry.record, _state(entry.folder), faults)


def _record(folder: Path) -> RunRecord:
    if (folder / RUN).lstat().st_size > MAX_RECORD_BYTES:
        msg = f"it has more than {MAX_RECORD_BYTES} bytes"
        raise DamagedRecordError(msg)
    try:
        return decode_run(stored_text(folder / RUN))
    except OverflowError:
        msg = "a number in it is too large"
        raise DamagedRecordError(msg) from None


_EPOCH: Final = datetime.fromtimestamp(0, UTC)


def _instant(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None


def _state(folder: Path) -> RunState | None:
    try:
        return decode_state(stored_text(folder / STATE))
    except (OSError, UnicodeDecodeError, DamagedRecordError):
        return None


def _note(folder: Path) -> str:
    try:
        return stored_text(folder / PARTIAL_NOTE).partition("\n")[0]
    except (OSError, UnicodeDecodeError):
        return ""


def _words(error: Exception) -> str:
    return str(error) if isinstance(error, DamagedRecordError) else type(error).__name__
