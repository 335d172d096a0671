"""One run: how far it can be trusted first, then its verdicts, its course, and what it was made with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.console.case_page import file_row
from harness.console.climbed import page_names
from harness.console.gates import ladders_of, worst_of
from harness.console.live_page import live_of
from harness.console.picture import run_picture
from harness.console.rendering import Page, address
from harness.console.run_rows import facts_of_row, is_green_run, row_of, word_of
from harness.console.shelf import UNFINISHED
from harness.console.trials_part import trials_document
from harness.evidence.faults import EvidenceError
from harness.evidence.reading import RunCondition
from harness.evidence.records import to_document
from harness.evidence.summary import parts
from harness.judging.verdict import Verdict, is_green
from harness.reporting.told_run import listed_files
from harness.reporting.words import facts_of, tallied, took
from harness.traces.reading import TracedRun, open_traces

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.console.rendering import Json
    from harness.console.sources import Sources
    from harness.evidence.reading import RunEntry
    from harness.evidence.run_record import RunRecord, ScenarioRecord


def run_page(sources: Sources, names: Mapping[str, str], here: str) -> Page:
    """The page.

    Raises:
        MissingError: There is no such run.
        EvidenceError: The source cannot be read.
    """
    entry = sources.shelf.entry(names["run"])
    made = sources.kept.made(entry, ("run",), lambda: run_document(entry))
    live = live_of(sources, entry) if entry.condition is RunCondition.RUNNING else None
    around = {
        "live": live,
        "trust": sources.trusted.of(entry).document(),
        "last_green": _last_green(sources, entry),
    }
    keep = sources.kept.drawn(entry, (here,), around)
    return Page("run", f"Run {entry.name}", {**made, **around}, here, keep=keep)


def run_document(entry: RunEntry) -> Json:
    """Everything of one run but its trust."""
    record = entry.record
    known = {**facts_of_row(row_of(entry)), "href": address("runs", entry.name), "why": entry.why}
    known["export_href"] = address("runs", entry.name, "export.html")
    known["events_href"] = address("runs", entry.name, "events")
    known["is_running"] = entry.condition is RunCondition.RUNNING
    known |= {"commit": record.git.revision if record else "unknown", "modes": _modes(record)}
    picture, why = _picture(entry)
    if record is None:
        return {**known, "tally": [], "gates": [], "parts": [], "facts": [], "ladders": [], "trials": None, "files": [],
                "waterfall": picture, "why_no_waterfall": why, "duration": ""}  # fmt: skip
    return {
        **known,
        "duration": took(record.duration_s),
        "tally": [list(each) for each in tallied(record.scenarios)],
        "gates": ladders_of(entry),
        "parts": _parts(entry, record),
        "facts": [list(each) for each in facts_of(record)],
        "ladders": [_ladder(record, at) for at in range(len(record.ladders))],
        "trials": trials_document(entry, record),
        "files": _files(entry),
        "waterfall": picture,
        "why_no_waterfall": why,
    }


def _modes(record: RunRecord | None) -> str:
    """The modes of the ladders in the order in which they were climbed."""
    found = dict.fromkeys(ladder.mode.value for ladder in record.ladders) if record else {}
    return ", then ".join(found) or "unknown"


def _parts(entry: RunEntry, record: RunRecord) -> list[Json]:
    """Every part with its scenarios; it is open unless it is one of several trials, and all of it is green."""
    names = page_names(entry)
    return [
        {
            "part": part,
            "word": _word(found),
            "is_green": all(is_green(each.verdict) for each in found),
            "scenarios": [_scenario(each, names[each.folder], entry.name) for each in found],
        }
        for part, found in parts(record).items()
    ]


def _word(records: Sequence[ScenarioRecord]) -> str:
    """The worst verdict of what was climbed; BLOCKED where that is green, and something was not climbed."""
    climbed = [each.verdict for each in records if each.verdict is not Verdict.BLOCKED]
    worst = worst_of(climbed)
    return Verdict.BLOCKED.value if len(climbed) < len(records) and is_green(worst) else worst.value


def _scenario(record: ScenarioRecord, name: str, run: str) -> Json:
    return {
        **to_document(record),
        "page_id": name,
        "href": address("runs", run, name),
        "duration": took(record.duration_s) if record.started_at else "",
    }


def _ladder(record: RunRecord, at: int) -> Json:
    ladder = record.ladders[at]
    facts = (
        ("File", ladder.file),
        ("SHA-256", ladder.digest),
        ("Execution part", ladder.execution_digest),
        ("Judging part", ladder.judging_digest),
    )
    return {"name": ladder.name, "mode": ladder.mode.value, "facts": [list(each) for each in facts]}


def _files(entry: RunEntry) -> list[Json]:
    """Files of the run as a whole; those of scenarios stand on their pages."""
    listed = listed_files(entry.folder) if entry.condition not in UNFINISHED else {}
    folders = tuple(f"{each.folder}/" for each in entry.record.scenarios) if entry.record else ()
    elsewhere = (*folders, "cases/", "traces/")
    return [file_row(entry, path, each) for path, each in sorted(listed.items()) if not path.startswith(elsewhere)]


def _picture(entry: RunEntry) -> tuple[Json, str]:
    try:
        found = open_traces([entry], entry.name, "")
    except EvidenceError as error:
        return {"total": "", "rows": []}, error.message.removeprefix(f"{entry.folder}: ")
    # Of a name that is a run's, and without a scenario's, it is never one trace that is found.
    return (run_picture(entry, found), "") if isinstance(found, TracedRun) else ({"total": "", "rows": []}, "none")


def _last_green(sources: Sources, entry: RunEntry) -> Json | None:
    """The last green run of the same ladder before one that is not green, to compare with."""
    if entry.record is None or (entry.record.verdict and is_green(entry.record.verdict)):
        return None
    own = row_of(entry)
    for row in sources.shelf.listed().rows:
        is_earlier = int(row.facts.began_us) < entry.began_us
        if is_earlier and is_green_run(row) and row.facts.ladder == own.facts.ladder:
            return {"run": row.name, "word": word_of(row), "href": f"/compare?a={row.name}&b={entry.name}"}
    return None
