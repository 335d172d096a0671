"""Secrets of this process: wrapped so that they cannot be printed by accident, and removed from what is kept.

The redactor knows exact values and looks for the forms in which a worker could write them: as they are, escaped for
JSON or a URL, in base64 at any offset, in hex, upper-cased or reversed, and each of these broken up by white space,
line ends, colour codes or zero-width characters. What it cannot find is an encrypted copy; no matcher can.

A value shorter than eight characters is not searched for, since it would tear ordinary words apart; its name is in
``unsearchable``, so that the start can say so aloud.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NoReturn
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

MARKER: Final = "[REDACTED]"
SHORTEST_SEARCHED: Final = 8

# What may stand between the characters of a broken-up value: white space, zero-width characters, ANSI sequences.
# Possessive, and never next to a character that it could take itself, so that no text makes the search slow.
_GAP: Final = r"(?:[\s\u200b-\u200d\u2060\ufeff]|\x1b\[[0-9;]*+[A-Za-z])*+"
_GAP_CHARACTERS: Final = re.compile(r"[\s\u200b-\u200d\u2060\ufeff\x1b]")


class Secret:
    """A value that never shows itself: ``repr``, ``str`` and ``format`` give ``[REDACTED]``, pickling is refused."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value; callers are the launcher that hands it to a worker and the redactor that looks for it."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value.strip())

    def __repr__(self) -> str:
        return "[REDACTED]"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return "[REDACTED]"

    def __reduce__(self) -> NoReturn:
        msg = "a secret is never pickled"
        raise TypeError(msg)


@dataclass(frozen=True, slots=True)
class Redacted:
    """A text without secrets, and how often one had to be taken out of it."""

    text: str
    hits: int


class Redactor:
    """Replaces every known form of every secret by ``[REDACTED]``.

    Args:
        secrets: Secrets by the name under which an operator knows them.
    """

    def __init__(self, secrets: Mapping[str, Secret]) -> None:
        values = {name: secret.reveal().strip() for name, secret in secrets.items()}
        self.unsearchable = tuple(name for name, value in values.items() if 0 < len(value) < SHORTEST_SEARCHED)
        needles = {needle: _broken_up(needle) for value in values.values() for needle in _needles(value)}
        needles |= {needle: re.escape(needle) for value in values.values() for needle in _escapes(value)}
        # Longest first, so that of two secrets that share a prefix no tail is left over.
        ordered = sorted(needles, key=len, reverse=True)
        self.longest = 4 * max(map(len, needles), default=0)
        """Characters after which no secret goes on that began before; room for gaps included."""
        self._pattern = re.compile("|".join(needles[needle] for needle in ordered) or r"(?!)")

    def redact(self, text: str) -> Redacted:
        """Replace in one text; a replacement never grows the text beyond the marker's ten characters a hit."""
        clean, hits = self._pattern.subn(MARKER, text)
        return Redacted(clean, hits)

    def redact_value(self, value: object) -> tuple[object, int]:
        """Replace in every string, key and number of a JSON value; returns the new value and the number of hits.

        Anything else than a JSON value is taken as the text that it would be printed as.
        """
        if value is None or isinstance(value, bool):
            return value, 0
        if isinstance(value, list | tuple):
            return self._redact_list(value)
        if isinstance(value, dict):
            return self.redact_dict(value)
        found = self.redact(str(value))
        unchanged = isinstance(value, int | float) and not found.hits
        return value if unchanged else found.text, found.hits

    def redact_dict(self, values: Mapping[Any, object]) -> tuple[dict[str, object], int]:
        """Replace in a mapping like ``redact_value``; keys become texts."""
        pairs = [(self.redact(str(key)), self.redact_value(item)) for key, item in values.items()]
        hits = sum(key.hits + item_hits for key, (_, item_hits) in pairs)
        return {key.text: item for key, (item, _) in pairs}, hits

    def _redact_list(self, values: Sequence[object]) -> tuple[list[object], int]:
        items = [self.redact_value(item) for item in values]
        hits = sum(hits for _, hits in items)
        if all(isinstance(value, str) for value in values):
            # A secret may be split over consecutive lines of a log, where no single line holds it.
            joined = self.redact("\n".join(map(str, values)))
            if joined.hits > hits:
                return list(joined.text.split("\n")), joined.hits
        return [item for item, _ in items], hits


def _broken_up(needle: str) -> str:
    return _GAP.join(map(re.escape, needle))


def _needles(value: str) -> Iterator[str]:
    """Spell a secret in the forms that can be spelt in advance; each line of a long value counts as a value."""
    for part in {value, *(line.strip() for line in value.splitlines())}:
        if len(part) >= SHORTEST_SEARCHED:
            forms = (_GAP_CHARACTERS.sub("", form) for form in _forms(part))
            yield from (form for form in forms if len(form) >= SHORTEST_SEARCHED)


def _escapes(value: str) -> Iterator[str]:
    """Every character as an escape, as JSON and Python may spell it; searched without gaps, which would cost most."""
    if len(value) >= SHORTEST_SEARCHED:
        yield "".join(f"\\u{ord(character):04x}" for character in value)
        yield "".join(f"\\x{byte:02x}" for byte in value.encode("utf-8", "surrogatepass"))


def _forms(value: str) -> Iterable[str]:
    data = value.encode("utf-8", "surrogatepass")
    escaped, unescaped = json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]
    percent = quote(value, safe="")
    return {
        value,
        value.upper(),
        value[::-1],
        escaped,
        unescaped,
        json.dumps(escaped)[1:-1],
        json.dumps(unescaped, ensure_ascii=False)[1:-1],
        repr(value)[1:-1],
        percent,
        re.sub("%..", lambda code: code[0].lower(), percent),
        "".join(f"%{byte:02X}" for byte in data),
        data.hex(),
        data.hex().upper(),
        base64.b32encode(data).decode().rstrip("=")[: len(data) * 8 // 5],
        *(core for offset in range(3) for core in _base64_cores(data, offset)),
    }


def _base64_cores(data: bytes, offset: int) -> Iterator[str]:
    """The characters of a base64 text that depend on the secret alone, when ``offset`` bytes stand before it.

    With ``o`` bytes in front and ``n`` bytes of secret these are the characters from ceil(8o/6) to floor(8(o+n)/6).
    """
    encoded = base64.b64encode(b"\0" * offset + data).decode()
    core = encoded[-(-8 * offset // 6) : 8 * (offset + len(data)) // 6]
    yield core
    yield core.translate(str.maketrans("+/", "-_"))
