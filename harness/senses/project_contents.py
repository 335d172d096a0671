"""The files of a project as they were received, by listing and reading them through the file API.

Snapshots hash them, a program's run needs them whole; listing, reading and decoding are the same for both. Nothing is
believed of the listing but the names: what came is counted anew. Whatever keeps a file from being read is a doubt, and
then there are no contents at all, because half a project would be judged for a whole one. The doubt that stays:
contents pass the redactor, so a file that holds a secret is not the file that the project has.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from harness.judging.file_checks import counts
from harness.language.model import Request
from harness.senses.calls import Call

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.judging.observation import Exchange
    from harness.senses.calls import Send

MOST_FILES: Final = 2_000
MOST_BYTES: Final = 16 << 20
"""Together; they are held in memory and unpacked into the memory of a container."""

REQUEST_TIMEOUT_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Contents:
    """All files of a project at one time, without those below ``.codex``.

    Attributes:
        doubt: Why they could not all be read, in one line; then there are none.
    """

    files: Mapping[str, bytes] = field(default_factory=dict)
    doubt: str = ""


def fetch(send: Send, files_path: str) -> Contents:
    """Read all files of a project whole.

    Args:
        send: See ``Client.exchange``.
        files_path: Path of the listing, such as ``/api/v1/<id>/files``.
    """
    listed = listed_in(send(request_for(files_path)), most_files=MOST_FILES, most_bytes=MOST_BYTES)
    if isinstance(listed, str):
        return Contents(doubt=listed)
    files: dict[str, bytes] = {}
    left = MOST_BYTES
    for path, _ in listed:
        data = received(send(request_for(path_of(files_path, path))))
        if isinstance(data, str):
            return Contents(doubt=unreadable(path, data))
        files[path], left = data, left - len(data)
        if left < 0:
            return Contents(doubt=_too_many(MOST_FILES, MOST_BYTES))
    return Contents(files)


def request_for(path: str, etag: str = "") -> Call:
    """A request for a listing or a file; with an ``etag`` an unchanged file need not be sent."""
    headers = {"if-none-match": etag} if etag else {}
    return Call(Request("GET", path, REQUEST_TIMEOUT_S, headers=headers), source="files")


def path_of(files_path: str, path: str) -> str:
    """Where a listed file is read."""
    return f"{files_path}/{quote(path, errors='surrogatepass')}"


def unreadable(path: str, why: str) -> str:
    """The doubt about a file that is listed but did not come, in one line whatever its name."""
    return f"{path if path.isprintable() else ascii(path)} is listed but could not be read ({why})"


def listed_in(listing: Exchange, *, most_files: int, most_bytes: int) -> list[tuple[str, int]] | str:
    """Path and size of each file that counts, or why the listing is of no use.

    Args:
        listing: The answer.
        most_files: With more, it is of no use.
        most_bytes: Likewise, of the listed sizes together.
    """
    if listing.status != 200 or listing.error:  # noqa: PLR2004  # HTTP OK
        return f"the files could not be listed ({listing.error or listing.status})"
    try:
        listed = [(path, size) for path, size in _entries(listing.body) if counts(path)]
    except (KeyError, TypeError, ValueError):
        return "the listing is not of the form {files: [{path, size}]}"
    if len(listed) > most_files or sum(size for _, size in listed) > most_bytes:
        return _too_many(most_files, most_bytes)
    return listed


def _too_many(most_files: int, most_bytes: int) -> str:
    return f"there are more than {most_files} files or {most_bytes} bytes, too many to read"


def _entries(body: Any) -> Iterator[tuple[str, int]]:  # noqa: ANN401  # JSON values
    for entry in body["files"]:
        path, size = entry["path"], entry["size"]
        if not isinstance(path, str) or not isinstance(size, int):
            raise TypeError
        yield path, size


def received(answer: Exchange) -> bytes | str:
    """The bytes of a file, or why its answer does not hold them."""
    if answer.status != 200 or answer.error:  # noqa: PLR2004  # HTTP OK
        return str(answer.error or answer.status)
    data = _decoded(answer.body)
    return "its answer is not of the form {contents, encoding}" if data is None else data


def _decoded(body: Any) -> bytes | None:  # noqa: ANN401  # JSON values
    contents, encoding = (body.get("contents"), body.get("encoding")) if isinstance(body, dict) else (None, None)
    if not isinstance(contents, str):
        return None
    if encoding == "base64":
        try:
            return base64.b64decode(contents, validate=True)
        except ValueError:  # wrong padding or alphabet (binascii.Error), or no ASCII at all
            return None
    return contents.encode("utf-8", "surrogatepass")
