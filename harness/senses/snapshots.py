"""What a project's files hold, as hashes of their bytes, by listing and reading them through the file API.

A hash is made of what was received. The server's ETag is not believed: it only spares a transfer, and only when an
earlier transfer has shown it to be the hash that we made ourselves, and the listed size is still the same. Whatever
keeps a file from being read is a doubt, which leaves checks undecided. What lies below ``.codex`` is not read. The
doubt: contents pass the redactor, so a change inside a secret is not seen; the secret itself makes the scenario red.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from harness.judging.file_checks import counts
from harness.judging.observation import FileChanges
from harness.language.model import Request
from harness.senses.calls import Call

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.judging.observation import Exchange
    from harness.senses.calls import Send

MOST_FILES: Final = 2_000
MOST_BYTES: Final = 64 << 20
"""Listed sizes together; beyond either bound nothing is read and the snapshot is in doubt."""

REQUEST_TIMEOUT_S: Final = 10.0


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
    listing = send(_get(files_path))
    if listing.status == 404:  # noqa: PLR2004  # no project yet, so no files
        return Snapshot()
    listed = _listed(listing)
    if isinstance(listed, str):
        return Snapshot(doubt=listed)
    found: dict[str, Content] = {}
    doubts: list[str] = []
    for path, size in listed:
        read = _read(send, f"{files_path}/{quote(path)}", size, known=known.files.get(path))
        if isinstance(read, Content):
            found[path] = read
        else:
            doubts.append(f"{path} is listed but could not be read ({read})")
    return Snapshot(found, "; ".join(doubts[:3]))


def _get(path: str, etag: str = "") -> Call:
    headers = {"if-none-match": etag} if etag else {}
    return Call(Request("GET", path, REQUEST_TIMEOUT_S, headers=headers), source="files")


def _listed(listing: Exchange) -> list[tuple[str, int]] | str:
    """Path and size of each file that counts, or why the listing is of no use."""
    if listing.status != 200:  # noqa: PLR2004  # HTTP OK
        return f"the files could not be listed ({listing.error or listing.status})"
    try:
        listed = [(path, size) for path, size in _entries(listing.body) if counts(path)]
    except (KeyError, TypeError, ValueError):
        return "the listing is not of the form {files: [{path, size}]}"
    if len(listed) > MOST_FILES or sum(size for _, size in listed) > MOST_BYTES:
        return f"there are more than {MOST_FILES} files or {MOST_BYTES} bytes, too many to read"
    return listed


def _entries(body: Any) -> Iterator[tuple[str, int]]:  # noqa: ANN401  # JSON values
    for entry in body["files"]:
        path, size = entry["path"], entry["size"]
        if not isinstance(path, str) or not isinstance(size, int):
            raise TypeError
        yield path, size


def _read(send: Send, path: str, size: int, *, known: Content | None) -> Content | str:
    """The content of one file, or why it could not be read."""
    etag = known.etag if known and known.size == size else ""
    answer = send(_get(path, etag))
    if answer.status == 304 and etag and known:  # noqa: PLR2004  # not modified
        return known
    if answer.status != 200 or answer.error:  # noqa: PLR2004  # HTTP OK
        return str(answer.error or answer.status)
    data = _bytes(answer.body)
    if data is None:
        return "its answer is not of the form {contents, encoding}"
    digest = hashlib.sha256(data).hexdigest()
    offered = answer.headers.get("etag", "")
    return Content(digest, size, offered if offered == f'"{digest}"' else "")


def _bytes(body: Any) -> bytes | None:  # noqa: ANN401  # JSON values
    contents, encoding = (body.get("contents"), body.get("encoding")) if isinstance(body, dict) else (None, None)
    if not isinstance(contents, str):
        return None
    if encoding == "base64":
        try:
            return base64.b64decode(contents, validate=True)
        except binascii.Error:
            return None
    return contents.encode("utf-8", "surrogatepass")
