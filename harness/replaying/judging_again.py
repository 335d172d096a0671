"""One scenario judged once more: its steps, what belongs to none of them, and the verdict that follows. Pure.

Only what was observed can be judged, so a step that was never climbed stays open: a scenario that ended at a red step
which would be green now is INCONCLUSIVE, not PASS. How a poll ended, what a copy came to and what broke is taken as
stored: it belongs to what was done, not to what is right.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from harness.evidence.layout import NOTES
from harness.judging.checks import step_verdict, verdict_of
from harness.judging.judge_prompts import task_of
from harness.judging.results import Outcome
from harness.judging.verdict import Verdict, fold, is_green
from harness.language.model import Severity
from harness.language.variables import Scope
from harness.replaying.results_again import Again, Source, judge_again

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from harness.judging.results import CheckResult
    from harness.language.model import Ladder, Scenario, Step
    from harness.replaying.played import PlayedScenario, PlayedStep
    from harness.replaying.results_again import Conditions

INTERRUPTED: Final = "interrupted"
"""Begins the reason of a scenario that Ctrl-C has ended."""


@dataclass(frozen=True, slots=True)
class StepAgain:
    """A step, before and now.

    Attributes:
        played: ``None`` of a step that the ladder has and the run did not climb.
        verdict: As judged now.
        why: Why it is not green, where no check says so.
    """

    id: str
    played: PlayedStep | None
    verdict: Verdict
    checks: tuple[Again, ...] = ()
    why: str = ""

    @property
    def is_teardown(self) -> bool:
        """Whether it came after the verdict, which it does not change."""
        return self.played is not None and self.played.started.is_teardown


@dataclass(frozen=True, slots=True)
class ScenarioAgain:
    """A scenario, before and now.

    Attributes:
        verdict: As judged now; ``None`` when the ladder does not have it any more.
        loose: Checks of the scenario as a whole, which are taken as stored.
        reasons: Why it is not green, where no check says so.
    """

    played: PlayedScenario
    verdict: Verdict | None
    steps: tuple[StepAgain, ...] = ()
    loose: tuple[Again, ...] = ()
    reasons: tuple[str, ...] = ()

    @property
    def checks(self) -> tuple[Again, ...]:
        """Every check of it."""
        return (*(check for step in self.steps for check in step.checks), *self.loose)

    @property
    def is_changed(self) -> bool:
        """Whether verdict or a check differs from what was stored."""
        return self.verdict is not self.played.verdict or any(each.is_changed for each in self.checks)


@dataclass(frozen=True, slots=True)
class Judging:
    """What scenarios are judged by.

    Attributes:
        sizes: Bytes of an artifact by its path; one that is not there has none.
    """

    ladder: Ladder
    conditions: Conditions
    sizes: Mapping[str, int]

    @property
    def judges_errors(self) -> bool:
        """Whether a step that ended as ERROR is judged by its checks, as far as it has any."""
        return self.conditions.judges_errors


def judge_scenario(played: PlayedScenario, judging: Judging, reached: Mapping[str, Mapping[str, Any]]) -> ScenarioAgain:
    """Judge a scenario once more.

    Args:
        played: As it was climbed.
        judging: What it is judged by.
        reached: Captures of the scenarios that it may refer to.
    """
    scenario = next((each for each in judging.ladder.scenarios if each.id == played.id), None)
    if scenario is None:
        return ScenarioAgain(played, None, reasons=("the ladder does not have it",))
    if played.started is None:
        return ScenarioAgain(played, played.verdict, reasons=(played.ended.reason,) if played.ended else ())
    steps = tuple(_steps(played, scenario, judging, reached=reached))
    loose = tuple(_loose(each) for each in played.results)
    ends = [*_ends(played, steps, judging), *_unclimbed(scenario, steps)]
    verdicts = [step.verdict for step in steps if not step.is_teardown]
    verdicts += [verdict_of(each.new for each in loose if each.new), *(verdict for verdict, _ in ends)]
    if is_green(fold(verdicts)):
        ends += list(_evidence(played, scenario, judging.sizes))
    verdict = fold([*verdicts, *(verdict for verdict, _ in ends)])
    return ScenarioAgain(played, verdict, steps, loose, tuple(why for _, why in ends))


def _loose(result: CheckResult) -> Again:
    return Again(result, result, Source.STORED, result.severity, "it follows from the scenario as a whole")


def _steps(
    played: PlayedScenario, scenario: Scenario, judging: Judging, *, reached: Mapping[str, Mapping[str, Any]]
) -> Iterator[StepAgain]:
    captures: dict[str, Any] = {}
    task = task_of(judging.ladder, scenario) if judging.conditions.ask else ""
    for each in played.steps:
        step = _step_of(each, scenario, judging.ladder.collect_on_fail)
        variables = step.variables if step else {}
        scope = Scope(judging.ladder.variables, scenario.variables, dict(captures), reached, variables)
        yield _step(each, step, scope, judging=judging, task=task)
        captures |= each.captures


def _step_of(played: PlayedStep, scenario: Scenario, collected: Sequence[Step]) -> Step | None:
    """The step of the ladder; of two teardown steps of one id the one that stands where the run says."""
    there = (*collected, *scenario.cleanup) if played.started.is_teardown else scenario.steps
    found = [step for step in there if step.id == played.started.step]
    return next((step for step in found if str(step.mark) == played.started.place), found[0] if found else None)


def _step(played: PlayedStep, step: Step | None, scope: Scope, *, judging: Judging, task: str) -> StepAgain:
    name, ended = played.started.step, played.ended
    if step is None:
        return StepAgain(name, played, Verdict.PASS, why="the ladder does not have it")
    if played.seen is None or ended is None:
        return _unjudged(played, judges_errors=judging.judges_errors)
    checks = judge_again(played, step, scope, conditions=judging.conditions, task=task)
    results = [each.new for each in checks if each.new]
    open_ones = [Verdict.INCONCLUSIVE for each in checks if is_open(each)]
    # Only a document that is fresh by nothing but a difference leaves a reason with an accepted answer.
    aged = [Verdict.LIMITED] if ended.reason and ended.verdict is not Verdict.ERROR else []
    exchange = played.seen.observation.exchange
    is_broken = ended.verdict is Verdict.ERROR
    if judging.judges_errors and is_broken:
        return StepAgain(name, played, fold([verdict_of(results), *open_ones]), checks, ended.reason)
    broken = [Verdict.ERROR] if is_broken and exchange.answered else []
    verdict = fold([step_verdict(exchange, results), *open_ones, *aged, *broken])
    return StepAgain(name, played, verdict, checks, ended.reason)


def is_open(check: Again) -> bool:
    """Whether a required check could not be judged, so that nothing better than INCONCLUSIVE follows."""
    return check.source is Source.SKIPPED and check.severity is Severity.FAIL


def _unjudged(played: PlayedStep, *, judges_errors: bool) -> StepAgain:
    """A step of which nothing was judged: a copy, a poll that was never ready, or one that was broken off."""
    name, ended = played.started.step, played.ended
    checks = tuple(Again(each, each, Source.STORED, each.severity) for each in played.results)
    if ended is None:
        return StepAgain(name, played, Verdict.INCONCLUSIVE, checks, "it was broken off")
    is_error = ended.verdict is Verdict.ERROR and judges_errors
    return StepAgain(name, played, Verdict.INCONCLUSIVE if is_error else ended.verdict, checks, ended.reason)


def _ends(played: PlayedScenario, steps: Iterable[StepAgain], judging: Judging) -> Iterator[tuple[Verdict, str]]:
    """What ended the scenario besides its steps."""
    ended = played.ended
    if ended is None:
        yield Verdict.INCONCLUSIVE, "the run was killed before it ended"
        return
    if ended.reason.startswith(INTERRUPTED):
        yield Verdict.INCONCLUSIVE, ended.reason
    has_said = any(step.verdict is Verdict.ERROR for step in steps if not step.is_teardown)
    if ended.verdict is Verdict.ERROR and not has_said and not judging.judges_errors:
        yield Verdict.ERROR, ended.reason


def _unclimbed(scenario: Scenario, steps: Sequence[StepAgain]) -> Iterator[tuple[Verdict, str]]:
    """Steps that were never climbed, when nothing that was climbed is red any more."""
    climbed = [step for step in steps if not step.is_teardown]
    if not all(is_green(step.verdict) for step in climbed):
        return
    known = {step.id for step in climbed}
    lacking = [step.id for step in scenario.steps if step.id not in known]
    if lacking:
        yield Verdict.INCONCLUSIVE, f"never climbed: {', '.join(lacking)}"


def _evidence(played: PlayedScenario, scenario: Scenario, sizes: Mapping[str, int]) -> Iterator[tuple[Verdict, str]]:
    """Promised files that are missing or empty, as a green scenario is held to them."""
    for name in scenario.evidence:
        path = f"{played.folder}/{name}"
        if not sizes.get(path) and not (name == NOTES and scenario.notes):
            word = "empty" if path in sizes else "missing"
            yield Verdict.FAIL, f"{path} is {word}, and the scenario promises it"


def skipped(scenarios: Iterable[ScenarioAgain]) -> tuple[Again, ...]:
    """All checks that could not be judged, because what they look at was not kept."""
    return tuple(each for scenario in scenarios for each in scenario.checks if each.source is Source.SKIPPED)


def judged(scenarios: Iterable[ScenarioAgain]) -> int:
    """How many checks were judged anew."""
    return sum(each.source is Source.RECOMPUTED for scenario in scenarios for each in scenario.checks)


def undecided(check: Again) -> bool:
    """Whether a check was judged and nothing could be said."""
    return check.new is not None and check.new.outcome is Outcome.UNDECIDED
