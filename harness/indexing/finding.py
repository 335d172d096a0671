"""The runs that a name could mean, so that what finds one among all runs need not read them all.

Whatever looks for a run by its folder, its id, the id of a trace, or a beginning of one of them, finds the same among
these as among all, in the same order, and lists the same ones when several fit; the newest is among them when nothing
is named. Runs that do not say which trials they had are among them whenever a trace could be meant.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final

from harness.evidence.layout import PARTIAL_SUFFIX, trace_file
from harness.indexing.facts import bare_id
from harness.indexing.listing import list_facts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from harness.evidence.reading import RunEntry
    from harness.indexing.facts import Contents, Facts
    from harness.indexing.store import Index

_TRACE: Final = re.compile(r"[0-9a-f]{8,32}")
_WHOLE: Final = 32
_NUMBER: Final = "#"
"""``RUN#002`` is a trial of a run."""


def runs_meant(root: Path, index: Index, *texts: str) -> tuple[RunEntry, ...]:
    """Read the runs that any of some texts could mean, newest first.

    Args:
        root: Where evidence lies.
        index: Its index.
        texts: As they were typed; an empty one means the newest run.

    Raises:
        EvidenceError: ``evidence-unreadable``.
    """
    from harness.evidence.reading import read_entry

    wanted = [text.partition(_NUMBER)[0].removesuffix(PARTIAL_SUFFIX) for text in texts]
    traces = [bare_id(text) for text in wanted if _TRACE.fullmatch(bare_id(text))]
    listing = list_facts(root, index, with_contents=bool(traces))
    newest = listing.runs[:1] if "" in wanted else ()
    named = {name for each in listing.runs for name in (each.name, each.run_id)}
    # Whatever is the whole name of a run is no trace.
    unnamed = [bare_id(text) for text in wanted if text not in named]
    tests = (_by_name(wanted), _by_trace(root, [each for each in traces if each in unnamed], listing.contents.get))
    meant = [each for each in listing.runs if each in newest or any(test(each) for test in tests)]
    return tuple(read_entry(root / each.folder) for each in meant)


def _by_name(wanted: Iterable[str]) -> Callable[[Facts], bool]:
    beginnings = tuple(text for text in wanted if text)
    return lambda facts: facts.folder.startswith(beginnings) or facts.run_id.startswith(beginnings)


def _by_trace(
    root: Path, traces: Iterable[str], contents_of: Callable[[str], Contents | None]
) -> Callable[[Facts], bool]:
    lines = tuple(f"\n{trace}" for trace in traces)
    files = tuple(trace_file(_dashed(trace)) for trace in traces if len(trace) == _WHOLE)

    def could_hold(facts: Facts) -> bool:
        contents = contents_of(facts.folder)
        if contents is None or not lines:
            return False
        is_told = any(line in contents.traces for line in lines)
        return is_told or not contents.trials or any(os.path.lexists(root / facts.folder / file) for file in files)

    return could_hold


def _dashed(trace: str) -> str:
    return "-".join((trace[:8], trace[8:12], trace[12:16], trace[16:20], trace[20:]))
