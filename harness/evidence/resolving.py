"""From what a person typed to one run: folder name, run id, or a unique beginning of either, 8 characters or more."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from harness.errors import UsageError
from harness.evidence.faults import EvidenceError
from harness.evidence.layout import PARTIAL_SUFFIX

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.evidence.reading import RunEntry

SHORTEST_PREFIX: Final = 8
MOST_LISTED: Final = 10

_ALLOWED: Final = re.compile(r"[0-9A-Za-z:.-]{1,80}")


def resolve_run(entries: Iterable[RunEntry], text: str) -> RunEntry:
    """Find the run that is meant.

    Raises:
        UsageError: ``run-name-invalid``, ``run-prefix-short``, or ``run-ambiguous``, which lists what fits.
        EvidenceError: ``run-unknown``.
    """
    wanted = text.removesuffix(PARTIAL_SUFFIX)
    if not _ALLOWED.fullmatch(wanted) or ".." in wanted:
        raise UsageError("run-name-invalid", f"{text[:80]!r} is neither a run's folder nor its id", _HINT)
    known = tuple(entries)
    exact = [entry for entry in known if wanted in {entry.name, entry.run_id}]
    if exact:
        return _only(exact, text)
    if len(wanted) < SHORTEST_PREFIX:
        message = f"{text!r} is no run, and as the beginning of one it is shorter than {SHORTEST_PREFIX} characters"
        raise UsageError("run-prefix-short", message, _HINT)
    return _only([entry for entry in known if entry.name.startswith(wanted) or entry.run_id.startswith(wanted)], text)


def newest_run(entries: Iterable[RunEntry]) -> RunEntry:
    """The newest run, whatever its condition.

    Raises:
        EvidenceError: ``run-unknown``; none is recorded.
    """
    for entry in entries:
        return entry
    raise EvidenceError("run-unknown", "no run is recorded", "record one: make live-suite")


def _only(found: list[RunEntry], text: str) -> RunEntry:
    if not found:
        raise EvidenceError("run-unknown", f"no run is called {text}", _HINT)
    if len(found) > 1:
        listed = ", ".join(f"{entry.name} ({entry.run_id or 'id unknown'})" for entry in found[:MOST_LISTED])
        more = "" if len(found) <= MOST_LISTED else f" and {len(found) - MOST_LISTED} more"
        raise UsageError("run-ambiguous", f"{text} fits {len(found)} runs: {listed}{more}", "give more of the name")
    return found[0]


_HINT: Final = "`ladder runs` lists them"
