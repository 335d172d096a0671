"""The words that every report uses: marks beside verdicts, durations, sizes, and the facts about a run in their order.

A mark stands beside its word and never instead of it, so that nothing is told by colour or shape alone.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Final

from harness.judging.verdict import Verdict
from harness.terminal.wording import span

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from harness.evidence.run_record import RunRecord, ScenarioRecord

MARKS: Final[Mapping[str, str]] = {
    "PASS": "✓",
    "LIMITED": "△",
    "FAIL": "✗",
    "FLAKY": "≈",
    "ERROR": "!",
    "INCONCLUSIVE": "?",
    "BLOCKED": "⊘",
}
UNKNOWN_MARK: Final = "•"

_KIB: Final = 1024


def mark_of(word: str) -> str:
    """The mark of a verdict; of a word that is none, a mark that means nothing else."""
    return MARKS.get(word, UNKNOWN_MARK)


def took(seconds: float) -> str:
    """A duration: ``12 ms``, ``3.2 s``, ``2 min 05 s``; what no clock can have counted is unknown."""
    if not math.isfinite(seconds):
        return "unknown"
    return f"{round(max(0.0, seconds) * 1000)} ms" if seconds < 1 else span(seconds)


def size(count: int | None) -> str:
    """A size in bytes, for people; unknown is told as such."""
    if count is None:
        return "unknown"
    return f"{count} B" if count < _KIB else f"{count / _KIB:.1f} KiB"


def tallied(records: Iterable[ScenarioRecord]) -> tuple[tuple[str, int], ...]:
    """How often each verdict was reached, those that were, in the order of their declaration."""
    found = Counter(record.verdict for record in records)
    return tuple((verdict.value, found[verdict]) for verdict in Verdict if found[verdict])


def verdict_of(record: RunRecord) -> str:
    """The verdict of a run, or that there is none."""
    return record.verdict.value if record.verdict else "no verdict"


def facts_of(record: RunRecord) -> tuple[tuple[str, str], ...]:
    """What was run, on what, and when: name and text, in the order of importance."""
    images = record.images
    rows = (
        ("Run id", record.run_id),
        ("Status", record.status.value),
        ("Exit code", "none" if record.exit_code is None else str(record.exit_code)),
        ("Started", record.started_at),
        ("Finished", record.finished_at or "not finished"),
        ("Duration", took(record.duration_s)),
        ("Commit", record.git.revision),
        ("Harness version", record.harness_version),
        ("Worker image", images.worker or "unknown"),
        ("Backend image", images.backend or "unknown"),
        ("Engine", " / API ".join(each or "unknown" for each in (record.engine.version, record.engine.api_version))),
        ("Base URL", record.base_url),
        ("Recorded", record.recorded),
        ("Secrets", ", ".join(f"{name}={value}" for name, value in record.secrets.items())),
        ("Rerun of", record.rerun_of or ""),
    )
    return tuple(row for row in rows if row[1])
