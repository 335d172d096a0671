"""From what a person typed to a run, a trial or a scenario: names, ids, and unique beginnings of 8 characters or more.

A run's name or id goes before a trace's, because all ids of one minute begin alike; among traces a beginning that fits
several is listed. Nothing is made into a path before it has the form of an id.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from harness.errors import UsageError
from harness.evidence.faults import EvidenceError
from harness.evidence.layout import PARTIAL_SUFFIX
from harness.evidence.resolving import MOST_LISTED, SHORTEST_PREFIX, newest_run, resolve_run
from harness.replaying.recorded import trials_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.evidence.reading import RunEntry

_HEX: Final = re.compile(r"[0-9a-f-]{8,36}")
_HINT: Final = "`ladder runs` lists the runs"


@dataclass(frozen=True, slots=True)
class Choice:
    """What was meant.

    Attributes:
        trace_id: Of a trial or of a scenario; empty for the whole run.
    """

    entry: RunEntry
    trace_id: str = ""


def choose(entries: Sequence[RunEntry], text: str) -> Choice | None:
    """Find what is meant; ``None`` when nothing was named and nothing is recorded.

    Args:
        entries: All runs, newest first.
        text: What was typed; empty for the newest run.

    Raises:
        UsageError: ``run-name-invalid``, ``run-ambiguous`` or ``trace-ambiguous``.
        EvidenceError: ``run-unknown``.
    """
    if not text:
        return Choice(newest_run(entries)) if entries else None
    # A trial that a later run has taken over lies in the earlier one.
    known = {} if text.endswith(PARTIAL_SUFFIX) else {each.trace_id: each for each in _traces(entries, text)}
    traces = list(known.values())
    try:
        return Choice(resolve_run(entries, text))
    except EvidenceError:
        if not traces:
            raise
    except UsageError as error:
        if error.reference == "run-prefix-short":
            raise EvidenceError("run-unknown", f"neither a run nor a trace is called {text}", _HINT) from None
        if error.reference != "run-ambiguous" or text not in known:
            raise
    if len(found := [known[text]] if text in known else traces) > 1:
        listed = ", ".join(f"{each.trace_id} (run {each.entry.name})" for each in found[:MOST_LISTED])
        more = "" if len(found) <= MOST_LISTED else f" and {len(found) - MOST_LISTED} more"
        raise UsageError("trace-ambiguous", f"{text} fits {len(found)} traces: {listed}{more}", "give more of the id")
    return found[0]


def _traces(entries: Sequence[RunEntry], text: str) -> Iterator[Choice]:
    if len(text) < SHORTEST_PREFIX or not _HEX.fullmatch(text):
        return
    for entry in entries:
        for trace_id in dict.fromkeys(_ids(entry)):
            if trace_id.startswith(text):
                yield Choice(entry, trace_id)


def _ids(entry: RunEntry) -> Iterator[str]:
    """Ids of the trials of a run, and of its scenarios."""
    if entry.record is None:
        return
    known = [each.trace_id for each in entry.record.trial_records]
    if not known:
        try:
            known = [each.trace_id for each in trials_of(entry)]
        except EvidenceError:
            known = []
    yield from known
    yield from (each.trace_id for each in entry.record.scenarios if each.trace_id)
