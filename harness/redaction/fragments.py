"""Twelve characters of a secret in a row are enough to give it away: parts of cut or wrapped values are found here.

Every fragment of at least ``SIZE`` bytes is found by a shorter seed that it must contain, which is then extended in
both directions; so few seeds stand for all fragments, and a fragment is replaced in its full length. What is the same
for everybody (``sk-proj-``, names of variables) is no fragment of a secret. The doubt: twelve characters that are
ordinary text, as in a pass phrase, are replaced wherever they stand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from harness.redaction.needles import base64_cores

if TYPE_CHECKING:
    from collections.abc import Iterator

SIZE: Final = 12
SEED: Final = 8
STRIDE: Final = SIZE - SEED + 1
"""Any 12 bytes in a row contain 8 that start at a multiple of 5."""

FEWEST_OWN: Final = 6
"""Bytes of a fragment that must be the secret's own; four tell nothing, and a 401 body shows that many."""
FEWEST_KINDS: Final = 4

PUBLIC: Final = (
    b"sk-proj-",
    b"sk-svcacct-",
    b"sk-admin-",
    b"sk-ant-api03-",
    b"T3BlbkFJ",
    b"github_pat_",
    b"OPENAI_API_KEY",
    b"OPENAI_ORG_ID",
    b"OPENAI_PROJECT",
    b"API_TOKENS",
    b"DATABASE_URL",
)


class Fragmented:
    """One text of which fragments are searched, with the places at which a fragment says something."""

    __slots__ = ("_telling", "text")

    def __init__(self, text: bytes, public: frozenset[bytes]) -> None:
        self.text = text
        own = _own_bytes(text, public)
        self._telling = bytes(_tells(own[at : at + SIZE]) for at in range(len(text) - SIZE + 1))

    def seeds(self) -> Iterator[tuple[int, bytes]]:
        """Offsets and bytes of the seeds."""
        for offset in range(0, len(self.text) - SEED + 1, STRIDE):
            yield offset, self.text[offset : offset + SEED]

    def tells(self, start: int, end: int) -> bool:
        """Whether the part from ``start`` to ``end`` is long enough and more than public."""
        return end - start >= SIZE and 1 in self._telling[start : end - SIZE + 1]


def public_texts() -> frozenset[bytes]:
    """What is the same for everybody, in the encodings of which fragments are searched."""
    return frozenset(
        spelt for text in PUBLIC for spelt in (text, text.hex().encode(), *base64_cores(text)) if len(spelt) >= SEED
    )


def _own_bytes(text: bytes, public: frozenset[bytes]) -> list[int]:
    """The text with its public bytes replaced by -1."""
    own = list(text)
    for known in public:
        at = text.find(known)
        while at >= 0:
            own[at : at + len(known)] = [-1] * len(known)
            at = text.find(known, at + 1)
    return own


def _tells(window: list[int]) -> bool:
    rest = [byte for byte in window if byte >= 0]
    return len(rest) >= FEWEST_OWN and len(set(rest)) >= FEWEST_KINDS
