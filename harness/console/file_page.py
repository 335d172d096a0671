"""One artifact as text, found by the manifest and by nothing else; its digest is that of the bytes that are shown.

As it is, it is sent as plain text or as a download, under a policy that lets it do nothing wherever it is opened. An
archive is not unpacked. What is too long is cut with a note, and the whole of it can be downloaded. A file is read
piece by piece, so that a large one takes time and no memory. The doubt: it is read once for its digest and once more to
be sent, so one that changes in between is sent under the digest that it had.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from harness.console.following import opened
from harness.console.refusals import MissingError
from harness.console.rendering import Page, address
from harness.console.shelf import UNFINISHED
from harness.evidence.faults import EvidenceError
from harness.evidence.layout import ENVELOPE, MANIFEST, SUMS
from harness.evidence.printable import block
from harness.reporting.told_run import listed_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from harness.console.rendering import Json
    from harness.console.sources import Sources
    from harness.evidence.reading import RunEntry

LARGEST: Final = 1 << 30
"""Bytes of a file that is served at all; its digest takes a second or two."""

AT_ONCE: Final = 256 << 10
"""Bytes that are read in one turn, and those on a page."""

LONGEST_LINE: Final = 2_000
"""Characters of a line on a page."""

_BESIDE: Final = (MANIFEST, SUMS, ENVELOPE)
"""Files that no manifest lists, and that a reader needs to check it."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What reading a file once tells: its beginning, how long it is, its digest, and whether it has zero bytes."""

    head: bytes
    size: int
    sha256: str
    is_binary: bool


@dataclass(frozen=True, slots=True)
class Artifact:
    """One file, and what the manifest says of it; ``wanted`` is empty of a file that it does not list."""

    run: str
    path: str
    folder: Path
    wanted: str

    @property
    def name(self) -> str:
        """Without its folders."""
        return self.path.rpartition("/")[2]

    def seen(self) -> Seen:
        """Read all of it once.

        Raises:
            EvidenceError: ``artifact-unreadable``.
        """
        digest, head, size, is_binary = hashlib.sha256(), b"", 0, False
        for piece in self.pieces():
            digest.update(piece)
            head = head or piece
            size += len(piece)
            is_binary = is_binary or b"\x00" in piece
        return Seen(head, size, digest.hexdigest(), is_binary)

    def pieces(self) -> Iterator[bytes]:
        """Its bytes, as many as it had when it was opened.

        Raises:
            EvidenceError: ``artifact-unreadable``.
        """
        file = opened(self.folder, self.path)
        if file < 0:
            raise self._unreadable("cannot be read, or is no regular file")
        with os.fdopen(file, "rb", buffering=0) as data:
            left = os.fstat(file).st_size
            if left > LARGEST:
                raise self._unreadable(f"has more than {LARGEST} bytes")
            while left > 0 and (piece := data.read(min(left, AT_ONCE))):
                left -= len(piece)
                yield piece

    def _unreadable(self, why: str) -> EvidenceError:
        hint = "`ladder verify` tells what else does not fit"
        return EvidenceError("artifact-unreadable", f"run {self.run}: {self.path} {why}", hint)


def artifact(sources: Sources, names: Mapping[str, str]) -> Artifact:
    """Find a file.

    Raises:
        MissingError: There is no such run, it is not sealed, or nothing lists the file.
    """
    entry = sources.shelf.entry(names["run"])
    return Artifact(entry.name, names["path"], entry.folder, _wanted(entry, names["path"]))


def _wanted(entry: RunEntry, path: str) -> str:
    if entry.condition in UNFINISHED:
        raise MissingError("the run is not sealed, so none of its files is served")
    listed = listed_files(entry.folder).get(path)
    if listed is not None:
        return listed.sha256 or ""
    if path in _BESIDE and (entry.folder / path).is_file():
        return ""
    raise MissingError("the run lists no such file")


def file_page(sources: Sources, names: Mapping[str, str], here: str) -> Page:
    """The page of one file.

    Raises:
        MissingError: As ``artifact``.
        EvidenceError: ``artifact-unreadable``.
    """
    found = artifact(sources, names)
    return Page("file", f"{found.path}, run {found.run}", _document(found), here)


def _document(found: Artifact) -> Json:
    seen = found.seen()
    text, notes = _shown(seen)
    raw = address("runs", found.run, "files", *found.path.split("/"))
    return {
        "run": found.run,
        "run_href": address("runs", found.run),
        "path": found.path,
        "size": seen.size,
        "sha256": seen.sha256,
        "listed_sha256": found.wanted or None,
        "is_as_listed": seen.sha256 == found.wanted if found.wanted else None,
        "text": text,
        "notes": notes,
        "raw_href": f"{raw}?raw=1",
        "download_href": f"{raw}?download=1",
    }


def _shown(seen: Seen) -> tuple[str, list[str]]:
    """The text that is shown, and what was done to it."""
    notes = []
    text = seen.head.decode("utf-8", "backslashreplace")
    if seen.size > len(seen.head):
        notes.append(f"Cut: the first {len(seen.head)} of {seen.size} bytes are shown.")
    lines = text.split("\n")
    if any(len(line) > LONGEST_LINE for line in lines):
        notes.append(f"Long lines are cut after {LONGEST_LINE} characters.")
        lines = [line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]}…" for line in lines]
    plain = "\n".join(lines)
    spelt = block(plain)
    if spelt != plain:
        notes.append("Signs that a terminal would obey or hide are spelt out.")
    return spelt, notes
