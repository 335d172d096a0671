"""Two runs side by side: how they ended first, then what was seen on the way, then what may explain it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.reporting.changes import Diff
from harness.reporting.compared_run import open_side
from harness.reporting.environment_changes import environment_changes
from harness.reporting.exchange_changes import exchange_changes
from harness.reporting.file_changes import file_changes
from harness.reporting.outcome_changes import check_changes, verdict_changes
from harness.reporting.structure_changes import structure_changes
from harness.reporting.timing_changes import timing_changes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.evidence.reading import RunEntry

_SECTIONS = (
    verdict_changes,
    check_changes,
    structure_changes,
    exchange_changes,
    file_changes,
    timing_changes,
    environment_changes,
)


def diff(entries: Sequence[RunEntry], before: str, after: str) -> Diff:
    """Compare two runs, or trials of them.

    Args:
        entries: All runs.
        before: ``RUN``, or ``RUN#NNN`` for one of its trials.
        after: Likewise.

    Raises:
        UsageError: As ``open_side``.
        EvidenceError: As ``open_side``.
    """
    one, other = open_side(entries, before), open_side(entries, after)
    return Diff(one.side, other.side, tuple(compare(one, other) for compare in _SECTIONS))
