"""Several trials of a run on its page: the rate with its interval, each trial with a mark, and which scenario was red.

What the trials add up to was computed when the run ended; here it is only laid beside the scenarios, so that each
trial leads to what it climbed, and a red one to its comparison with a green one.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from harness.console.climbed import page_names
from harness.console.gates import climbs_of, word_of_all
from harness.console.rendering import address
from harness.evidence import layout
from harness.evidence.records import to_document
from harness.evidence.trial_summary import PhaseKind, is_red
from harness.judging.verdict import GREEN, Verdict, is_green
from harness.reporting.stored import LostError, object_of
from harness.reporting.trials import trials_of
from harness.reporting.words import took

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.console.rendering import Json
    from harness.evidence.reading import RunEntry
    from harness.evidence.run_record import RunRecord, ScenarioRecord
    from harness.evidence.trial_records import TrialRecord
    from harness.judging.trials import Aggregation

    Climbs = Mapping[str, Sequence[ScenarioRecord]]
    """Folder of a trial → its scenarios."""

_OVER: Final = frozenset(each.value for each in Verdict)
_PERCENT: Final = 100


@dataclass(frozen=True, slots=True)
class _Pages:
    """Addresses of a run's scenarios."""

    run: str
    names: Mapping[str, str]

    def of(self, record: ScenarioRecord) -> str:
        return address("runs", self.run, self.names[record.folder])

    def link(self, record: ScenarioRecord) -> Json:
        known = {"id": record.id, "word": record.verdict.value}
        return {**known, "page_id": self.names[record.folder], "href": self.of(record)}

    def comparison(self, green: int, red: int) -> str:
        sides = (quote(f"{self.run}#{index}", safe="") for index in (green, red))
        return "/compare?a={}&b={}".format(*sides)


def trials_document(entry: RunEntry, record: RunRecord) -> Json | None:
    """All trials of a run; ``None`` when there was one only."""
    found = trials_of(entry.folder, record)
    if found is None:
        return None
    climbs = climbs_of(record)
    green = next((each.trial_index for each in found.trials if each.status in GREEN), None)
    pages = _Pages(entry.name, page_names(entry))
    rows = [_row(pages, each, climbs.get(each.folder, ()), green=green) for each in found.trials]
    phases, why = _phases(entry)
    return {
        "word": found.aggregation.verdict.value if found.aggregation else "",
        "facts": [*_length(phases), *map(list, found.facts)],
        "rate": _rate(found.aggregation),
        "rows": rows,
        "compare_href": next((each["compare_href"] for each in rows if each["compare_href"]), ""),
        "scenarios": _scenarios(pages, record, phases),
        "phases": [each for each in phases if each["kind"] == PhaseKind.SPAN],
        "why_no_phases": why,
    }


def _row(pages: _Pages, trial: TrialRecord, climb: Sequence[ScenarioRecord], *, green: int | None) -> Json:
    stopped = next((each for each in climb if not is_green(each.verdict)), None)
    shown = stopped or next(iter(climb), None)
    ended_red = trial.status in _OVER and trial.status not in GREEN
    return {
        **to_document(trial),
        "duration": took(trial.duration_s),
        "scenarios": [pages.link(each) for each in climb],
        "stopped_at": {**pages.link(stopped), "reason": stopped.reason} if stopped else None,
        "page_id": pages.names[shown.folder] if shown else "",
        "href": pages.of(shown) if shown else "",
        "compare_href": pages.comparison(green, trial.trial_index) if ended_red and green is not None else "",
    }


def _rate(found: Aggregation | None) -> Json | None:
    """The share of green trials and its interval, in per cent."""
    if found is None or found.rate is None or found.low is None or found.high is None:
        return None
    shares = {"rate": found.rate, "low": found.low, "high": found.high}
    told = {name: round(share * _PERCENT, 1) for name, share in shares.items()}
    return {**told, "passed": found.passed, "answered": found.answered}


def _scenarios(pages: _Pages, record: RunRecord, phases: Sequence[Json]) -> list[Json]:
    """Each scenario over all trials: how often it was green, red and not reached, and how long it took."""
    lasted = {each["name"]: each for each in phases if each["kind"] == PhaseKind.SCENARIO}
    samples: defaultdict[str, list[ScenarioRecord]] = defaultdict(list)
    for each in record.scenarios:
        samples[each.id].append(each)
    return [_scenario(pages, each, lasted.get(name, {})) for name, each in samples.items()]


def _scenario(pages: _Pages, records: Sequence[ScenarioRecord], lasted: Json) -> Json:
    blocked = [each for each in records if each.verdict is Verdict.BLOCKED]
    red = [each for each in records if is_red(each)]
    return {
        "id": records[0].id,
        "title": records[0].title,
        "word": word_of_all(records),
        "green": len(records) - len(red) - len(blocked),
        "red": len(red),
        "blocked": len(blocked),
        "of": len(records),
        "first_red": pages.link(red[0]) if red else None,
        "p50": lasted.get("p50", ""),
        "p95": lasted.get("p95", ""),
    }


def _phases(entry: RunEntry) -> tuple[list[Json], str]:
    """How long each phase took, as it was counted at the end of the run."""
    try:
        listed = object_of(entry.folder, layout.TRIALS).get("phases")
    except LostError as error:
        return [], str(error)
    rows: list[Any] = listed if isinstance(listed, list) else []
    return [_phase(each) for each in rows if isinstance(each, dict)], "" if rows else "no phase was measured"


def _phase(told: Mapping[str, Any]) -> Json:
    known = {"kind": str(told.get("kind")), "name": str(told.get("name")), "n": told.get("n")}
    return {**known, "p50": _seconds(told.get("p50_s")), "p95": _seconds(told.get("p95_s"))}


def _seconds(value: object) -> str:
    return took(value) if isinstance(value, int | float) and not isinstance(value, bool) else "unknown"


def _length(phases: Sequence[Json]) -> list[list[str]]:
    whole = next((each for each in phases if each["kind"] == PhaseKind.TRIAL), None)
    return [["Length of a trial", "p50 {p50}, p95 {p95}, of {n}".format(**whole)]] if whole else []
