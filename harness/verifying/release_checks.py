"""What a release asks for beyond a bundle that is whole: signed, of a known commit, watched throughout, and green."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from harness.evidence import layout
from harness.evidence.run_record import RunStatus
from harness.judging.verdict import GREEN
from harness.verifying import trace_checks
from harness.verifying.findings import Finding
from harness.verifying.seal_checks import provenance

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.verifying.bundle import Bundle, StoredCase

    Looks = Iterator[Finding | None]

_REFUSED: Final = frozenset({"no-commit", "dirty-commit"})
"""Remarks about where a run comes from that a release may not have."""


def release(bundle: Bundle) -> Looks:
    """The run is signed, of a commit without changes, came to its end, climbed something, and is green."""
    run = bundle.run
    yield None if bundle.is_signed else Finding("unsigned", layout.ENVELOPE, "", "nothing says who made this bundle")
    for found in provenance(bundle):
        yield replace(found, is_fault=True) if found and found.kind in _REFUSED else None
    if run.status is not RunStatus.FINISHED:
        yield Finding("interrupted", layout.RUN, "status", f"expected finished, found {run.status}")
    if not any(each.started_at for each in run.scenarios):
        yield Finding("nothing-climbed", layout.RUN, "scenarios", "no scenario was climbed")
    if run.verdict not in GREEN:
        yield Finding("not-green", layout.RUN, "verdict", f"expected PASS or LIMITED, found {run.verdict}")


def capture(case: StoredCase) -> Looks:
    """Every write was watched, on whatever stack."""
    yield from (replace(found, is_fault=True) if found else None for found in trace_checks.capture(case))
