"""What is going on now: the runs that are running, how far each has come, and the log of the newest of them.

Of several trials the latest lines of all that go on are shown, by time, with the ends of the others; so a look costs
what the few trials cost that run, and not what all have cost. Without a script it is as of now, and a link loads it
again; with one the log goes on by itself from the very line where the page ends.
"""

from __future__ import annotations

from collections import defaultdict, deque
from typing import TYPE_CHECKING, Final

from harness.console.flow import flow_of
from harness.console.following import Follower, Place
from harness.console.log_lines import line_of, of_trial, trial_line
from harness.console.position import Position
from harness.console.progress import tally_of
from harness.console.rendering import Page, address
from harness.console.run_rows import told_row
from harness.console.trial_logs import RunLogs
from harness.evidence.faults import EvidenceError
from harness.evidence.layout import EVENTS
from harness.evidence.trial_records import RUNNING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.console.rendering import Json
    from harness.console.sources import Sources
    from harness.evidence.reading import RunEntry
    from harness.evidence.trial_records import TrialRecord

MOST_LINES: Final = 200

MOST_LOOKS: Final = 4
"""Logs of trials that have ended and are looked into, so that the first lines of the next do not stand alone."""

MOST_PICTURES: Final = 4

_MOST_TURNS: Final = 4_096
"""A log that grows faster than it is read is shown as far as that."""


def live_page(sources: Sources, here: str) -> Page:
    """The page.

    Raises:
        EvidenceError: The source cannot be read.
    """
    listed = sources.shelf.listed().rows
    going = tuple(row for row in listed if row.is_running)
    newest = listed[:1] if not going else ()
    shown = going or newest
    running = sources.shelf.entries_of(going)
    rows = [told_row(row, trust) for row, trust in zip(shown, sources.trusted.lately(shown), strict=True)]
    document = {"running": rows if going else [], "newest": rows[0] if newest else None, "live": None}
    if going:
        document["live"] = live_of(sources, running[0])
    return Page("live", "Live", document, here)


def live_of(sources: Sources, entry: RunEntry) -> Json:
    """How far a run has come, its latest lines, and where the next ones come from."""
    look = _look(sources, entry)
    pipelines = [row["pipeline"] for row in sources.pipelines.of(entry)[:MOST_PICTURES] if row["pipeline"]]
    events = address("runs", entry.name, "events")
    return {
        "run": entry.name,
        "href": address("runs", entry.name),
        **look,
        "events_href": f"{events}?after={look['position']}",
        "pipelines": [{"pipeline": each, "flow": flow_of(each)} for each in reversed(pipelines)],
    }


def _look(sources: Sources, entry: RunEntry) -> Json:
    """The latest lines of all logs, by time, and how far the trials have come."""
    latest: defaultdict[int | None, deque[Json]] = defaultdict(lambda: deque(maxlen=MOST_LINES + 1))
    place, why = Place(sources.shelf.root, entry.name), ""
    wanted = entry.record.trials if entry.record else 0
    with RunLogs(place, Position(), wanted=wanted) as logs:
        records = logs.trials()
        ended = {at: each for at, each in enumerate(records) if each.status != RUNNING}
        for at in ended:
            logs.position.end(at)
        try:
            turns = 0
            while logs.turn(lambda line: latest[line["trial"]].append(line)) and turns < _MOST_TURNS:
                turns += 1
        except EvidenceError as error:
            why = error.message
        progress = [{"trial": at, "text": each.text} for at, each in sorted(logs.progress.items())]
        position = str(logs.position)
    lines = [*(line for each in latest.values() for line in each), *_ended(place, ended)]
    shown = sorted(lines, key=_when)[-MOST_LINES:]
    trials = {"tally": tally_of(wanted, records), "running": progress} if records else None
    return {"lines": shown, "is_cut": len(ended) > MOST_LOOKS or len(lines) > len(shown), "why": why,
            "position": position, "trials": trials}  # fmt: skip


def _ended(place: Place, ended: dict[int, TrialRecord]) -> Iterable[Json]:
    """Ends of trials, and all that the logs of the latest of them tell."""
    ends = sorted((trial_line(at, each) for at, each in ended.items()), key=_when)
    yield from ends[-MOST_LINES:-MOST_LOOKS]
    for line in ends[-MOST_LOOKS:]:
        before = _latest(place, line["trial"], ended[line["trial"]].log)
        yield from before
        # Its time is reckoned from a start and a duration, so it may lie a moment before the last line of its log.
        yield {**line, "at": max(map(_when, (line, *before)))}


def _when(line: Json) -> str:
    return str(line["at"])


def _latest(place: Place, trial: int, path: str) -> deque[Json]:
    found: deque[Json] = deque(maxlen=MOST_LINES)
    if path == EVENTS:
        # It was taken over from another run, which has its log.
        return found
    log = Follower(place, path)
    try:
        while entries := log.read():
            found.extend(of_trial(line, trial) for each in entries if (line := line_of(each)))
    except EvidenceError:
        # The line of its end says so to whoever follows it; here the lines before that are enough.
        pass
    finally:
        log.close()
    return found
