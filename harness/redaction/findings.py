"""What the redactor found: counts by source and class, and names of variables; never a value, a place or a length.

Sources are paths or names of ours, and a prefix of them stands for a scenario or a run. Several threads may add at
once. It decides nothing; what is a finding and what is not, the caller says by what it asks for.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.redaction.redacted import HitClass


class Findings:
    """Replacements made so far."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, HitClass]] = Counter()
        self._variables: defaultdict[str, set[str]] = defaultdict(set)
        self._lock = threading.Lock()

    def add(self, source: str, hits: Iterable[HitClass]) -> None:
        """Count replacements."""
        with self._lock:
            self._counts.update((source, hit) for hit in hits)

    def name(self, source: str, variables: frozenset[str]) -> None:
        """Remember whose values were found."""
        with self._lock:
            self._variables[source] |= variables

    def named(self, source: str) -> frozenset[str]:
        """Whose values were found under this very source."""
        with self._lock:
            return frozenset(self._variables.get(source, ()))

    def counts(self) -> list[tuple[str, HitClass, int]]:
        """Every source and class with its count, in order."""
        with self._lock:
            return sorted((source, hit, count) for (source, hit), count in self._counts.items())

    def count(self, prefix: str, classes: frozenset[HitClass]) -> int:
        """Replacements of some classes under the sources that begin with the prefix."""
        return sum(count for source, hit, count in self.counts() if hit in classes and source.startswith(prefix))

    def variables(self, prefix: str) -> tuple[str, ...]:
        """Names under sources that begin with the prefix, in order and each once."""
        with self._lock:
            found = [names for source, names in self._variables.items() if source.startswith(prefix)]
            return tuple(sorted(set().union(*found)))
