"""Ladders as pictures: rungs in order, each with its verdict, and between two of them a gate that stood open or not.

What a gate did is read off the rung behind it, and never decided here again: it was open when that rung was climbed,
closed when that rung was blocked, and not reached when the gate before it was closed already. Of several trials a rung
tells all of them together, and a gate how often it was closed. The doubt: of a run that was cut short, the rungs that
are missing are those of its first ladder, since nothing records which of them somebody wanted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from harness.console.climbed import page_names
from harness.console.flow import NOT_REACHED, TO_COME
from harness.console.rendering import address
from harness.evidence.layout import RERUN, part_of
from harness.evidence.reading import RunCondition
from harness.evidence.trial_summary import is_red
from harness.judging.trials import nearest_rank
from harness.judging.verdict import FROM_WORST, GREEN, Verdict, is_green
from harness.reporting.words import took

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from harness.console.rendering import Json
    from harness.evidence.reading import RunEntry
    from harness.evidence.run_record import RunRecord, ScenarioRecord

    Samples = Mapping[str, ScenarioRecord]
    """Folder of the trial → how the scenario ended in it; of a single climb, under an empty name."""

OPEN: Final = "open"
CLOSED: Final = "closed"
PARTLY: Final = "partly"
"""Of several trials: closed in some of them."""
BEHIND: Final = "behind"
"""Nobody came as far as this gate."""

_SHAPES: Final = {
    "PASS": "circle",
    "LIMITED": "triangle",
    "FAIL": "square",
    "BLOCKED": "diamond",
    NOT_REACHED: "lost",
    TO_COME: "lost",
}
_OTHER: Final = "hexagon"
_MEDIAN: Final = 50


@dataclass(frozen=True, slots=True)
class _Gate:
    """What stands before a rung: how it stood, in one word for the picture, and in a sentence."""

    state: str = ""
    word: str = ""
    told: str = ""


def ladders_of(entry: RunEntry) -> list[Json]:
    """Every part that was climbed as one ladder; the same part of several trials is one."""
    record = entry.record
    if record is None:
        return []
    found = _parts(record)
    missed = _missed(record, found)
    if missed and not found:
        found = {record.ladders[0].name: {}}
    names = page_names(entry)
    word = TO_COME if entry.condition is RunCondition.RUNNING else NOT_REACHED
    return [
        _ladder(
            part, list(_nodes(entry, list(rungs.values()), names)), [_lost(each, word) for each in missed if at == 0]
        )
        for at, (part, rungs) in enumerate(found.items())
    ]


def climbs_of(record: RunRecord) -> dict[str, list[ScenarioRecord]]:
    """Folder of each trial → its scenarios in order; of a single climb, under an empty name."""
    trials = {each.folder for each in record.trial_records if each.folder}
    found: dict[str, list[ScenarioRecord]] = {}
    for each in record.scenarios:
        name = "/".join(each.folder.split("/")[:2])
        found.setdefault(name if name in trials else "", []).append(each)
    return found


def word_of_all(records: Sequence[ScenarioRecord]) -> str:
    """One word for the same scenario in several trials; those that did not come to it say nothing."""
    words = [each.verdict for each in records if each.verdict is not Verdict.BLOCKED]
    green = [is_green(each) for each in words]
    if any(green) and not all(green):
        return Verdict.FLAKY.value
    return worst_of(words).value


def worst_of(verdicts: Sequence[Verdict]) -> Verdict:
    """The worst of several; BLOCKED when there is none, and the first where no step can end with any of them."""
    return next((each for each in FROM_WORST if each in verdicts), next(iter(verdicts), Verdict.BLOCKED))


def _parts(record: RunRecord) -> dict[str, dict[str, dict[str, ScenarioRecord]]]:
    """Part → place of a scenario in it → its samples, in the order of the climb."""
    found: dict[str, dict[str, dict[str, ScenarioRecord]]] = {}
    for trial, records in climbs_of(record).items():
        for each in records:
            place = each.folder.removeprefix(f"{trial}/") if trial else each.folder
            found.setdefault(part_of(place), {}).setdefault(place, {})[trial] = each
    return found


def _missed(record: RunRecord, found: Mapping[str, Mapping[str, Samples]]) -> list[str]:
    """Scenarios of the first ladder that a run which did not finish has no verdict of."""
    if record.finished_at is not None or not record.ladders or any(each.folder for each in record.trial_records):
        return []
    first: Mapping[str, Samples] = next(iter(found.values()), {})
    known = {each.id for samples in first.values() for each in samples.values()}
    return [name for name in record.ladders[0].scenarios if name not in known]


def _ladder(part: str, climbed: list[Json], missed: list[Json]) -> Json:
    nodes = [*climbed, *missed]
    if not climbed:
        nodes[0] |= _gate_json(_Gate())
    closed = next((each for each in nodes if each["gate"] in {CLOSED, PARTLY}), None)
    return {
        "part": part,
        "name": "Rollback" if part == RERUN else "Ladder",
        "told": _told(nodes),
        "closed": closed["detail"] if closed else "",
        "nodes": nodes,
    }


def _nodes(entry: RunEntry, rungs: Sequence[Samples], names: Mapping[str, str]) -> Iterator[Json]:
    for at, samples in enumerate(rungs):
        records = list(samples.values())
        shown = next((each for each in records if is_red(each)), records[0])
        word = word_of_all(records)
        name = names[shown.folder]
        yield {
            "id": shown.id,
            "title": shown.title,
            "word": word,
            "shape": _SHAPES.get(word, _OTHER),
            "duration": _duration(records),
            "share": _share(records),
            "detail": next((each.reason for each in records if each.reason), ""),
            "page_id": name,
            "href": address("runs", entry.name, name),
            **_gate_json(_gate(rungs[at - 1], samples) if at else _Gate()),
        }


def _lost(name: str, word: str) -> Json:
    known = {"id": name, "title": "", "word": word, "shape": _SHAPES[word], "duration": "", "share": "", "detail": ""}
    return {**known, "page_id": "", "href": "", **_gate_json(_Gate(BEHIND, "", word))}


def _gate(before: Samples, here: Samples) -> _Gate:
    blocked = [trial for trial, each in here.items() if each.verdict is Verdict.BLOCKED]
    closed = [name for name in blocked if name not in before or before[name].verdict is not Verdict.BLOCKED]
    count = f"{len(closed)} of {len(here)}"
    if not blocked:
        return _Gate(OPEN, "open", "the gate before it was open")
    if len(blocked) < len(here):
        times = f"closed {len(closed)}/{len(here)}" if closed else "open"
        return _Gate(PARTLY if closed else OPEN, times, f"the gate before it was closed in {count} trials")
    if not closed:
        return _Gate(BEHIND, "", "the gate before it was not reached")
    trials = f" in {count} trials" if 1 < len(here) != len(closed) else ""
    return _Gate(CLOSED, "closed", f"the gate before it was closed{trials}")


def _gate_json(gate: _Gate) -> Json:
    return {"gate": gate.state, "gate_word": gate.word, "gate_told": gate.told}


def _duration(records: Sequence[ScenarioRecord]) -> str:
    """How long it took; of several trials, the median."""
    climbed = [each.duration_s for each in records if each.started_at]
    if not climbed:
        return ""
    return took(climbed[0]) if len(records) == 1 else f"p50 {took(nearest_rank(climbed, _MEDIAN))}"


def _share(records: Sequence[ScenarioRecord]) -> str:
    return f"{sum(is_green(each.verdict) for each in records)} of {len(records)} green" if len(records) > 1 else ""


def _told(nodes: Sequence[Json]) -> str:
    """The picture in one line."""
    green = sum(each["word"] in GREEN for each in nodes)
    told = f"{green} of {len(nodes)} green"
    at = next((at for at, each in enumerate(nodes) if each["gate"] in {CLOSED, PARTLY}), None)
    if at is None:
        return told
    times = "" if nodes[at]["gate"] == CLOSED else " in some trials"
    return f"{told}; the gate behind {nodes[at - 1]['id']} was closed{times}"
