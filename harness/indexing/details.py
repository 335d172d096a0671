"""What a reader of many runs sees of each besides its facts, and searches: mode, trigger, stages, words and climbs.

It is a row of its own in the index, since a command that lists runs has no use for it and would pay for it. As in
``facts``, all values are texts without control characters; what was climbed is JSON, in which they are spelt out.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from harness.evidence.layout import part_of
from harness.evidence.printable import one_line, shortened

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from harness.evidence.reading import RunEntry
    from harness.evidence.run_record import ClimbRecord, RunRecord, ScenarioRecord

MAX_WORDS: Final = 20_000
"""Characters of a run that are searched; a run of a thousand trials says the same thing a thousand times."""

_LONGEST: Final = 300


class Details(NamedTuple):
    r"""What is shown of a run in a list of many, and what a search goes through.

    Attributes:
        mode: Of the ladder that was climbed.
        trigger: What set it off.
        stages: How much of it is green: of the scenarios of its first part, or of its trials.
        ladders: ``name LF`` of each, after a line feed.
        intents: Likewise the names of its ladders, their modes, and the types of its jobs.
        words: Lower-case text that is searched.
        climbs: JSON: its climbs as ``climbs_of`` spells them; empty when its record does not tell them.
    """

    folder: str
    mark: str
    mode: str = ""
    trigger: str = ""
    stages: str = ""
    ladders: str = "\n"
    intents: str = "\n"
    words: str = ""
    climbs: str = ""


def details_of(entry: RunEntry, mark: str) -> Details:
    """Tell a run as it was read just now; ``mark`` as in ``Facts``."""
    record = entry.record
    common = entry.folder.name, mark
    if record is None:
        return Details(*common, words=_words((entry.name, entry.why)))
    names = [ladder.name for ladder in record.ladders]
    job_types = sorted({each for scenario in record.scenarios for each in scenario.job_types})
    return Details(
        *common,
        mode=record.ladders[0].mode.value if record.ladders else "",
        trigger=one_line(record.trigger.source),
        stages=stages_of(record),
        ladders=_lines(names),
        intents=_lines((*names, *(ladder.mode.value for ladder in record.ladders), *job_types)),
        words=_words(_said(entry, record)),
        climbs=json.dumps(list(climbs_of(record)), separators=(",", ":")) if record.climbs else "",
    )


def stages_of(record: RunRecord) -> str:
    """How many scenarios of the first part are green; of several trials, how many trials are."""
    from harness.evidence.summary import parts
    from harness.judging.verdict import is_green

    if record.aggregation is not None:
        return f"{record.aggregation.passed}/{record.aggregation.trials} trials"
    if record.trials > 1:
        return f"of {record.trials} trials"
    found = next(iter(parts(record).values()), ())
    return f"{sum(is_green(each.verdict) for each in found)}/{len(found)}"


def climbs_of(record: RunRecord) -> Iterator[dict[str, Any]]:
    """Each climb with its scenarios as ``[id, verdict]``, and the first that was not green with its reason."""
    by_part: dict[str, list[ScenarioRecord]] = {}
    for each in record.scenarios:
        by_part.setdefault(part_of(each.folder), []).append(each)
    modes = {ladder.name: ladder.mode.value for ladder in record.ladders}
    for climb in record.climbs:
        yield _climb(climb, by_part.get(climb.part, ()), modes.get(climb.ladder, ""))


def _climb(climb: ClimbRecord, scenarios: Iterable[ScenarioRecord], mode: str) -> dict[str, Any]:
    from harness.judging.verdict import is_green

    begun = [each for each in scenarios if each.started_at]
    red = next((each for each in begun if not is_green(each.verdict)), None)
    return {
        "part": climb.part,
        "ladder": climb.ladder,
        "mode": mode,
        "trace_id": climb.trace_id,
        "status": climb.status,
        "started_at": climb.started_at,
        "finished_at": climb.finished_at,
        "steps": [[each.id, each.verdict.value] for each in begun],
        "job_types": sorted({word for each in begun for word in each.job_types}),
        "failing": red.id if red else None,
        "reason": shortened(red.reason or red.verdict.value, _LONGEST) if red else None,
    }


def _said(entry: RunEntry, record: RunRecord) -> Iterator[str]:
    yield from (entry.name, entry.why, record.run_id, record.git.commit or "")
    yield from (text for text in (record.trigger.issue_key, record.trigger.issue_status) if text)
    for each in record.scenarios:
        yield from (each.id, each.title, each.reason, each.trace_id)
    yield from (each.trace_id for each in record.climbs)
    yield from (ladder.name for ladder in record.ladders)


def _words(said: Iterable[str]) -> str:
    """Each text once; parted by what no search can hold, so that none is found across two of them."""
    texts = dict.fromkeys(one_line(shortened(each, _LONGEST)).casefold() for each in said if each)
    return "\n".join(texts)[:MAX_WORDS]


def _lines(texts: Iterable[str]) -> str:
    return "".join(("\n", *(f"{one_line(text)}\n" for text in dict.fromkeys(texts))))
