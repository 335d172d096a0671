"""All runs at one time, as the index tells them: what can be chosen among them, and what was made of them. No I/O."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final

from harness.console.asked import LONGEST
from harness.evidence.reading import RunCondition

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import TypeVar

    from harness.indexing.details import Details
    from harness.indexing.facts import Contents, Facts

    T = TypeVar("T")

MOST_MADE: Final = 32
"""Things made of one list, such as its rows under some filters."""

MOST_CHOICES: Final = 500
"""Words that a filter offers; a record may have any number, and each of them can be asked for."""


@dataclass(frozen=True, slots=True)
class Row:
    """What the index tells of one run."""

    facts: Facts
    contents: Contents
    details: Details

    @property
    def name(self) -> str:
        """Of the folder, without ``.partial``."""
        return self.facts.name

    @property
    def is_running(self) -> bool:
        """Whether it goes on now."""
        return self.facts.condition == RunCondition.RUNNING

    @property
    def is_finished(self) -> bool:
        """Whether it has ended and is whole, as far as a listing looks."""
        return self.facts.condition == RunCondition.FINISHED


@dataclass(frozen=True, eq=False)
class Listed:
    """All runs at one time, newest first, and what can be chosen among them; used by several threads at a time."""

    rows: tuple[Row, ...]
    warnings: tuple[str, ...] = ()
    _made: dict[object, object] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def made(self, what: object, make: Callable[[], T]) -> T:
        """What was made of these runs before, or is made now; a few such things are kept, the oldest go."""
        with self._lock:
            if what in self._made:
                return self._made[what]  # type: ignore[return-value]
        found = make()
        with self._lock:
            self._made[what] = found
            while len(self._made) > MOST_MADE:
                del self._made[next(iter(self._made))]
        return found

    @cached_property
    def by_name(self) -> Mapping[str, Row]:
        """Runs by their names; of two, the finished one."""
        return {row.name: row for row in reversed(self.rows)} | {row.name: row for row in self.rows if row.is_finished}

    @cached_property
    def called(self) -> Mapping[str, list[Row]]:
        """Runs by their names and by their ids."""
        found: dict[str, list[Row]] = {}
        for row in self.rows:
            for name in {row.name, row.facts.run_id}:
                found.setdefault(name, []).append(row)
        return found

    @cached_property
    def ladders(self) -> tuple[str, ...]:
        """Names of ladders that were climbed."""
        return _offered(_words({row.details.ladders for row in self.rows}))

    @cached_property
    def intents(self) -> tuple[str, ...]:
        """Ladders, modes and types of jobs."""
        return _offered(_words({row.details.intents for row in self.rows}))

    @cached_property
    def scenarios(self) -> tuple[str, ...]:
        """Ids of scenarios."""
        lines = _words({row.contents.scenarios for row in self.rows})
        names = {line.partition("\t")[0] for line in lines}
        return _offered(name for name in names if "/" not in name)

    @cached_property
    def triggers(self) -> tuple[str, ...]:
        """What has set runs off."""
        return _offered({row.details.trigger for row in self.rows} - {""})


def _words(texts: set[str]) -> set[str]:
    """The lines of texts; most runs have the same ones."""
    return {line for text in texts for line in text.split("\n")} - {""}


def _offered(words: Iterable[str]) -> tuple[str, ...]:
    """Those that an address can hold."""
    return tuple(sorted(word for word in words if len(word) <= LONGEST)[:MOST_CHOICES])
