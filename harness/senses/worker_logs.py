"""The output of a label's containers, for the notes of a failure; as much as is left, bounded and redacted.

Containers that were removed have no output any more, which is said instead of leaving an empty file. stdout and stderr
come in the order in which the engine kept them. It decides nothing.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from harness.senses.engine import EngineLostError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.senses.calls import Redacts
    from harness.senses.engine import Engine

MOST_CONTAINERS: Final = 8
LAST_LINES: Final = 2_000
KEPT_BYTES: Final = 256 << 10
"""Of each container; the end of an output says why it failed."""

_READ_BYTES: Final = 8 << 20


def collect(engine: Engine, label: str, redacts: Redacts) -> str:
    """The output of the newest containers with a label, redacted.

    Args:
        engine: A witness's engine, or one of its own.
        label: ``name=value``.
        redacts: Everything that is returned has passed it.
    """
    try:
        found = engine.named(label)
        parts = [_one(engine, container_id, state) for container_id, state in found[:MOST_CONTAINERS]]
    except EngineLostError as error:
        parts = [f"the engine could not be asked for the output of {label}: {error}\n"]
    if not parts:
        parts = [f"no container with the label {label} is left\n"]
    return redacts.text("\n".join(parts), source="docker.log")


def _one(engine: Engine, container_id: str, state: str) -> str:
    data, whole = _end_of(engine.output(container_id, LAST_LINES))
    cut = "" if whole else "[the beginning was left out]\n"
    return f"== container {container_id[:12]} ({state})\n{cut}{data.decode('utf-8', 'replace')}"


def _end_of(pieces: Iterable[bytes]) -> tuple[bytes, bool]:
    """The last bytes, and whether they are all."""
    kept: deque[bytes] = deque()
    size = read = 0
    for piece in pieces:
        kept.append(piece)
        size, read = size + len(piece), read + len(piece)
        while size - len(kept[0]) >= KEPT_BYTES:
            size -= len(kept.popleft())
        if read >= _READ_BYTES:
            break
    return b"".join(kept)[-KEPT_BYTES:], read <= KEPT_BYTES
