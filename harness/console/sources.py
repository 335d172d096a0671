"""What pages are made from: the runs, how far each can be trusted, and documents that were made before.

A document of a finished run is kept until a file of that run changes, since it cannot become another one.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from harness.console.shelf import UNFINISHED, Shelf
from harness.console.stamps import stamps_below
from harness.console.trace_rows import Pipelines
from harness.console.trust import Trusted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from typing import Self, TypeVar

    from harness.evidence.reading import RunEntry
    from harness.evidence.redacting import Redacts
    from harness.judging.observation import Exchange

    T = TypeVar("T")
    Keep = Callable[[Callable[[], str]], str]

MOST_KEPT: Final = 128

MOST_CHARACTERS: Final = 32 << 20
"""Of drawn pages; a run of a thousand trials has one of ten million, and each address one of its own."""


class Kept:
    """Documents by what they are of; used by several threads at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: OrderedDict[tuple[str, ...], tuple[object, object]] = OrderedDict()
        self._characters = 0

    def made(self, entry: RunEntry, what: tuple[str, ...], make: Callable[[], T]) -> T:
        """The document, made anew when a file of the run has changed; of an unfinished run always."""
        if entry.condition in UNFINISHED:
            return make()
        key, stamp = (str(entry.folder), *what), stamps_below(entry.folder)
        with self._lock:
            held = self._held.get(key)
            if held and held[0] == stamp:
                self._held.move_to_end(key)
                return held[1]  # type: ignore[return-value]
        found = make()
        with self._lock:
            self._forget(key)
            self._held[key] = stamp, found
            self._characters += _characters(found)
            while len(self._held) > MOST_KEPT or self._characters > MOST_CHARACTERS:
                self._forget(next(iter(self._held)))
        return found

    def _forget(self, key: tuple[str, ...]) -> None:
        if held := self._held.pop(key, None):
            self._characters -= _characters(held[1])

    def drawn(self, entry: RunEntry, what: tuple[str, ...], document: Mapping[str, object]) -> Keep:
        """Keeps a page as it was drawn, as long as the run and what else the page shows are the same.

        Args:
            entry: The run.
            what: Which page of it.
            document: What the page shows besides that which follows from the run's own files.
        """
        key = ("html", *what, repr(document))
        return lambda draw: self.made(entry, key, draw)


def _characters(found: object) -> int:
    return len(found) if isinstance(found, str) else 0


@dataclass(frozen=True, slots=True)
class Sources:
    """Everything that pages read.

    Attributes:
        redactor: What leaves as one file passes it.
        backend: Asks the backend for a path; whatever happens is an exchange.
    """

    shelf: Shelf
    trusted: Trusted
    redactor: Callable[[], Redacts]
    backend: Callable[[str], Exchange]
    kept: Kept = field(default_factory=Kept)
    pipelines: Pipelines = field(default_factory=Pipelines)

    @classmethod
    def of(cls, root: Path, redactor: Callable[[], Redacts], backend: Callable[[str], Exchange]) -> Self:
        """The sources of one evidence root."""
        return cls(Shelf(root), Trusted(root), redactor, backend)
