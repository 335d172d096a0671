"""What judged scenarios add up to: the verdict of each trial and of the run, and the exit code that follows. Pure.

A scenario that was blocked at the run was never climbed; where nothing keeps it from being climbed any more, its trial
is INCONCLUSIVE. A trial that ended as ERROR stays one unless somebody wants to see what it holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.errors import ExitCode
from harness.evidence.trial_records import INTERRUPTED
from harness.judging.trials import Policy, aggregate
from harness.judging.trials import exit_code_of as exit_code_of_trials
from harness.judging.verdict import Verdict, fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.evidence.run_record import RunRecord
    from harness.judging.trials import Aggregation
    from harness.replaying.judging_again import ScenarioAgain
    from harness.replaying.recorded import RecordedTrial


@dataclass(frozen=True, slots=True)
class TrialAgain:
    """A trial, before and now.

    Attributes:
        verdict: As judged now; that of the run's own part alone, whatever the rollback came to.
        whole: The rollback counted in.
        reasons: Why it is what it is, where no scenario says so.
    """

    recorded: RecordedTrial
    scenarios: tuple[ScenarioAgain, ...]
    verdict: Verdict
    whole: Verdict
    reasons: tuple[str, ...] = ()


def trial_again(recorded: RecordedTrial, scenarios: Sequence[ScenarioAgain], proceed_on: frozenset[str]) -> TrialAgain:
    """Fold the scenarios of a trial.

    Args:
        recorded: The trial.
        scenarios: Judged once more, in order.
        proceed_on: Lower-case verdict words after which the climb goes on.
    """
    parts: dict[str, list[ScenarioAgain]] = {}
    for each in scenarios:
        parts.setdefault(each.played.climb.part if each.played.climb else "", []).append(each)
    folded = {name: _part(members, proceed_on) for name, members in parts.items()}
    own = next(iter(folded.values()), (Verdict.INCONCLUSIVE, "no scenario was begun"))
    reasons = tuple(why for _, why in folded.values() if why) if folded else (own[1],)
    whole = fold([own[0], *(verdict for verdict, _ in folded.values())])
    return TrialAgain(recorded, tuple(scenarios), own[0], whole, reasons)


def _part(scenarios: Iterable[ScenarioAgain], proceed_on: frozenset[str]) -> tuple[Verdict, str]:
    members = [each for each in scenarios if each.verdict is not None]
    climbed = [each.verdict for each in members if each.verdict and each.verdict is not Verdict.BLOCKED]
    blocked = [each.played.id for each in members if each.verdict is Verdict.BLOCKED]
    if blocked and all(verdict.value.lower() in proceed_on for verdict in climbed):
        return fold([*climbed, Verdict.INCONCLUSIVE]), f"never climbed: {', '.join(blocked)}"
    # Nothing that the ladder has was climbed, so nothing was judged.
    return (fold(climbed), "") if climbed else (Verdict.INCONCLUSIVE, "nothing was judged")


@dataclass(frozen=True, slots=True)
class RunAgain:
    """A run, before and now.

    Attributes:
        aggregation: What several trials add up to; ``None`` of a single one.
        exit_code: That follows from the verdict.
    """

    trials: tuple[TrialAgain, ...]
    verdict: Verdict
    aggregation: Aggregation | None
    exit_code: ExitCode


def run_again(record: RunRecord, trials: Sequence[TrialAgain], proceed_on: frozenset[str]) -> RunAgain:
    """Take the trials of a run together, as the run itself did.

    Args:
        record: What was asked for, minimum rate and bound of errors included.
        trials: In order; at least one.
        proceed_on: Lower-case verdict words of the ladder's gate.
    """
    policy = policy_of(record, proceed_on)
    if record.trials > 1 and len(trials) > 1:
        ended = [each.verdict for each in trials if each.recorded.record.status != INTERRUPTED]
        found = aggregate(ended, policy)
        return RunAgain(tuple(trials), found.verdict, found, exit_code_of_trials(found, policy))
    verdict = fold(each.whole for each in trials) if trials else Verdict.INCONCLUSIVE
    return RunAgain(tuple(trials), verdict, None, exit_code_of(verdict, proceed_on))


def policy_of(record: RunRecord, proceed_on: frozenset[str]) -> Policy:
    """What the trials of a run had to reach; overrides are those of the run."""
    asked: Any = record.settings.get("asked", {})
    wanted: Any = asked.get("trials") if isinstance(asked, dict) else None
    if not isinstance(wanted, dict):
        return Policy(proceed_on=proceed_on)
    return Policy(float(wanted.get("min_pass_rate", 1.0)), int(wanted.get("max_errors", 0)), proceed_on)


_CODES = {
    Verdict.PASS: ExitCode.OK,
    Verdict.LIMITED: ExitCode.OK,
    Verdict.FAIL: ExitCode.FAILED,
    Verdict.FLAKY: ExitCode.FAILED,
    Verdict.ERROR: ExitCode.PREREQUISITE,
    Verdict.INCONCLUSIVE: ExitCode.INCONCLUSIVE,
    Verdict.BLOCKED: ExitCode.INCONCLUSIVE,
}


def exit_code_of(verdict: Verdict, proceed_on: frozenset[str]) -> ExitCode:
    """The exit code of a single verdict; LIMITED is green only where the gate goes on after it."""
    if verdict is Verdict.LIMITED and "limited" not in proceed_on:
        return ExitCode.FAILED
    return _CODES[verdict]
