"""Secrets of this process: wrapped so that they cannot be printed by accident, and removed from what is kept."""

from __future__ import annotations

from typing import NoReturn


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
