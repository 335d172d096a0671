"""What ``ladder runs`` tells: as data for ``--json``, and as a table for people.

Stored text is shown as data: control characters were spelt out when the facts were taken. A run that does not count as
evidence says so in the same place where another one tells its verdict.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from harness.evidence.printable import shortened
from harness.indexing.facts import finite
from harness.indexing.words import word_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from harness.indexing.facts import Facts

_COLUMNS = ("RUN", "VERDICT", "GREEN", "DURATION", "COMMIT", "RUN ID", "NOTE")
_MAX_CELL = 100
_COMMIT = 10


def runs_json(root: Path, runs: Sequence[Facts]) -> str:
    """The list for ``--json``, a run a line."""
    lines = ",\n".join(f"  {json.dumps(run_document(root, each))}" for each in runs)
    return f'{{"runs": [\n{lines}\n]}}\n' if lines else '{"runs": []}\n'


def run_document(root: Path, facts: Facts) -> dict[str, Any]:
    """One run as values; what its record does not tell, or cannot be read, is ``None``."""
    return {
        "run": facts.name,
        "run_id": facts.run_id or None,
        "folder": str(root / facts.folder),
        "condition": facts.condition,
        "status": facts.status or None,
        "why": facts.why,
        "signed": bool(facts.signature),
        "verdict": facts.verdict or None,
        "ladder": facts.ladder or None,
        "green": int(facts.green) if facts.green else None,
        "scenarios": int(facts.climbed) if facts.climbed else None,
        "commit": facts.revision or None,
        "dirty": bool(facts.is_dirty) if facts.revision else None,
        "started_at": facts.started_at or None,
        "duration_s": finite(facts.duration_s),
    }


def runs_text(runs: Sequence[Facts], *, is_narrowed: bool) -> str:
    """The list as a table; an empty one says so."""
    if not runs:
        return "no recorded run fits\n" if is_narrowed else "nothing recorded\n"
    rows = [_COLUMNS, *map(_row, runs)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    form = "  ".join(f"{{:<{width}}}" for width in widths).format
    return "".join([f"{form(*row).rstrip()}\n" for row in rows])


def _row(facts: Facts) -> tuple[str, ...]:
    took = f"{float(facts.duration_s):.1f} s" if facts.status else ""
    done = f"{facts.green}/{facts.climbed}" if facts.status else ""
    commit = facts.revision[:_COMMIT] + facts.is_dirty
    return (facts.name, word_of(facts), done, took, commit, _cell(facts.run_id), _cell(facts.why))


def _cell(text: str) -> str:
    return text if len(text) <= _MAX_CELL else shortened(text, _MAX_CELL)
