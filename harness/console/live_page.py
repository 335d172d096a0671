"""What is going on now: the runs that are running, how far each has come, and the log of the newest of them.

Without a script it is as of now, and a link loads it again; with one the log goes on by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from harness.console.flow import flow_of
from harness.console.following import Follower
from harness.console.log_lines import line_of
from harness.console.rendering import Page, address
from harness.console.runs_page import row_of
from harness.evidence.faults import EvidenceError
from harness.evidence.reading import RunCondition

if TYPE_CHECKING:
    from harness.console.rendering import Json
    from harness.console.sources import Sources
    from harness.evidence.reading import RunEntry

MOST_LINES: Final = 200


def live_page(sources: Sources, here: str) -> Page:
    """The page.

    Raises:
        EvidenceError: The source cannot be read.
    """
    entries = sources.shelf.entries()
    running = [each for each in entries if each.condition is RunCondition.RUNNING]
    newest = entries[:1] if not running else []
    shown = running or newest
    rows = [row_of(each, trust) for each, trust in zip(shown, sources.trusted.lately(shown), strict=True)]
    document = {"running": rows if running else [], "newest": rows[0] if newest else None, "live": None}
    if running:
        document["live"] = live_of(sources, running[0])
    return Page("live", "Live", document, here)


def live_of(sources: Sources, entry: RunEntry) -> Json:
    """How far a run has come, its latest lines, and where the next ones come from."""
    lines, last, why = _lines(sources, entry)
    pipelines = [row["pipeline"] for row in sources.pipelines.of(entry) if row["pipeline"]]
    events = address("runs", entry.name, "events")
    return {
        "run": entry.name,
        "href": address("runs", entry.name),
        "lines": lines[-MOST_LINES:],
        "left_out": max(0, len(lines) - MOST_LINES),
        "why": why,
        "events_href": f"{events}?after={last}",
        "pipelines": [{"pipeline": each, "flow": flow_of(each)} for each in reversed(pipelines)],
    }


def _lines(sources: Sources, entry: RunEntry) -> tuple[list[Json], int, str]:
    lines: list[Json] = []
    with Follower(sources.shelf.root, entry) as follower:
        try:
            while found := follower.read():
                lines += [line for each in found if (line := line_of(each))]
        except EvidenceError as error:
            return lines, follower.last, error.message
        return lines, follower.last, ""
