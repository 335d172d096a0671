"""The event logs of a run: its own, and one for each of several trials; what leads elsewhere is none of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.evidence.layout import EVENTS
from harness.evidence.paths import fault_of

if TYPE_CHECKING:
    from pathlib import Path

    from harness.evidence.run_record import RunRecord


def logs_of(folder: Path, record: RunRecord) -> tuple[Path, ...]:
    """Those that are regular files below the run's folder, the run's own first; a pipe is not waited for."""
    named = dict.fromkeys((EVENTS, *(trial.log for trial in record.trial_records)))
    return tuple(folder / path for path in named if not fault_of(path) and _is_plain(folder, path))


def _is_plain(folder: Path, path: str) -> bool:
    found = folder / path
    links = any(each.is_symlink() for each in (found, *found.parents) if each.is_relative_to(folder) and each != folder)
    return found.is_file() and not links
