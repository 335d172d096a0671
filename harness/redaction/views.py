"""Other readings of a text, searched beside it.

A view is the text that is left when something is undone, and it can say where in its source any part came from.
Escapes are undone (JSON, Python, shell, URL, HTML, quoted-printable; nested by applying it again), and separators are
taken out: white space, colour codes and zero-width characters, or everything but ASCII letters and digits. Making a
view is one pass at C speed; its map back is built only when something was found in it. It decides no redaction.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from html import unescape
from itertools import accumulate, compress
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_COLOUR: Final = rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])"
# Zero-width space, joiners and marks, word joiner, byte order mark, soft hyphen, no-break and ideographic spaces.
_INVISIBLE: Final = rb"\xe2\x80[\x80-\x8f\xa8-\xaf]|\xe2\x81[\xa0-\xa4]|\xef\xbb\xbf|\xc2[\xa0\xad]|\xe3\x80\x80"
_WHITE: Final = b" \t\r\n\v\f\0"
_LETTERS: Final = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_OTHERS: Final = bytes(set(range(256)) - set(_LETTERS))
_LOWER: Final = bytes(range(256)).lower()
_IS_LETTER: Final = bytes(byte in _LETTERS for byte in range(256))

_COLOURS: Final = re.compile(_COLOUR)
_UNSEEN: Final = re.compile(_COLOUR + b"|" + _INVISIBLE)
_GAPS: Final = re.compile(_COLOUR + b"|" + _INVISIBLE + rb"|[ \t\r\n\v\f\0]+")
_LINE_ENDS: Final = re.compile(_COLOUR + b"|" + _INVISIBLE + rb"|\r|\n[ \t\r\n]*")
# The same after carriage returns and invisible characters are gone; a literal at its head makes it six times as fast.
_INDENTED: Final = re.compile(rb"\n[ \t\n]*")

_ESCAPE: Final = re.compile(
    rb"\\(?:u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|u\{[0-9A-Fa-f]{1,6}\}|x[0-9A-Fa-f]{2}|[0-7]{3}|.|\r?\n)"
    rb"|%[0-9A-Fa-f]{2}|=(?:[0-9A-F]{2}|\r?\n)|&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[a-z]{2,6});"
    rb"|</?[A-Za-z]{1,10}(?: [^<>]{0,200})?/?>|\xef(?:\xbc[\x81-\xbf]|\xbd[\x80-\x9e])",
    re.DOTALL,
)
"""Besides escapes proper: tags, which readers do not see, and full-width letters, which they read as letters."""
_WIDE: Final = 0xFEE0  # from ASCII to the full-width forms, U+FF01 to U+FF5E
_NAMED: Final = {
    b"n": b"\n",
    b"r": b"\r",
    b"t": b"\t",
    b"b": b"\b",
    b"f": b"\f",
    b"v": b"\v",
    b"e": b"\x1b",
    b"0": b"\0",
}


class View(Protocol):
    """A reading of some source."""

    @property
    def text(self) -> bytes:
        """What is read."""

    def locate(self, start: int, end: int) -> tuple[int, int]:
        """Where in the source a non-empty part of the text came from."""


class Pieces:
    """Maps positions of a view to its source, piece by piece.

    Args:
        pieces: Start and end in the source and length in the view. A piece as long there as here is copied; any other
            stands for its source as a whole.
    """

    def __init__(self, pieces: Iterable[tuple[int, int, int]]) -> None:
        self._sources: list[tuple[int, int]] = []
        self._starts: list[int] = []
        self._lengths: list[int] = []
        at = 0
        for start, end, length in pieces:
            if length:
                self._sources.append((start, end))
                self._starts.append(at)
                self._lengths.append(length)
                at += length

    def locate(self, start: int, end: int) -> tuple[int, int]:
        """See ``View``."""
        return self._byte(start)[0], self._byte(end - 1)[1]

    def _byte(self, position: int) -> tuple[int, int]:
        number = bisect_right(self._starts, position) - 1
        start, end = self._sources[number]
        if end - start != self._lengths[number]:
            return start, end
        at = start + position - self._starts[number]
        return at, at + 1


@dataclass
class Stripped:
    """The source without what a pattern matches."""

    source: bytes
    removed: re.Pattern[bytes]
    text: bytes

    @cached_property
    def _pieces(self) -> Pieces:
        return Pieces(self._kept())

    def _kept(self) -> Iterator[tuple[int, int, int]]:
        at = 0
        for gap in self.removed.finditer(self.source):
            yield at, gap.start(), gap.start() - at
            at = gap.end()
        yield at, len(self.source), len(self.source) - at

    def locate(self, start: int, end: int) -> tuple[int, int]:
        """See ``View``."""
        return self._pieces.locate(start, end)


@dataclass
class Letters:
    """The ASCII letters and digits of a source without colour codes."""

    source: bytes
    text: bytes

    @cached_property
    def _places(self) -> array[int]:
        places, at = array("L"), 0
        for code in _COLOURS.finditer(self.source):
            places.extend(self._letters_in(at, code.start()))
            at = code.end()
        places.extend(self._letters_in(at, len(self.source)))
        return places

    def _letters_in(self, start: int, end: int) -> Iterator[int]:
        return compress(range(start, end), self.source[start:end].translate(_IS_LETTER))

    def locate(self, start: int, end: int) -> tuple[int, int]:
        """See ``View``."""
        return self._places[start], self._places[end - 1] + 1


@dataclass
class Unescaped:
    """The source with one layer of escapes undone.

    Attributes:
        count: How many escapes there were.
    """

    source: bytes
    text: bytes
    count: int
    undone: Mapping[bytes, bytes]

    @cached_property
    def _escapes(self) -> list[tuple[int, int]]:
        return [escape.span() for escape in _ESCAPE.finditer(self.source)]

    @cached_property
    def _lengths(self) -> list[int]:
        return [len(self.undone[self.source[start:end]]) for start, end in self._escapes]

    @cached_property
    def _starts(self) -> list[int]:
        """Where in the text the meaning of each escape begins."""
        saved = (end - start - length for (start, end), length in zip(self._escapes, self._lengths, strict=True))
        return [start - gone for (start, _), gone in zip(self._escapes, accumulate(saved, initial=0), strict=False)]

    def locate(self, start: int, end: int) -> tuple[int, int]:
        """See ``View``; an escape stands for its meaning as a whole."""
        return self._byte(start)[0], self._byte(end - 1)[1]

    def _byte(self, position: int) -> tuple[int, int]:
        number = bisect_right(self._starts, position) - 1
        if number < 0:
            return position, position + 1
        (start, end), length = self._escapes[number], self._lengths[number]
        beyond = position - self._starts[number] - length
        if beyond < 0:
            return start, end
        return end + beyond, end + beyond + 1


def without_gaps(source: bytes) -> Stripped:
    """Take out white space, NUL, colour codes and invisible characters."""
    return Stripped(source, _GAPS, _visible(source).translate(None, _WHITE))


def letters_only(source: bytes) -> Letters:
    """Leave ASCII letters, in lower case, and digits; colour codes go with the letter that ends them."""
    seen = _COLOURS.sub(b"", source) if b"\x1b" in source else source
    return Letters(source, seen.translate(_LOWER, _OTHERS))


def without_line_ends(source: bytes) -> Stripped:
    """Take out line ends with the indentation after them, colour codes and invisible characters."""
    return Stripped(source, _LINE_ENDS, _INDENTED.sub(b"", _visible(source).translate(None, b"\r")))


def _visible(source: bytes) -> bytes:
    return source if source.isascii() and b"\x1b" not in source else _UNSEEN.sub(b"", source)


def unescaped(source: bytes) -> Unescaped | None:
    """Undo one layer of escapes; ``None`` when there is none."""
    undone = _Undone()
    text, count = _ESCAPE.subn(lambda escape: undone[escape[0]], source)
    return None if text == source else Unescaped(source, text, count, undone)


class _Undone(dict[bytes, bytes]):
    """What escapes mean; a text has many of few kinds."""

    def __missing__(self, spelt: bytes) -> bytes:
        return self.setdefault(spelt, _undone(spelt))


def _undone(spelt: bytes) -> bytes:
    match spelt[:1]:
        case b"%" | b"=":
            return bytes.fromhex(spelt[1:].decode()) if spelt[1:].strip() else b""
        case b"&":
            return unescape(spelt.decode()).encode("utf-8", "surrogatepass")
        case b"<":
            return b""
        case b"\xef":
            return chr(ord(spelt.decode()) - _WIDE).encode()
        case _:
            return _unslashed(spelt[1:])


def _unslashed(spelt: bytes) -> bytes:
    digits = spelt.strip(b"uUx{}")
    if len(spelt) == 3 and spelt.isdigit():  # noqa: PLR2004  # three octal digits
        return bytes([int(spelt, 8) & 0xFF])
    if len(spelt) > 1 and spelt[:1] == b"x":
        return bytes.fromhex(digits.decode())
    if len(spelt) > 1 and spelt[:1] in b"uU":
        code = int(digits, 16)
        return chr(code).encode("utf-8", "surrogatepass") if code <= 0x10FFFF else b"?"  # noqa: PLR2004  # last code point
    return _NAMED.get(spelt, spelt.strip())
