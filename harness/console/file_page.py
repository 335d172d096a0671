"""One artifact as text, found by the manifest and by nothing else; its digest is that of the bytes that are shown.

As it is, it is sent as plain text or as a download, under a policy that lets it do nothing wherever it is opened. An
archive is not unpacked. What is too long is cut with a note, and the whole of it can be downloaded.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from harness.console.refusals import MissingError
from harness.console.rendering import Page, address
from harness.console.shelf import UNFINISHED
from harness.evidence.faults import EvidenceError
from harness.evidence.layout import ENVELOPE, MANIFEST, SUMS
from harness.evidence.printable import block
from harness.reporting.stored import LostError, data_of
from harness.reporting.told_run import listed_files

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.console.rendering import Json
    from harness.console.sources import Sources
    from harness.evidence.reading import RunEntry

MOST_SHOWN: Final = 256 << 10
"""Bytes on a page."""

LONGEST_LINE: Final = 2_000
"""Characters of a line on a page."""

_BESIDE: Final = (MANIFEST, SUMS, ENVELOPE)
"""Files that no manifest lists, and that a reader needs to check it."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """The bytes of one file, and what the manifest says of it; ``wanted`` is empty of a file that it does not list."""

    run: str
    path: str
    data: bytes
    wanted: str

    @property
    def sha256(self) -> str:
        """Of the bytes."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def name(self) -> str:
        """Without its folders."""
        return self.path.rpartition("/")[2]


def artifact(sources: Sources, names: Mapping[str, str]) -> Artifact:
    """Find and read a file.

    Raises:
        MissingError: There is no such run, it is not sealed, or nothing lists the file.
        EvidenceError: ``artifact-unreadable``.
    """
    entry = sources.shelf.entry(names["run"])
    path = names["path"]
    wanted = _wanted(entry, path)
    try:
        return Artifact(entry.name, path, data_of(entry.folder, path), wanted)
    except LostError as error:
        hint = "`ladder verify` tells what else does not fit"
        raise EvidenceError("artifact-unreadable", f"run {entry.name}: {error}", hint) from None


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
        EvidenceError: As ``artifact``.
    """
    found = artifact(sources, names)
    return Page("file", f"{found.path}, run {found.run}", _document(found), here)


def _document(found: Artifact) -> Json:
    text, notes = _shown(found.data)
    raw = address("runs", found.run, "files", *found.path.split("/"))
    return {
        "run": found.run,
        "run_href": address("runs", found.run),
        "path": found.path,
        "size": len(found.data),
        "sha256": found.sha256,
        "listed_sha256": found.wanted or None,
        "is_as_listed": found.sha256 == found.wanted if found.wanted else None,
        "text": text,
        "notes": notes,
        "raw_href": f"{raw}?raw=1",
        "download_href": f"{raw}?download=1",
    }


def _shown(data: bytes) -> tuple[str, list[str]]:
    """The text that is shown, and what was done to it."""
    notes = []
    text = data[:MOST_SHOWN].decode("utf-8", "backslashreplace")
    if len(data) > MOST_SHOWN:
        notes.append(f"Cut: the first {MOST_SHOWN} of {len(data)} bytes are shown.")
    lines = text.split("\n")
    if any(len(line) > LONGEST_LINE for line in lines):
        notes.append(f"Long lines are cut after {LONGEST_LINE} characters.")
        lines = [line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]}…" for line in lines]
    plain = "\n".join(lines)
    spelt = block(plain)
    if spelt != plain:
        notes.append("Signs that a terminal would obey or hide are spelt out.")
    return spelt, notes
