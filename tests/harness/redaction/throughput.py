"""How fast text is redacted, for the benchmark: MB/s with 3 and with 50 secrets, and whether any text is slower.

Processor time is counted, since the machine is shared; it still suffers from neighbours that use the same caches, so
the bare automaton's speed at the same moment is measured beside it.
"""

from __future__ import annotations

import base64
import json
import random
import string
import time
from enum import StrEnum
from pathlib import Path

from harness.redaction.redactor import Redactor
from harness.redaction.secret import NamedSecret, Secret, SecretSet

WRITE = 4096
ROUNDS = 5
SIGNS = string.ascii_letters + string.digits + "-_"


class Depth(StrEnum):
    """How deep a text is searched."""

    SPELT_OUT = "spelt out"
    """In whole or in part: the second look at each line of evidence."""
    ALL = "and every view"
    """A stream, as ``ladder redact`` has it."""


SIZES = {Depth.SPELT_OUT: 32 << 20, Depth.ALL: 2 << 20}


def measure(depth: Depth = Depth.SPELT_OUT, *, secrets: tuple[int, ...] = (3, 50)) -> dict[int, float]:
    """Return MB/s (10**6 bytes) by number of secrets; the best of five rounds over clean source text."""
    text = _text(SIZES[depth])
    return {count: max(_round(redactor, depth, text) for _ in range(ROUNDS)) for count, redactor in _redactors(secrets)}


def ceiling() -> float:
    """MB/s of the bare automaton over the same text in the same writes: what this machine gives at this moment."""
    redactor = next(_redactors((3,)))[1]
    return max(_timed(redactor._all.plain._search.hits, _text(SIZES[Depth.SPELT_OUT])) for _ in range(ROUNDS))


def worst_growth(size: int = 1 << 20) -> tuple[str, float]:
    """The shape of text whose redaction grows most when the text is twice as long, and how often its time it takes."""
    grown = {}
    for name, shape in SHAPES.items():
        once, twice = (min(_whole(shape, length) for _ in range(2)) for length in (size, 2 * size))
        grown[name] = twice / once
    return max(grown.items(), key=lambda item: item[1])


def _whole(shape, size):
    redactor = next(_redactors((3,)))[1]
    document = shape(size)
    begin = time.process_time()
    redactor.json(document)
    return time.process_time() - begin


def _round(redactor: Redactor, depth: Depth, text: bytes) -> float:
    if depth is Depth.ALL:
        return _timed(redactor.stream().feed, text)
    return _timed(redactor.line, text.decode("ascii", "replace"))


def _timed(write, text):
    begin = time.process_time()
    for at in range(0, len(text), WRITE):
        write(text[at : at + WRITE])
    return len(text) / 1e6 / (time.process_time() - begin)


def _values(count):
    chosen = random.Random(3)
    return ["sk-proj-" + "".join(chosen.choices(SIGNS, k=[156, 20, 32][n % 3])) for n in range(count)]


def _redactors(counts):
    for count in counts:
        yield count, Redactor(SecretSet(tuple(NamedSecret(f"N{n}", Secret(v)) for n, v in enumerate(_values(count)))))


def _text(size):
    sources = sorted((Path(__file__).parents[3] / "harness").rglob("*.py"))
    text = b"".join(path.read_bytes() for path in sources)
    return (text * (size // len(text) + 1))[:size]


KEY = _values(1)[0]


def _members(form):
    return lambda size: "{" + ",".join(f'"{form.format(number)}":1' for number in range(size // len(form))) + "}"


def _items(value):
    return lambda size: json.dumps([value] * (size // len(json.dumps(value))))


SHAPES = {
    "text": _items("lorem ipsum dolor sit amet"),
    "secrets as keys": _members(KEY + "{}"),
    "a secret as every key": _members(KEY),
    "keys that are taken": lambda size: _members("[REDACTED]-{}")(size)[:-1] + f',"{KEY}":1}}',
    "announced": _items({"token": "unknown"}),
    "secrets": _items(KEY),
    "secrets in one string": lambda size: json.dumps(f"{KEY}\n" * (size // len(KEY))),
    "parts of secrets": _items(KEY[20:40]),
    "encoded": _items(base64.b64encode(KEY.encode()).decode()),
    "apart": _items("-".join(KEY)),
    "escaped": lambda size: '["' + "".join(f"\\u{ord(char):04x}" for char in KEY) * (size // 984) + '"]',
    "backslashes": lambda size: '"' + "\\" * (size // 2 * 2) + '"',
}


if __name__ == "__main__":
    print({"ceiling": round(ceiling(), 1)})  # noqa: T201  # run by hand
    for kind in Depth:
        print(kind, {count: round(speed, 1) for count, speed in measure(kind).items()})  # noqa: T201  # run by hand
    print(worst_growth())  # noqa: T201  # run by hand
