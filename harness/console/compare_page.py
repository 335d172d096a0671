"""Two runs side by side: verdicts that changed first, from green to red, then everything else that differs.

The comparison is that of ``ladder diff``. What is the same on both sides is left out unless it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from harness.console.climbed import page_names
from harness.console.rendering import Page, address
from harness.console.run_rows import word_of
from harness.console.stamps import stamps_below
from harness.evidence.resolving import resolve_run
from harness.judging.verdict import is_green
from harness.reporting.compared_run import open_side, scenario_names
from harness.reporting.diff import diff
from harness.reporting.words import took

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.console.rendering import Json
    from harness.console.sources import Sources
    from harness.evidence.reading import RunEntry
    from harness.reporting.compared_run import ComparedRun, Sample

MOST_OFFERED: Final = 200

_ORDER: Final = ("broke", "mended", "changed", "only in one", "same")


def compare_page(sources: Sources, query: Mapping[str, str], here: str) -> Page:
    """The page; without two runs it offers those that are there.

    Raises:
        UsageError, EvidenceError: A run is not known, or cannot be read.
    """
    rows = sources.shelf.listed().rows
    before, after = query.get("a", ""), query.get("b", "")
    wants_all = query.get("all") == "1"
    document: Json = {
        "a": before,
        "b": after,
        "wants_all": wants_all,
        "offered": [{"run": row.name, "word": word_of(row)} for row in rows[:MOST_OFFERED]],
        "result": None,
    }
    if before and after:
        entries = sources.shelf.meant(*(name.partition("#")[0] for name in (before, after)))
        document["result"] = _result(sources, entries, (before, after))
        document["rows"] = [row for row in document["result"]["rows"] if wants_all or row["kind"] != "same"]
    return Page("compare", f"Compare {before} with {after}" if before and after else "Compare", document, here)


def _result(sources: Sources, entries: Sequence[RunEntry], names: tuple[str, str]) -> Json:
    first, second = (resolve_run(entries, name.partition("#")[0]) for name in names)
    # What is kept belongs to the first run; the second is told apart by all of its files.
    what = ("compare", *names, str(second.folder), str(hash(stamps_below(second.folder))))
    return sources.kept.made(first, what, lambda: _compared(entries, names))


def _compared(entries: Sequence[RunEntry], names: tuple[str, str]) -> Json:
    found = diff(entries, *names)
    one, other = (open_side(entries, name) for name in names)
    pages = _pages(one), _pages(other)
    rows = [_row(name, (one, other), pages) for name in scenario_names(one, other)]
    document = found.document()
    return {
        **document,
        "rows": sorted(rows, key=lambda row: _ORDER.index(row["kind"])),
        "sides": [_side(one), _side(other)],
        "headlines": [side.standing.headline for side in (found.before, found.after)],
    }


def _side(side: ComparedRun) -> Json:
    run, mark, number = side.side.name.partition("#")
    trials = {str(each.trial_index): each for each in side.record.trial_records} if mark else {}
    told = trials.get(str(int(number)) if mark else "", side.record)
    return {
        "name": side.side.name,
        "href": f"{address('runs', run)}#trials" if mark else address("runs", run),
        "word": side.verdict,
        "duration": took(told.duration_s),
        "started_at": told.started_at,
    }


def _pages(side: ComparedRun) -> Mapping[str, str]:
    """Folder → address of a scenario's page."""
    entries = {sample.entry.name: sample.entry for samples in side.scenarios.values() for sample in samples}
    return {
        folder: address("runs", entry.name, name)
        for entry in entries.values()
        for folder, name in page_names(entry).items()
    }


def _row(name: str, sides: tuple[ComparedRun, ComparedRun], pages: tuple[Mapping[str, str], Mapping[str, str]]) -> Json:
    before, after = (side.scenarios.get(name, ()) for side in sides)
    cells = [_cell(samples, hrefs) for samples, hrefs in zip((before, after), pages, strict=True)]
    return {"scenario": name, "kind": _kind(before, after), "before": cells[0], "after": cells[1]}


def _kind(before: Sequence[Sample], after: Sequence[Sample]) -> str:
    if not before or not after:
        return "only in one"
    words = [sorted({each.record.verdict.value for each in side}) for side in (before, after)]
    if words[0] == words[1]:
        return "same"
    green = [all(is_green(each.record.verdict) for each in side) for side in (before, after)]
    return {(True, False): "broke", (False, True): "mended"}.get((green[0], green[1]), "changed")


def _cell(samples: Sequence[Sample], hrefs: Mapping[str, str]) -> Json | None:
    if not samples:
        return None
    first = samples[0]
    return {
        "words": sorted({each.record.verdict.value for each in samples}),
        "samples": len(samples),
        "duration": took(first.record.duration_s) if first.record.started_at else "not climbed",
        "reason": first.record.reason,
        "href": hrefs[first.record.folder],
    }
