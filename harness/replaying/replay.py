"""A recorded run shown again, and its verdicts made again from what was stored; nobody is asked.

Three answers are told apart: it is as recorded, a recomputed outcome differs from the stored one, or something of it is
missing or damaged. The doubt: what follows from more than was stored, such as the end of a poll, is shown as stored.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from harness.errors import ExitCode
from harness.evidence.faults import EvidenceError
from harness.evidence.reading import list_runs
from harness.evidence.run_record import RunStatus
from harness.evidence.trial_records import INTERRUPTED, RUNNING
from harness.replaying.choosing import choose
from harness.replaying.evaluations import evaluations_of
from harness.replaying.recorded import only, open_run, stored_trace
from harness.replaying.results_again import Again, Conditions, Source
from harness.replaying.snapshot import climbed
from harness.replaying.whole_run import Ladders, judge_run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from harness.evidence.reading import RunEntry
    from harness.replaying.evaluations import Evaluation
    from harness.replaying.judging_again import ScenarioAgain
    from harness.replaying.played import PlayedScenario
    from harness.replaying.recorded import RecordedRun, RecordedTrial
    from harness.replaying.totals import RunAgain, TrialAgain

Finds = Callable[["Path"], "Sequence[RunEntry]"]
"""Runs below an evidence root, newest first: all of them, or those that a name could mean."""

MISMATCH: Final = "verdict-mismatch"
DAMAGED: Final = "run-damaged"


@dataclass(frozen=True, slots=True)
class Replay:
    """What there is to show.

    Attributes:
        run: As recorded.
        trials: Those that were asked for, bad ones included.
        again: Those that can be read, judged once more; ``None`` when the ladder as climbed is not there.
        why_not_again: Why it is ``None``.
        evaluations: Later ones, by trace id.
        whole: Whether the whole run was asked for.
    """

    run: RecordedRun
    trials: tuple[RecordedTrial, ...]
    again: RunAgain | None
    why_not_again: str
    evaluations: Mapping[str, tuple[Evaluation, ...]]
    whole: bool

    @property
    def bad(self) -> tuple[RecordedTrial, ...]:
        """Trials that are not what was recorded."""
        return tuple(trial for trial in self.trials if trial.is_bad)

    @property
    def damage(self) -> tuple[str, ...]:
        """Everything that is missing or damaged, one line each."""
        bad = [f"trial {each.record.trial_index} {each.record.trace_id}: {each.why}" for each in self.bad if each.why]
        faults = {fault for each in self.trials for fault in each.faults}
        shown = sorted({*faults, *self.run.shared_faults})
        return (*bad, *(f"{fault.path}: {fault.kind}" for fault in shown))

    @property
    def mismatches(self) -> tuple[str, ...]:
        """Every outcome that is another one when it is made again, one line each."""
        return tuple(_mismatches(self)) if self.again else ()

    def outcome(self, *, allows_partial: bool) -> tuple[ExitCode, str]:
        """The exit code and its stable reason; empty when there is none."""
        if self.damage and not allows_partial:
            return ExitCode.FAILED, DAMAGED
        return (ExitCode.FAILED, MISMATCH) if self.mismatches else (ExitCode.OK, "")


def replay(root: Path, text: str, find: Finds = list_runs) -> Replay | None:
    """Read what is meant and judge it once more; ``None`` when nothing was named and nothing is recorded.

    Args:
        root: Where evidence lies.
        text: A run, a trace, the beginning of either, or nothing.
        find: Lists the runs that could be meant.

    Raises:
        UsageError: The name is none, or fits several.
        EvidenceError: It is unknown, or its record cannot be read.
    """
    choice = choose(find(root), text)
    if choice is None:
        return None
    run = open_run(choice.entry)
    trials = tuple(only(run, choice.trace_id))
    again, why = _again(run, trials)
    ids = [each.record.trace_id for each in trials]
    ids += [each.started.trace_id for trial in trials for each in trial.scenarios if each.started]
    later = {trace_id: found for trace_id in ids if (found := evaluations_of(root, trace_id))}
    return Replay(run, trials, again, why, later, whole=not choice.trace_id)


def _again(run: RecordedRun, trials: tuple[RecordedTrial, ...]) -> tuple[RunAgain | None, str]:
    try:
        first, *others = run.record.ladders
        ladders = Ladders(
            climbed(run.entry.folder, first), {each.name: climbed(run.entry.folder, each) for each in others}
        )
    except EvidenceError as error:
        return None, error.message.removeprefix(f"{run.entry.folder}/")
    return judge_run(run, trials, ladders, conditions=Conditions(keeps_contents=run.keeps_contents)), ""


def _mismatches(found: Replay) -> Iterator[str]:
    again = found.again
    if again is None:
        return
    for trial in again.trials:
        for each in trial.scenarios:
            yield from _of_scenario(each)
        yield from _of_trial(found, trial)
    record = found.run.record
    is_told = found.whole and not found.bad and record.status is RunStatus.FINISHED and record.verdict is not None
    if is_told and record.verdict is not again.verdict:
        yield f"run: stored {record.verdict}, recomputed {again.verdict}"


def _of_trial(found: Replay, trial: TrialAgain) -> Iterator[str]:
    record = trial.recorded.record
    # One scenario of a trial says nothing about the trial.
    is_whole = found.whole or len(trial.scenarios) == len(_recorded(found, record.trace_id))
    if is_whole and record.status not in {RUNNING, INTERRUPTED, "interrupted"} and record.status != trial.verdict:
        yield f"trial {record.trial_index}: stored {record.status}, recomputed {trial.verdict}"


def _recorded(found: Replay, trace_id: str) -> tuple[PlayedScenario, ...]:
    return next((each.scenarios for each in found.run.trials if each.record.trace_id == trace_id), ())


def _of_scenario(found: ScenarioAgain) -> Iterator[str]:
    where = found.played.folder
    for step in found.steps:
        yield from (f"{where} {step.id}: {told(each)}" for each in step.checks if differs(each))
    if found.played.verdict and found.verdict is not found.played.verdict:
        yield f"{where}: stored {found.played.verdict}, recomputed {found.verdict}"


def differs(check: Again) -> bool:
    """Whether a check is not what was stored; in a ladder as climbed none can be gone."""
    return check.is_changed or check.source is Source.GONE


def told(check: Again) -> str:
    """A check with both outcomes."""
    either = check.new or check.old
    name = either.text if either else ""
    old = check.old.outcome if check.old else "nothing"
    new = check.new.outcome if check.new else "nothing"
    return f"{name}: stored {old}, recomputed {new}"


def writes_of(trial: RecordedTrial, trace_id: str) -> Mapping[str, int] | None:
    """Committed statements by operation and table, of a scenario's trace; ``None`` when nobody watched or knows."""
    try:
        document = stored_trace(trial.home.folder, trace_id)
    except EvidenceError:
        return None
    capture, writes = document.get("capture"), document.get("db_writes")
    if not isinstance(capture, dict) or capture.get("active") is not True or not isinstance(writes, list):
        return None
    done = [each for each in writes if isinstance(each, dict) and each.get("outcome") == "committed"]
    return Counter(f"{each.get('op')} {'+'.join(map(str, each.get('tables') or ['?']))}" for each in done)
