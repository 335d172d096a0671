"""The chain of an evidence root on disk: reads its ledger and runs, and adds the line of the run that ends.

Whoever calls this holds the lock of the root, so that no two runs continue from the same one. A line that a killed run
has left out or torn is added first, and that is told. A ledger that contradicts the runs is told too and left as it is:
the run is sealed all the same, since it is evidence for itself. To add a line only the newest runs are looked at, so
that it costs the same however many there are; ``ladder verify`` looks at all.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.evidence.documents import parse_object
from harness.evidence.guarded import append_at, open_folder_at, read_at, translated
from harness.evidence.layout import LEDGER, MANIFEST
from harness.evidence.manifest import sha256
from harness.evidence.records import DamagedRecordError
from harness.evidence.timestamps import is_folder_name
from harness.sealing.ledger import Ledger, Line, Stored, left_out, parse, troubles

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@dataclass(frozen=True, slots=True)
class Chain:
    """Where the next run continues.

    Attributes:
        head: SHA-256 of the manifest of the newest run.
        notes: What was mended, or is wrong; one line each.
    """

    head: str
    notes: tuple[str, ...] = ()


def continued(root: int) -> Chain:
    """Read the ledger of an open evidence root, add the line that a killed run has left out, and give the head.

    The ledger is made when it is not there, so that a first run that is killed before its line is not taken for one of
    before the ledger.

    Raises:
        PrerequisiteError: ``evidence-unwritable``.
    """
    with translated(LEDGER):
        ledger = read_ledger(root)
        stored = _newest(root, ledger or Ledger())
        if ledger is None:
            append_at(root, LEDGER, b"")
            os.fsync(root)
            # Runs of before the ledger are no part of the chain.
            return Chain(Ledger().head, _told(None, stored))
        behind = left_out(ledger, stored)
        if behind:
            append_at(root, LEDGER, behind.line.spelt()[len(ledger.torn) :])
            added = f"{LEDGER} lacked the line of {behind.run}, which was killed before it; it was added"
            mended = Ledger((*ledger.lines, behind.line), troubles=ledger.troubles)
            return Chain(mended.head, (added, *_told(mended, stored)))
        if ledger.torn:
            # Told below; what cannot be mended must not swallow the next line.
            append_at(root, LEDGER, b"\n")
        return Chain(ledger.head, _told(ledger, stored))


def entered(root: int, line: Line) -> tuple[str, ...]:
    """Add the line of a run that has its final name; gives what is to be told.

    The run is sealed by now, so that a disk which is full at this very moment takes nothing away from it.
    """
    try:
        append_at(root, LEDGER, line.spelt())
    except OSError as error:
        return (f"{LEDGER} lacks the line of {line.run}: {error.strerror}; the next run adds it",)
    return ()


def read_ledger(root: int) -> Ledger | None:
    """The ledger of an open evidence root; ``None`` when there is none.

    Raises:
        OSError: It cannot be read.
    """
    data = read_at(root, LEDGER)
    return None if data is None else parse(data)


def stored_runs(root: int, names: Iterable[str]) -> Iterator[Stored]:
    """Finished runs below an open evidence root, as their manifests tell; a folder without a manifest is none."""
    for name in names:
        with suppress(OSError):
            folder = open_folder_at(root, name)
            try:
                data = read_at(folder, MANIFEST)
            finally:
                os.close(folder)
            if data is not None:
                yield Stored(name, sha256(data), _prev(data))


def finished_names(root: int) -> list[str]:
    """Names of all folders that are called as finished runs are, in the order of time.

    Raises:
        OSError: The root cannot be read.
    """
    return sorted(name for name in os.listdir(root) if is_folder_name(name))


def _newest(root: int, ledger: Ledger) -> tuple[Stored, ...]:
    """The runs that the ledger does not list, and the last that it does; the others are taken to be as it says."""
    names, believed = finished_names(root), {line.run: line for line in ledger.lines[:-1]}
    known = (believed[name] for name in names if name in believed)
    found = stored_runs(root, (name for name in names if name not in believed))
    return (*(Stored(line.run, line.manifest_sha256, line.prev) for line in known), *found)


def _told(ledger: Ledger | None, stored: Iterable[Stored]) -> tuple[str, ...]:
    found = [each for each in troubles(ledger, tuple(stored)) if each.is_fault]
    if not found:
        return ()
    first = f"{found[0].run}: {found[0].what}" if found[0].run else found[0].what
    return (f"{LEDGER} and the runs beside it contradict one another, and nothing was mended: {first}",)


def _prev(manifest: bytes) -> str:
    try:
        prev: Any = parse_object(manifest.decode()).get("prev")
    except (DamagedRecordError, UnicodeDecodeError):
        return ""
    return prev if isinstance(prev, str) else ""
