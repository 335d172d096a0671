"""The forms of a secret that can be spelt in advance.

They are what a value looks like after a program has printed, quoted, escaped or encoded it without meaning to hide it.
It decides which byte strings are searched for, and refuses any that is shorter than eight bytes or part of the marker.
Encodings in groups (base64, base32) are spelt by their core, the characters that do not depend on what stands before
and after the value. What is broken up, nested deeper or compressed is left to the views. The doubt: a form that is not
listed here and that no view undoes.
"""

from __future__ import annotations

import base64
import codecs
import html
import json
import re
import shlex
from dataclasses import dataclass
from math import lcm
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, quote_plus

from harness.redaction.redacted import MARKER_BYTES, SHORTEST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from harness.redaction.secret import Secret

_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")


@dataclass(frozen=True, slots=True)
class Needles:
    """What is searched for.

    Attributes:
        whole: Byte strings that are replaced where they stand complete.
        in_part: Byte strings of which any fragment is replaced as well.
    """

    whole: frozenset[bytes]
    in_part: frozenset[bytes]

    def __repr__(self) -> str:
        return f"Needles({len(self.whole)} whole, {len(self.in_part)} in part)"


def needles_for(secrets: Iterable[Secret]) -> Needles:
    """Spell every secret, and every long enough line of it, in all forms."""
    values = {part for secret in secrets for part in _parts(secret.reveal())}
    whole = {needle for value in values for needle in _spell(value)}
    # The parts of a URL are ordinary text; the password in it is a secret of its own.
    in_part = {text for value in values if "://" not in value for text in _in_part(value)}
    return Needles(frozenset(filter(_searchable, whole)), frozenset(filter(_searchable, in_part)))


def base64_cores(data: bytes) -> Iterator[bytes]:
    """The base64 characters that depend on ``data`` alone, for each of the three ways it can lie in groups of three.

    With ``o`` bytes in front of ``n`` bytes these are the characters from ceil(8o/6) to floor(8(o+n)/6).
    """
    return _cores(data, base64.b64encode, bits=6)


def utf8(text: str) -> bytes:
    """Encode any Python string; lone surrogates stay what they are."""
    return text.encode("utf-8", "surrogatepass")


def _searchable(needle: bytes) -> bool:
    return len(needle) >= SHORTEST and needle not in MARKER_BYTES


def _parts(value: str) -> set[str]:
    lines = {line.strip() for line in value.splitlines()}
    return {value, value.strip(), *(line for line in lines if len(line) >= SHORTEST)} - {""}


def _in_part(value: str) -> Iterator[bytes]:
    data = utf8(value)
    yield data
    yield data.hex().encode()
    for core in base64_cores(data):
        yield from (core, core.translate(_URL_SAFE))


def _spell(value: str) -> Iterator[bytes]:
    yield from map(utf8, _as_text(value))
    data = utf8(value)
    yield from _as_bytes(data)
    yield from _in_part(value)
    for core in base64_cores(data):
        yield from (core[::-1], core[::-1].translate(_URL_SAFE))
        for inner in {core, core.translate(_URL_SAFE)}:
            for twice in base64_cores(inner):
                yield from (twice, twice.translate(_URL_SAFE))


def _as_text(value: str) -> Iterator[str]:
    yield from (value, value.upper(), value.lower(), value[::-1], codecs.encode(value, "rot13"))
    yield from (repr(value)[1:-1], ascii(value)[1:-1], shlex.quote(value), value.replace("'", "'\\''"))
    yield from _as_json(value)
    yield from _as_markup(value)
    for percent in (quote(value, safe="", errors="replace"), quote(value, errors="replace")):
        yield from (percent, re.sub("%..", lambda code: code[0].lower(), percent))
    yield quote_plus(value, errors="replace")


def _as_json(value: str) -> Iterator[str]:
    for once in (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]):
        twice = json.dumps(once)[1:-1]
        yield from (once, once.replace("/", "\\/"), twice, json.dumps(twice)[1:-1])
    units = value.encode("utf-16-be", "surrogatepass").hex()
    for digits in (units, units.upper()):
        escaped = "".join(f"\\u{digits[at : at + 4]}" for at in range(0, len(digits), 4))
        yield from (escaped, json.dumps(escaped)[1:-1])


def _as_markup(value: str) -> Iterator[str]:
    named = html.escape(value, quote=False).replace('"', "&quot;")
    yield from (named, named.replace("'", "&apos;"), html.escape(value))
    for spelt in ("&#{};", "&#x{:x};", "&#x{:X};"):
        yield "".join(spelt.format(ord(char)) for char in value)


def _as_bytes(data: bytes) -> Iterator[bytes]:
    spelt = data.hex()
    pairs = [spelt[at : at + 2] for at in range(0, len(spelt), 2)]
    for prefix in ("", "%", "\\x", "0x"):
        for digits in (pairs, [pair.upper() for pair in pairs]):
            yield (prefix + prefix.join(digits)).encode()
    for core in _cores(data, base64.b32encode, bits=5):
        yield from (core, core.lower())
    yield from _in_groups_of_four(data)
    text = data.decode("utf-8", "replace")
    yield from (text.encode("utf-16-le"), text.encode("utf-16-be"))


def _in_groups_of_four(data: bytes) -> Iterator[bytes]:
    """Base85 and Ascii85: only whole groups of four bytes have characters of their own."""
    for skipped in range(4):
        groups = data[skipped : len(data) - (len(data) - skipped) % 4]
        yield from (base64.b85encode(groups), base64.a85encode(groups))


def _cores(data: bytes, encode: Callable[[bytes], bytes], *, bits: int) -> Iterator[bytes]:
    # A group ends where bytes and characters meet: after 3 bytes of base64, after 5 of base32.
    for offset in range(lcm(8, bits) // 8):
        first, end = -(-8 * offset // bits), 8 * (offset + len(data)) // bits
        yield encode(bytes(offset) + data)[first:end]
