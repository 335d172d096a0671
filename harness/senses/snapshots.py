"""What a project's files hold, as hashes of their bytes, by listing and reading them through the file API.

A hash is made of what was received. The server's ETag is not believed: it only spares a transfer, and only when an
earlier transfer has shown it to be the hash that we made ourselves, and the listed size is still the same. Whatever
keeps a file from being read is a doubt, which leaves checks undecided. What lies below ``.codex`` is not read. The
doubt: contents pass the redactor, so a change inside a secret is not seen; the secret itself makes the scenario red.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from harness.judging.observation import FileChanges
from harness.senses.project_contents import listed_in, path_of, received, request_for, unreadable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.senses.calls import Send

MOST_FILES: Final = 2_000
MOST_BYTES: Final = 64 << 20
"""Listed sizes together; beyond either bound nothing is read and the snapshot is in doubt."""


@dataclass(frozen=True, slots=True)
class Content:
    """One file as it was received.

    Attributes:
        size: As listed.
        etag: The server's, when it turned out to be the quoted hash; else empty.
    """

    sha256: str
    size: int
    etag: str = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All files of a project at one time; empty when there is no project.

    Attributes:
        doubt: Why a file may be missing; empty when all were read.
    """

    files: Mapping[str, Content] = field(default_factory=dict)
    doubt: str = ""


def changes(since: str, before: Snapshot, after: Snapshot) -> FileChanges:
    """What happened between two snapshots.

    Args:
        since: Id of the step before which ``before`` was taken.
        before: The earlier one.
        after: The later one.
    """
    taken = (("before", before), ("after", after))
    doubt = "; ".join(f"{when} the step: {snapshot.doubt}" for when, snapshot in taken if snapshot.doubt)
    return FileChanges(since, _hashes(before), _hashes(after), doubt)


def _hashes(snapshot: Snapshot) -> dict[str, str]:
    return {path: content.sha256 for path, content in snapshot.files.items()}


def take(send: Send, files_path: str, known: Snapshot) -> Snapshot:
    """Read all files of a project.

    Args:
        send: See ``Client.exchange``.
        files_path: Path of the listing, such as ``/api/v1/<id>/files``.
        known: An earlier snapshot of the same project, to spare transfers; an empty one when there is none.
    """
    listing = send(request_for(files_path))
    if listing.status == 404:  # noqa: PLR2004  # no project yet, so no files
        return Snapshot()
    listed = listed_in(listing, most_files=MOST_FILES, most_bytes=MOST_BYTES)
    if isinstance(listed, str):
        return Snapshot(doubt=listed)
    found: dict[str, Content] = {}
    doubts: list[str] = []
    for path, size in listed:
        read = _read(send, path_of(files_path, path), size, known=known.files.get(path))
        if isinstance(read, Content):
            found[path] = read
        else:
            doubts.append(unreadable(path, read))
    return Snapshot(found, "; ".join(doubts[:3]))


def _read(send: Send, path: str, size: int, *, known: Content | None) -> Content | str:
    """The content of one file, or why it could not be read."""
    etag = known.etag if known and known.size == size else ""
    answer = send(request_for(path, etag))
    if answer.status == 304 and etag and known:  # noqa: PLR2004  # not modified
        return known
    data = received(answer)
    if isinstance(data, str):
        return data
    digest = hashlib.sha256(data).hexdigest()
    offered = answer.headers.get("etag", "")
    return Content(digest, size, offered if offered == f'"{digest}"' else "")
