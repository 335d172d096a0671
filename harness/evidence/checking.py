"""Whether a bundle is what its ``SHA256SUMS`` and manifest say, file by file. Reads everything, changes nothing.

It proves that the files fit one another, and nothing about who wrote them: that takes a signature.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from harness.evidence.documents import parse_object
from harness.evidence.layout import ENVELOPE, MANIFEST, SUMS, UNLISTED
from harness.evidence.paths import MAX_PATH, fault_of
from harness.evidence.records import DamagedRecordError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_LINE: Final = re.compile(r"([0-9a-f]{64})  ([^\n]+)\n")
_CHUNK: Final = 1 << 20

MAX_FILE_BYTES: Final = 4 << 30
"""Of one file; what a run keeps is cut far below that, and a sparse file of any size takes no room."""


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing that is not as recorded; ``kind`` is a stable word."""

    path: str
    kind: str


def faults_of(folder: Path) -> tuple[Fault, ...]:
    """Everything that does not fit; empty when the bundle is whole."""
    seen = _Seen()
    seen.look(folder)
    found, odd = seen.files | seen.odd, seen.odd
    sums = _sums(folder)
    if sums is None:
        return (Fault(SUMS, "sums-mismatch"),)
    recorded = _recorded(folder)
    if recorded is None:
        return (Fault(MANIFEST, "not-readable"),)
    faults = [*seen.faults, *(Fault(path, "not-regular") for path in odd)]
    faults += [Fault(path, "unsafe-path") for path in recorded if fault_of(path)]
    faults += [Fault(path, "missing-file") for path in sums.keys() - found]
    faults += [Fault(path, "unlisted-file") for path in found - sums.keys() - {SUMS, ENVELOPE}]
    faults += [Fault(path, "sums-mismatch") for path in _differing(sums, recorded)]
    faults += [fault for path in (sums.keys() & found) - odd if (fault := _content_fault(folder, path, sums[path]))]
    return tuple(sorted(faults))


def _content_fault(folder: Path, path: str, wanted: str) -> Fault | None:
    try:
        if (folder / path).lstat().st_size > MAX_FILE_BYTES:
            return Fault(path, "not-readable")
        return None if _digest(folder / path) == wanted else Fault(path, "hash-mismatch")
    except OSError:
        return Fault(path, "not-readable")


def _differing(sums: Mapping[str, str], recorded: Mapping[str, str]) -> set[str]:
    return {path for path in (sums.keys() | recorded.keys()) - UNLISTED if sums.get(path) != recorded.get(path)}


class _Seen:
    """What lies in a folder, by paths below it, found without recursion and without following a link.

    Attributes:
        files: Regular files.
        odd: Whatever is neither that nor a folder.
        faults: Folders that nobody can look into, or that no bundle of ours has.
    """

    def __init__(self) -> None:
        self.files: set[str] = set()
        self.odd: set[str] = set()
        self.faults: list[Fault] = []

    def look(self, root: Path) -> None:
        """Look at all that lies below a folder."""
        waiting = [""]
        while waiting:
            inside = waiting.pop()
            if len(inside) > MAX_PATH:
                self.faults.append(Fault(f"{inside[:MAX_PATH]}…", "unsafe-path"))
                continue
            try:
                with os.scandir(root / inside) as entries:
                    waiting += [f"{inside}{entry.name}/" for entry in entries if self._is_folder(entry, inside)]
            except OSError:
                self.faults.append(Fault(inside or ".", "not-readable"))

    def _is_folder(self, entry: os.DirEntry[str], inside: str) -> bool:
        if entry.is_dir(follow_symlinks=False):
            return True
        kind = self.files if entry.is_file(follow_symlinks=False) else self.odd
        kind.add(f"{inside}{entry.name}")
        return False


def _is_regular(path: Path) -> bool:
    return stat.S_ISREG(path.lstat().st_mode)


def _sums(folder: Path) -> Mapping[str, str] | None:
    text = _text(folder / SUMS)
    if text is None or not text.endswith("\n"):
        return None
    lines = [_LINE.fullmatch(line) for line in text.splitlines(keepends=True)]
    found = {line[2]: line[1] for line in lines if line}
    return found if len(found) == len(lines) and MANIFEST in found else None


def _recorded(folder: Path) -> Mapping[str, str] | None:
    text = _text(folder / MANIFEST)
    try:
        files = parse_object(text or "")["files"]
        found = {file["path"]: file["sha256"] for file in files}
        return found if all(isinstance(path, str) for path in found) else None
    except (DamagedRecordError, KeyError, TypeError):
        return None


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8") if _is_regular(path) else None
    except (OSError, UnicodeDecodeError):
        return None


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
