"""Where any of many byte strings occurs: one interface, two engines.

The Aho-Corasick automaton reads the text once, however many patterns there are, and reports overlapping matches, which
is what makes secrets inside secrets safe. The plain engine needs no dependency and is the first one's witness in tests.
Neither decides what a match means.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import ahocorasick_rs

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_FOR_TABLE: Final = 10_000
"""Patterns up to which the automaton is a full table, twice as fast as links; 50 secrets make 7,000 and take 30 MB."""


class PatternSearch(Protocol):
    """Finds every occurrence of every pattern that it was made with."""

    def hits(self, data: bytes) -> Sequence[tuple[int, int, int]]:
        """Number of the pattern, start and end of each occurrence, in any order; occurrences may overlap."""


class AhoCorasick:
    """The automaton of ``ahocorasick_rs``, in standard matching with overlaps."""

    def __init__(self, patterns: Sequence[bytes]) -> None:
        kind = ahocorasick_rs.Implementation
        chosen = kind.DFA if len(patterns) <= MOST_FOR_TABLE else kind.ContiguousNFA
        self._automaton = ahocorasick_rs.BytesAhoCorasick(patterns, implementation=chosen)

    def hits(self, data: bytes) -> Sequence[tuple[int, int, int]]:
        """See ``PatternSearch``."""
        return self._automaton.find_matches_as_indexes(data, overlapping=True)


class PlainFind:
    """``bytes.find`` for each pattern: slow, and too simple to be wrong."""

    def __init__(self, patterns: Sequence[bytes]) -> None:
        self._patterns = list(enumerate(patterns))

    def hits(self, data: bytes) -> Sequence[tuple[int, int, int]]:
        """See ``PatternSearch``."""
        found = []
        for number, pattern in self._patterns:
            at = data.find(pattern)
            while at >= 0:
                found.append((number, at, at + len(pattern)))
                at = data.find(pattern, at + 1)
        return found
