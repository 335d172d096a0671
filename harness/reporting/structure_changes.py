"""The ways that two runs took: the digest of each scenario's trace in its normal form, and the first odd step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from harness.evidence.printable import one_line
from harness.reporting.changes import Change, Section
from harness.reporting.compared_run import climbed_pairs
from harness.reporting.told_run import stored_trace
from harness.traces.differences import first_difference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.reporting.compared_run import ComparedRun, Pair, Sample

_DIGITS: Final = 12
_UNKNOWN: Final = "no trace"
_ELSEWHERE: Final = "what was watched, or what hangs on no span"


def structure_changes(before: ComparedRun, after: ComparedRun) -> Section:
    """Every scenario that both sides climbed."""
    pairs = climbed_pairs(before, after)
    changes = (
        Change(pair.name, _step(pair), _told(pair.before), _told(pair.after))
        for pair in pairs
        if _digests(pair.before).isdisjoint(_digests(pair.after))
    )
    rule = "A way changed when no way that one side took is a way that the other side took."
    return Section("structure", len(pairs), tuple(changes), rule)


def _digests(samples: Sequence[Sample]) -> set[str]:
    """A case that cannot be read has taken a way that nobody knows."""
    return {each.case.determinism_hash if each.case else f"{_UNKNOWN}: {each.why}" for each in samples}


def _told(samples: Sequence[Sample]) -> str:
    digests = sorted(_digests(samples))
    told = ", ".join(one_line(digest)[:_DIGITS] or _UNKNOWN for digest in digests[:2])
    return told if len(digests) <= 2 else f"{told} and {len(digests) - 2} more"  # noqa: PLR2004  # two are told


def _step(pair: Pair) -> str:
    """The first step that differs between the first samples of both sides."""
    one, other = (stored_trace(side[0].entry, side[0].record) for side in (pair.before, pair.after))
    if one is None or other is None:
        return "trace"
    return one_line(first_difference(one, other)) or _ELSEWHERE
