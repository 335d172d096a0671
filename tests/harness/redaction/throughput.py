"""How fast streams are redacted, for the benchmark: MB/s with 3 and with 50 secrets, in writes of 4 KiB.

Processor time is counted, since the machine is shared; it still suffers from neighbours that use the same caches, so
the bare automaton's speed at the same moment is measured beside it.
"""

from __future__ import annotations

import random
import string
import time
from pathlib import Path

from harness.redaction.redactor import Layers, Redactor
from harness.redaction.secret import NamedSecret, Secret, SecretSet

WRITE = 4096
ROUNDS = 5
SIZES = {Layers.SPELT_OUT: 32 << 20, Layers.FRAGMENTS: 32 << 20, Layers.ALL: 2 << 20}


def measure(layers: Layers = Layers.SPELT_OUT, *, secrets: tuple[int, ...] = (3, 50)) -> dict[int, float]:
    """Return MB/s (10**6 bytes) by number of secrets; the best of five rounds over clean source text."""
    text = _text(SIZES[layers])
    return {
        count: max(_round(redactor, layers, text) for _ in range(ROUNDS)) for count, redactor in _redactors(secrets)
    }


def ceiling() -> float:
    """MB/s of the bare automaton over the same text in the same writes: what this machine gives at this moment."""
    redactor = next(_redactors((3,)))[1]
    stream = redactor.stream(Layers.SPELT_OUT)
    text = _text(SIZES[Layers.SPELT_OUT])
    search = stream._finder.matcher._search
    return max(_timed(search.hits, text) for _ in range(ROUNDS))


def _round(redactor: Redactor, layers: Layers, text: bytes) -> float:
    return _timed(redactor.stream(layers).feed, text)


def _timed(write, text):
    begin = time.process_time()
    for at in range(0, len(text), WRITE):
        write(text[at : at + WRITE])
    return len(text) / 1e6 / (time.process_time() - begin)


def _redactors(counts):
    chosen = random.Random(3)
    signs = string.ascii_letters + string.digits + "-_"
    for count in counts:
        values = ["sk-proj-" + "".join(chosen.choices(signs, k=[156, 20, 32][n % 3])) for n in range(count)]
        yield count, Redactor(SecretSet(tuple(NamedSecret(f"N{n}", Secret(value)) for n, value in enumerate(values))))


def _text(size):
    sources = sorted((Path(__file__).parents[3] / "harness").rglob("*.py"))
    text = b"".join(path.read_bytes() for path in sources)
    return (text * (size // len(text) + 1))[:size]


if __name__ == "__main__":
    print({"ceiling": round(ceiling(), 1)})  # noqa: T201  # run by hand
    for kind in Layers:
        print(kind, {count: round(speed, 1) for count, speed in measure(kind).items()})  # noqa: T201  # run by hand
