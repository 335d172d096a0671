"""Words that a run is told with, spelt here as well: the modules that define them take long to import.

A test holds that they are those of ``RunCondition`` and ``RunStatus``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from harness.indexing.facts import Facts

FINISHED: Final = "finished"
RUNNING: Final = "running"
PARTIAL: Final = "partial"
DAMAGED: Final = "damaged"
CONDITIONS: Final = (FINISHED, RUNNING, PARTIAL, DAMAGED)

INTERRUPTED: Final = "interrupted"


def word_of(facts: Facts) -> str:
    """A run's verdict; of one that does not count as evidence its condition, in the same place."""
    if facts.condition != FINISHED:
        return facts.condition
    ended = " (interrupted)" if facts.status == INTERRUPTED else ""
    return f"{facts.verdict}{ended}" if facts.verdict else "none"
