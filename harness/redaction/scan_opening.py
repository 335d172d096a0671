"""Everything that a file holds inside something else: archive members, compressed data, base64, hex, escapes.

Written apart from the redactor's own decoding on purpose, with the standard library's whole-file readers, so that one
mistake does not blind both. What cannot be opened (too large, too deep, encrypted, broken) is reported as such: a part
that nobody searched is no clean part.
"""

from __future__ import annotations

import base64
import bz2
import gzip
import io
import lzma
import re
import struct
import tarfile
import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote_to_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DEEPEST: Final = 4
LARGEST: Final = 64 << 20
"""Bytes of one opened part."""

_BASE64: Final = re.compile(rb"[A-Za-z0-9+/_-]{20,}(?:(?:\r?\n|\\n)[ \t]*[A-Za-z0-9+/_-]+)*={0,2}")
_HEX: Final = re.compile(rb"(?:[0-9A-Fa-f]{2}){12,}")
_BROKEN: Final = (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError)
"""What the readers raise over bytes that are not what they claim to be."""
_UNICODE: Final = re.compile(rb"\\u00([0-7][0-9A-Fa-f])")


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes to search.

    Attributes:
        path: File, then ``!`` and the member for each archive around the bytes.
        offset: Where the part stands in the innermost file or member; ``None`` when ``data`` is that file itself.
        searched: ``False`` when the part could not be opened.
    """

    path: str
    data: bytes
    offset: int | None = None
    searched: bool = True


def parts(path: str, data: bytes) -> Iterator[Part]:
    """The file itself and everything inside it, whatever it is inside of."""
    yield from _opened(Part(path, data), DEEPEST)


def _opened(part: Part, depth: int) -> Iterator[Part]:
    yield part
    if not part.searched:
        return
    for inner in _inside(part):
        if depth:
            yield from _opened(inner, depth - 1)
        elif inner.offset is None:
            yield Part(inner.path, b"", searched=False)


def _inside(part: Part) -> Iterator[Part]:
    data = part.data
    if data.startswith(b"PK\x03\x04"):
        yield from _zip(part)
    elif data[257:262] == b"ustar":
        yield from _tar(part)
    if unpack := _unpacker(data):
        yield from _unpacked(part, unpack)
    yield from _tokens(part)


def _zip(part: Part) -> Iterator[Part]:
    try:
        with zipfile.ZipFile(io.BytesIO(part.data)) as archive:
            for info in archive.infolist():
                with archive.open(info) as member:
                    yield _limited(f"{part.path}!{info.filename}", member.read(LARGEST + 1))
    except (zipfile.BadZipFile, struct.error, RuntimeError, *_BROKEN):
        yield from _unopened(part)


def _tar(part: Part) -> Iterator[Part]:
    try:
        with tarfile.open(fileobj=io.BytesIO(part.data), mode="r:") as archive:
            for info in archive:
                if member := archive.extractfile(info):
                    yield _limited(f"{part.path}!{info.name}", member.read(LARGEST + 1))
    except (tarfile.TarError, *_BROKEN):
        yield from _unopened(part)


def _unpacker(data: bytes) -> Callable[[bytes], bytes] | None:
    known = {b"\x1f\x8b\x08": _gunzip, b"BZh": _unbzip, b"\xfd7zXZ\x00": _unxz}
    return next((unpack for magic, unpack in known.items() if data.startswith(magic)), None)


def _gunzip(data: bytes) -> bytes:
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
        return file.read(LARGEST + 1)


def _unbzip(data: bytes) -> bytes:
    with bz2.BZ2File(io.BytesIO(data)) as file:
        return file.read(LARGEST + 1)


def _unxz(data: bytes) -> bytes:
    with lzma.LZMAFile(io.BytesIO(data)) as file:
        return file.read(LARGEST + 1)


def _unpacked(part: Part, unpack: Callable[[bytes], bytes]) -> Iterator[Part]:
    try:
        yield _limited(f"{part.path}!unpacked", unpack(part.data))
    except _BROKEN:
        yield from _unopened(part)


def _unopened(part: Part) -> Iterator[Part]:
    # Decoded text may begin like an archive by chance; a file that does claims to be one.
    if part.offset is None:
        yield Part(part.path, b"", searched=False)


def _limited(path: str, data: bytes) -> Part:
    return Part(path, data) if len(data) <= LARGEST else Part(path, b"", searched=False)


def _tokens(part: Part) -> Iterator[Part]:
    for found in _BASE64.finditer(part.data):
        text = re.sub(rb"\\n|[^A-Za-z0-9+/_-]", b"", found[0]).translate(bytes.maketrans(b"-_", b"+/"))
        whole = text[: len(text) - (len(text) % 4 == 1)]
        yield _token(part, found.start(), base64.b64decode(whole + b"=" * (-len(whole) % 4)))
    for found in _HEX.finditer(part.data):
        yield _token(part, found.start(), bytes.fromhex(found[0].decode()))
    if _UNICODE.search(part.data):
        yield _token(part, 0, _UNICODE.sub(lambda code: bytes.fromhex(code[1].decode()), part.data))
    if b"%" in part.data and b"\0" not in part.data and (plain := unquote_to_bytes(part.data)) != part.data:
        yield _token(part, 0, plain)


def _token(part: Part, start: int, data: bytes) -> Part:
    # Inside an encoded text only the place of that text can be pointed at.
    return Part(part.path, data, start if part.offset is None else part.offset)
