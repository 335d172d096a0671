"""A whole run judged once more: each part by its own ladder, each trial by itself, and all of them together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from harness.evidence.documents import parse_object
from harness.evidence.guarded import stored_text
from harness.evidence.layout import MANIFEST
from harness.evidence.reading import RunCondition
from harness.evidence.records import DamagedRecordError
from harness.replaying.judging_again import Judging, judge_scenario
from harness.replaying.played import reached_by
from harness.replaying.totals import RunAgain, run_again, trial_again

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from harness.evidence.events import ClimbStarted
    from harness.evidence.run_record import LadderRecord, RunRecord
    from harness.language.model import Ladder
    from harness.replaying.judging_again import ScenarioAgain
    from harness.replaying.recorded import RecordedRun, RecordedTrial
    from harness.replaying.results_again import Conditions
    from harness.replaying.totals import TrialAgain


@dataclass(frozen=True, slots=True)
class Ladders:
    """What each part of a run is judged by.

    Attributes:
        first: The ladder that was asked for.
        others: Of the other parts, such as the rollback, by the name that the run gives them.
        schemas: JSON Schemas of the first, when it is another file than was climbed.
    """

    first: Ladder
    others: Mapping[str, Ladder]
    schemas: Mapping[str, Any] | None = None


def record_of(record: RunRecord, climb: ClimbStarted | None) -> LadderRecord:
    """Which ladder of a run a climb was of; of two with one name the part decides."""
    first, *others = record.ladders
    if climb is None or climb.part.endswith(first.mode.value) or not others:
        return first
    return next((each for each in others if each.name == climb.ladder), others[0])


def judge_run(
    run: RecordedRun, trials: Iterable[RecordedTrial], ladders: Ladders, *, conditions: Conditions
) -> RunAgain:
    """Judge trials of a run once more, and take them together.

    Args:
        run: As recorded.
        trials: Those that are judged.
        ladders: What they are judged by.
        conditions: Under which; those that the run itself tells are taken from it.
    """
    whole = with_facts(conditions, run.record)
    found = [_trial(run, each, ladders, judging=(whole, sizes_of(each))) for each in trials if each.scenarios]
    return run_again(run.record, found, ladders.first.proceed_on)


def with_facts(conditions: Conditions, record: RunRecord) -> Conditions:
    """Add to conditions what the record of a run tells."""
    asked: Any = record.settings.get("asked", {})
    return replace(
        conditions,
        worker_image=record.images.worker,
        has_own_stack="stack" in record.settings and bool(record.config_digest),
        witness=str(asked.get("witness", "auto")) if isinstance(asked, dict) else "auto",
    )


def _trial(
    run: RecordedRun,
    trial: RecordedTrial,
    ladders: Ladders,
    *,
    judging: tuple[Conditions, Mapping[str, int]],
) -> TrialAgain:
    found: list[ScenarioAgain] = []
    conditions, sizes = judging
    for played, reached in reached_by(trial.scenarios, run.earlier):
        told = record_of(run.record, played.climb)
        is_first = told is run.record.ladders[0]
        ladder = ladders.first if is_first else ladders.others[told.name]
        by = replace(conditions, schemas=ladders.schemas if is_first else None)
        found.append(judge_scenario(played, Judging(ladder, by, sizes), reached))
    return trial_again(trial, found, ladders.first.proceed_on)


def sizes_of(trial: RecordedTrial) -> Mapping[str, int]:
    """Bytes of every file of a trial's run: of a sealed one by its manifest, else by what lies there."""
    folder = trial.home.folder
    if trial.home.condition is RunCondition.FINISHED:
        try:
            files = parse_object(stored_text(folder / MANIFEST))["files"]
            return {file["path"]: file["size"] for file in files}
        except (OSError, UnicodeDecodeError, DamagedRecordError, KeyError, TypeError):
            pass
    paths = {path for each in trial.scenarios for path in each.files}
    there = {path: folder / path for path in paths}
    return {path: file.lstat().st_size for path, file in there.items() if file.is_file() and not file.is_symlink()}
