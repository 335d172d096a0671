"""A secret value that cannot be shown by accident, and the set of those that a run knows.

It refuses every way by which a value slips into text: ``repr``, ``str`` and ``format`` give the marker, JSON and pickle
fail. No hash, prefix or length of a value is kept. The doubt that remains: whoever calls ``reveal`` holds a plain
string; its two callers are the maker of needles and the second scanner's own search.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

from harness.redaction.redacted import MARKER

if TYPE_CHECKING:
    from collections.abc import Iterator


class Secret:
    """A value that never shows itself."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value, for the search of its traces and for nothing else."""
        return self._value

    def __repr__(self) -> str:
        return MARKER

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return MARKER

    def __reduce__(self) -> NoReturn:
        msg = "a secret is never pickled or copied"
        raise TypeError(msg)


@dataclass(frozen=True, slots=True)
class NamedSecret:
    """One value under the name of the variable it came from; a variable with several values gives several of them."""

    name: str
    secret: Secret


@dataclass(frozen=True, slots=True)
class SecretSet:
    """All values that must not be written. Its representation shows names only."""

    members: tuple[NamedSecret, ...] = field(default=())

    def __iter__(self) -> Iterator[NamedSecret]:
        return iter(self.members)

    @property
    def names(self) -> frozenset[str]:
        """Names of the variables; a variable is ``present`` when its name is here."""
        return frozenset(member.name for member in self.members)
