"""A recorded run judged again: its stored observations, a ladder, and what follows. Stored before it is told.

It is refused when the bundle is not as it was sealed, when what is asked needs contents that were not kept, and under
the strict flag when the ladder would do something else than was done. A trial that ended as ERROR has no answer to be
judged, and stays one unless its checks are asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from harness.errors import ExitCode, UsageError
from harness.evidence.faults import EvidenceError
from harness.evidence.reading import RunCondition, list_runs
from harness.judging.checks import CHECK_ERROR
from harness.judging.verdict import Verdict
from harness.replaying.choosing import choose
from harness.replaying.drift import Half
from harness.replaying.judged_by import judged_by
from harness.replaying.judging_again import judged, skipped
from harness.replaying.recorded import only, open_run
from harness.replaying.results_again import Again, Conditions, Source
from harness.replaying.totals import run_again
from harness.replaying.whole_run import judge_run

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from harness.evidence.reading import RunEntry
    from harness.replaying.judged_by import JudgedBy, Project
    from harness.replaying.recorded import RecordedRun, RecordedTrial
    from harness.replaying.replay import Finds
    from harness.replaying.results_again import Ask
    from harness.replaying.totals import RunAgain, TrialAgain

NOT_KEPT: Final = "contents-not-kept"
DRIFTED: Final = "scenario-drift"

_LISTED: Final = "`ladder runs` lists them"


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for.

    Attributes:
        text: A run or a trace.
        file: Another ladder; empty for the one that was climbed.
        is_strict: Refuse a ladder that would do something else.
        allows_partial: Skip what cannot be judged, and count it.
        judges_errors: Judge what ended as ERROR by its checks.
        judges_live: Ask a model anew, where a check asks for its opinion.
    """

    text: str
    file: str = ""
    is_strict: bool = False
    allows_partial: bool = False
    judges_errors: bool = False
    judges_live: bool = False


@dataclass(frozen=True, slots=True)
class Reevaluation:
    """What came of it.

    Attributes:
        whole: Whether the whole run was judged.
        trace_id: Of the trial or scenario that was asked for; empty for the run.
    """

    run: RecordedRun
    by: JudgedBy
    again: RunAgain
    whole: bool
    trace_id: str = ""

    @property
    def checks(self) -> tuple[Again, ...]:
        """Every check."""
        return tuple(check for trial in self.again.trials for each in trial.scenarios for check in each.checks)

    @property
    def skipped(self) -> tuple[Again, ...]:
        """Checks that could not be judged, because what they look at was not kept."""
        return tuple(each for trial in self.again.trials for each in skipped(trial.scenarios))

    @property
    def judged(self) -> int:
        """How many checks were judged."""
        return sum(judged(trial.scenarios) for trial in self.again.trials)

    @property
    def reason(self) -> str:
        """A stable word for why the exit code is not 0; empty when it is."""
        if self.again.exit_code is ExitCode.OK:
            return ""
        if self.again.verdict is Verdict.INCONCLUSIVE:
            if any(each.new and each.new.got.startswith(CHECK_ERROR) for each in self.checks):
                return CHECK_ERROR
            if self.skipped:
                return "checks-skipped"
        return f"verdict-{self.again.verdict.value.lower()}"


def reevaluate(
    root: Path, asked: Asked, project: Project, *, ask: Ask | None = None, find: Finds = list_runs
) -> Reevaluation:
    """Judge what is meant again.

    Args:
        root: Where evidence lies.
        asked: What was asked for.
        project: Where scenario files may lie.
        ask: Asks a model anew; ``None`` where its stored votes are counted.
        find: Lists the runs that could be meant.

    Raises:
        UsageError: The name is none or fits several, or the file is not there.
        InvalidLadderError: The file has faults.
        EvidenceError: The run is unknown, not finished, not as sealed, or lacks what is asked.
    """
    run, trace_id = _sealed(find(root), asked.text)
    by = judged_by(run, asked.file, project)
    trials = tuple(only(run, trace_id))
    conditions = Conditions(
        keeps_contents=run.keeps_contents, skips=not run.keeps_contents, judges_errors=asked.judges_errors, ask=ask
    )
    return replace(judge(run, trials, by, conditions=conditions), trace_id=trace_id)


def judge(run: RecordedRun, trials: tuple[RecordedTrial, ...], by: JudgedBy, *, conditions: Conditions) -> Reevaluation:
    """Judge trials of a run by a ladder: the same in, the same out."""
    found = judge_run(run, trials, by.ladders, conditions=conditions)
    if not conditions.judges_errors:
        kept = [_with_errors(each) for each in found.trials]
        found = run_again(run.record, kept, by.ladders.first.proceed_on)
    return Reevaluation(run, by, found, whole=len(trials) == len(run.trials) and _are_whole(run, trials))


def refuse(found: Reevaluation, asked: Asked) -> None:
    """Refuse what must not be answered.

    Raises:
        EvidenceError: ``scenario-drift``, ``contents-not-kept`` or ``nothing-to-judge``.
    """
    differences = [each for each in found.by.differences if each.half is Half.EXECUTION]
    if asked.is_strict and differences:
        message = f"{found.by.source} would do something else than was done: {differences[0].where}"
        more = f" and {len(differences) - 1} more" if len(differences) > 1 else ""
        raise EvidenceError(DRIFTED, f"{message}{more}", "climb it, or leave --strict-scenario out")
    number = len(found.skipped)
    if number and not asked.allows_partial:
        message = f"{number} checks look at contents, and the run kept the skeleton only"
        raise EvidenceError(NOT_KEPT, message, "skip them with --allow-partial-reeval")
    if number and not found.judged:
        message = f"all {number} checks look at contents, and the run kept the skeleton only"
        raise EvidenceError("nothing-to-judge", message, "judge a run that kept its contents")


def _sealed(entries: Sequence[RunEntry], text: str) -> tuple[RecordedRun, str]:
    if not text:
        raise UsageError("run-unnamed", "which run?", "name a run or a trace; `ladder runs` lists the runs")
    choice = choose(entries, text)
    if choice is None:
        raise EvidenceError("run-unknown", f"no run is called {text}", _LISTED)
    run = open_run(choice.entry)
    if not run.is_sealed:
        message = f"{choice.entry.folder} is not sealed ({choice.entry.condition}), so it is no evidence"
        raise EvidenceError("run-unfinished", message, _LISTED)
    asked = tuple(only(run, choice.trace_id))
    strangers = [each for each in asked if each.home.condition is not RunCondition.FINISHED]
    if strangers:
        message = f"trial {strangers[0].record.trial_index} lies in {strangers[0].home.folder}, which is not sealed"
        raise EvidenceError("run-unfinished", message, "judge the traces of this run one by one")
    wrong = [f"{fault.path}: {fault.kind}" for fault in run.faults] + [
        each.why or f"{each.faults[0].path}: {each.faults[0].kind}" for each in run.trials if each.is_bad
    ]
    if wrong:
        more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
        message = f"run {choice.entry.name} is not as it was sealed: {wrong[0]}{more}"
        raise EvidenceError("run-damaged", message, "restore it from where it was published")
    return run, choice.trace_id


def _are_whole(run: RecordedRun, trials: tuple[RecordedTrial, ...]) -> bool:
    return [len(each.scenarios) for each in run.trials] == [len(each.scenarios) for each in trials]


def _with_errors(trial: TrialAgain) -> TrialAgain:
    """A trial with its ERROR kept; of one scenario alone that scenario's."""
    stored = [each.played.verdict for each in trial.scenarios]
    is_error = trial.recorded.record.status == Verdict.ERROR and Verdict.ERROR in stored
    if not is_error:
        return trial
    return replace(trial, verdict=Verdict.ERROR, whole=Verdict.ERROR, reasons=("it ended as ERROR",))


def changed(found: Reevaluation) -> int:
    """How many checks came to another outcome than was stored."""
    return sum(each.is_changed or each.source is Source.GONE for each in found.checks)
