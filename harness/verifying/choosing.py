"""Which run is verified: the one that was named, or the newest by what its record says, never by its folder's name."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from harness.errors import UsageError
from harness.evidence.faults import EvidenceError
from harness.evidence.reading import RunCondition, RunEntry, list_runs
from harness.evidence.resolving import resolve_run

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_UNFINISHED: Final = frozenset({RunCondition.PARTIAL, RunCondition.RUNNING})
_LISTED: Final = "`ladder runs` lists them"


def choose(root: Path, run: str, *, latest: bool) -> RunEntry:
    """Find the run that is meant.

    Args:
        root: Where evidence lies.
        run: A folder, an id, or the beginning of one; empty with ``latest``.
        latest: The newest that is finished.

    Raises:
        UsageError: ``run-unnamed`` or ``flags-contradict``; or the name is none.
        EvidenceError: ``run-unknown``, or ``run-unfinished``.
    """
    if bool(run) == latest:
        if run:
            raise UsageError("flags-contradict", "both a run and --latest are given", "leave one of them out")
        raise UsageError("run-unnamed", "which run?", "name one, or say --latest; `ladder runs` lists them")
    entries = list_runs(root)
    return _newest(entries, root) if latest else _named(entries, run)


def _named(entries: Iterable[RunEntry], run: str) -> RunEntry:
    entry = resolve_run(entries, run)
    if entry.condition in _UNFINISHED:
        raise EvidenceError("run-unfinished", f"{entry.folder} is not finished", _LISTED)
    return entry


def _newest(entries: Iterable[RunEntry], root: Path) -> RunEntry:
    """A damaged run that says when it began is among them, so that damage never makes an older run the newest."""
    ended = [entry for entry in entries if entry.condition not in _UNFINISHED]
    if not ended:
        raise EvidenceError("run-unknown", f"no finished run lies in {root}", "record one: make live-suite")
    unknown = [entry for entry in ended if _began(entry) is None]
    if unknown:
        message = f"{unknown[0].folder} does not say when it began, so it may be the newest"
        raise EvidenceError("run-unreadable", message, "name the run that is meant, or move this one away")
    return max(ended, key=lambda entry: (_began(entry) or _NEVER, entry.run_id))


_NEVER: Final = datetime.min.replace(tzinfo=UTC)


def _began(entry: RunEntry) -> datetime | None:
    try:
        began = datetime.fromisoformat(entry.record.started_at) if entry.record else None
    except ValueError:
        return None
    return began if began and began.tzinfo else None
