"""Encodings opened: base64, hexadecimal and compressed parts of a text, as views that can be searched in their turn.

Runs of the base64 alphabet are decoded at all four phases, because what stands before an encoded text may be glued to
it; a wrong phase gives noise, which holds no secret. It decides only what looks like an encoding. The doubt: a
compressed part that begins before the text at hand cannot be opened; the second scanner reads whole files.
"""

from __future__ import annotations

import binascii
import re
import zlib
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Final

from harness.redaction.views import Pieces

if TYPE_CHECKING:
    from collections.abc import Iterator


SHORTEST_RUN: Final = 16
"""Characters; twelve bytes, the length of a fragment, take as many in base64."""

MOST_INFLATED: Final = 2 << 20
"""Bytes taken out of one compressed part: 1 MiB of a bomb inflates to 1 GiB."""
MOST_MEMBERS: Final = 64
"""Compressed parts opened in one text; more are the work of somebody who wants us to wait."""

_ALPHABET: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_")
_IN_ALPHABET: Final = bytes(b"x"[0] if byte in _ALPHABET else b" "[0] for byte in range(256))
_STANDARD: Final = bytes.maketrans(b"-_", b"+/")
_HEX_DIGITS: Final = b"0123456789abcdefABCDEF"
_GZIP: Final = b"\x1f\x8b\x08"
_ZLIB: Final = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
_ZIP_MEMBER: Final = b"PK\x03\x04"
_MAGIC: Final = re.compile(b"|".join(map(re.escape, (_GZIP, *_ZLIB, _ZIP_MEMBER))))
_STEP: Final = 512
"""Bytes fed at once; a broken stream loses no more than what they hold."""


@dataclass
class Runs:
    """The parts of a source that look like base64 or hexadecimal, of which there is at least one.

    Attributes:
        places: Start and end of each.
        texts: The parts themselves.
    """

    places: list[tuple[int, int]]
    texts: list[bytes]

    def locate(self, start: int, end: int) -> tuple[int, int]:
        """Where in the source a part of the joined texts came from."""
        return self._pieces.locate(start, end)

    @cached_property
    def _pieces(self) -> Pieces:
        return Pieces([(start, end, end - start) for start, end in self.places])


@dataclass(slots=True)
class Decoded:
    """Runs of an encoding, joined and decoded from one phase on.

    Attributes:
        runs: What was joined.
        phase: Characters left out in front.
        chars: Characters that give ``octets`` bytes.
        length: Characters of all runs.
    """

    text: bytes
    runs: Runs
    phase: int
    chars: int
    octets: int
    length: int

    def locate(self, start: int, end: int) -> tuple[int, int]:
        """See ``View``; characters that hold bits of a neighbour too are included."""
        first = self.phase + start * self.chars // self.octets
        last = self.phase + -(-end * self.chars // self.octets)
        # What was added to fill the last group stands behind the end.
        return self.runs.locate(min(first, self.length - 1), min(last, self.length))


@dataclass(frozen=True, slots=True)
class Inflated:
    """A compressed part of the source, unpacked; any find in it stands for the part as a whole."""

    text: bytes
    start: int
    end: int

    def locate(self, start: int, end: int) -> tuple[int, int]:  # noqa: ARG002  # a compressed part has no inside
        """See ``View``."""
        return self.start, self.end


def decoded(runs: Runs) -> Iterator[Decoded]:
    """Every reading of the runs: all as base64, and as hexadecimal those that are nothing else."""
    # Joined runs need no care for each run's own phase: each lies right in one of the readings.
    yield from _base64(runs)
    hexadecimal = [number for number, text in enumerate(runs.texts) if not text.strip(_HEX_DIGITS)]
    if hexadecimal:
        yield from _hex(Runs([runs.places[n] for n in hexadecimal], [runs.texts[n] for n in hexadecimal]))


def runs_in(source: bytes) -> Runs | None:
    """Find what looks like base64 or hexadecimal."""
    places = _places_of_runs(source)
    return Runs(places, [source[start:end] for start, end in places]) if places else None


def _places_of_runs(source: bytes) -> list[tuple[int, int]]:
    # Two searches in a translated copy find the few long runs without looking at the many short ones.
    marks = source.translate(_IN_ALPHABET) + b" "
    long_run = b"x" * SHORTEST_RUN
    found = []
    start = marks.find(long_run)
    while start >= 0:
        end = marks.find(b" ", start)
        found.append((start, end))
        start = marks.find(long_run, end)
    return found


def _base64(runs: Runs) -> Iterator[Decoded]:
    joined = b"".join(runs.texts).translate(_STANDARD)
    for phase in range(4):
        filled = joined[phase:] + b"A" * (-(len(joined) - phase) % 4)
        yield Decoded(binascii.a2b_base64(filled), runs, phase, chars=4, octets=3, length=len(joined))


def _hex(runs: Runs) -> Iterator[Decoded]:
    joined = b"".join(runs.texts)
    for phase in range(2):
        even = joined[phase : len(joined) - (len(joined) - phase) % 2]
        yield Decoded(binascii.unhexlify(even), runs, phase, chars=2, octets=1, length=len(joined))


def inflated(source: bytes) -> Iterator[Inflated]:
    """Every part that gzip, zlib or a member of a zip archive unpacks to, in whole or from its beginning."""
    if not _MAGIC.search(source):
        return
    # Two bytes are a weak sign: noise that unpacks to nothing must not use up the allowance.
    unpacked = (part for start, format_ in _compressed(source) if (part := _inflate(source, start, format_)).text)
    yield from islice(unpacked, MOST_MEMBERS)


def _compressed(source: bytes) -> Iterator[tuple[int, int]]:
    """Where something compressed may begin, and how ``zlib`` calls its format."""
    for magic in (_GZIP, *_ZLIB):
        yield from ((at, zlib.MAX_WBITS | 32) for at in _places(source, magic))
    for at in _places(source, _ZIP_MEMBER):
        # The data follows a header of 30 bytes and two fields whose lengths end it (APPNOTE 4.3.7).
        lengths = source[at + 26 : at + 30]
        yield at + 30 + int.from_bytes(lengths[:2], "little") + int.from_bytes(lengths[2:], "little"), -zlib.MAX_WBITS


def _places(source: bytes, pattern: bytes) -> Iterator[int]:
    at = source.find(pattern)
    while at >= 0:
        yield at
        at = source.find(pattern, at + 1)


def _inflate(source: bytes, at: int, format_: int) -> Inflated:
    """What can be unpacked from ``at`` on; a broken end costs the end only."""
    unpacker = zlib.decompressobj(wbits=format_)
    text, fed = bytearray(), at
    try:
        while fed < len(source) and not unpacker.eof and len(text) < MOST_INFLATED:
            piece = unpacker.unconsumed_tail or source[fed : fed + _STEP]
            fed += 0 if unpacker.unconsumed_tail else len(piece)
            text += unpacker.decompress(piece, MOST_INFLATED - len(text))
    except zlib.error:
        pass
    return Inflated(bytes(text), at, fed - len(unpacker.unused_data))
