"""One scenario from its first step to its verdict: steps until one is not green, then what is owed in any case.

After the steps come the workers and the secrets that were seen, ``collect_on_fail``, ``finally`` and the promised
files; the climb writes the notes. What happens after the steps can make a verdict worse and never better. Ctrl-C ends
the steps, and the rest still happens; a second one ends everything (see ``interrupts``).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from harness.errors import PrerequisiteError
from harness.evidence.events import CheckJudged, ContainersSeen, ScenarioEnded, ScenarioStarted, StepSkipped
from harness.evidence.exchanges import Purpose
from harness.evidence.layout import NOTES
from harness.evidence.run_record import ScenarioRecord
from harness.evidence.timestamps import timestamp
from harness.judging.checks import evaluate, verdict_of
from harness.judging.observation import Exchange, Observation
from harness.judging.results import CheckResult, Outcome
from harness.judging.verdict import Verdict, fold, is_green
from harness.language.model import Check, CheckKind, Mode, Severity
from harness.language.variables import UnknownVariableError
from harness.runner.ends import StepEnd, lines
from harness.runner.interrupts import HOW_TO_FORCE
from harness.runner.step import carry_out
from harness.runner.tracing import ask_for_trace, is_watched, told_job_types
from worker.contract import Label

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.evidence.journal import Start
    from harness.language.model import Step
    from harness.runner.scene import Scene

INTERRUPTED: Final = "interrupted"
WORSE_THAN_LIMITED: Final = frozenset({Verdict.FAIL, Verdict.ERROR, Verdict.INCONCLUSIVE})


@dataclass(slots=True)
class Course:
    """What has become of a scenario so far.

    Attributes:
        reason: Of the first thing that was not green.
        secret_hits: More than 0 ends the run with the exit code for leaks.
    """

    verdicts: list[Verdict] = field(default_factory=list)
    results: list[CheckResult] = field(default_factory=list)
    limits: list[str] = field(default_factory=list)
    reason: str = ""
    is_interrupted: bool = False
    secret_hits: int = 0

    @property
    def verdict(self) -> Verdict:
        """The fold of everything so far."""
        return fold(self.verdicts)

    def take(self, end: StepEnd) -> None:
        """Count in how a step ended."""
        self.verdicts.append(end.verdict)
        self.results += end.results
        if end.verdict is Verdict.LIMITED and end.reason:
            self.limits.append(end.reason)
        elif not is_green(end.verdict) and not self.reason:
            missed = lines(end.results, Severity.FAIL)
            self.reason = end.reason or (missed[0] if missed else "")

    def worsen(self, verdict: Verdict, reason: str) -> None:
        """Count in something that no step found."""
        self.take(StepEnd(verdict, reason=reason))


@dataclass(frozen=True, slots=True)
class Climbed:
    """A scenario that has ended.

    Attributes:
        mark: Where its events begin, so that notes and trace can be made from all of them.
        is_interrupted: Whether Ctrl-C ended it.
    """

    record: ScenarioRecord
    mark: Start
    secret_hits: int
    is_interrupted: bool


def climb_scenario(scene: Scene) -> Climbed:
    """Climb one scenario; never raises but for a second Ctrl-C and for evidence that cannot be written.

    Raises:
        ForcedError: Ctrl-C came again.
        PrerequisiteError: ``evidence-unwritable``.
    """
    around, scenario = scene.around, scene.scenario
    began, begun, mark = timestamp(around.clock.now()), around.clock.monotonic(), scene.log.mark()
    around.watcher.scenario_started(scenario)
    ids = (scene.trace_id, scene.span_id, scene.step_span_id)
    scene.log.event(ScenarioStarted(scenario.id, scenario.title, scene.log.folder, *ids))
    course = _steps(scene)
    _look_for_workers(scene, course)
    _look_for_secrets(scene, course)
    if course.verdict in WORSE_THAN_LIMITED and not course.is_interrupted:
        _note_workers(scene)
        _carry_on(scene.ladder.collect_on_fail, scene)
    _carry_on(reversed(scenario.cleanup), scene)
    ask_for_trace(scene)
    _look_for_capture(scene, course)
    _look_for_secrets(scene, course)
    _look_for_evidence(scene, course)
    record = ScenarioRecord(
        id=scenario.id,
        title=scenario.title,
        folder=scene.log.folder,
        verdict=course.verdict,
        result_status=scene.result_status,
        reason=course.reason,
        missed=lines(course.results, Severity.FAIL),
        limits=(*lines(course.results, Severity.LIMITATION), *course.limits),
        files=tuple(sorted(scene.log.files)),
        trace_id=scene.trace_id,
        started_at=began,
        duration_s=round(around.clock.monotonic() - begun, 6),
        job_types=told_job_types(scene),
    )
    scene.log.event(ScenarioEnded(scenario.id, record.verdict, record.result_status, record.reason))
    return Climbed(record, mark, course.secret_hits, course.is_interrupted)


def _steps(scene: Scene) -> Course:
    course = Course()
    step = None
    try:
        with scene.around.interrupts.may_end():
            for step in scene.scenario.steps:
                course.take(carry_out(step, scene))
                if not is_green(course.verdict):
                    break
    except KeyboardInterrupt:
        course.is_interrupted = True
        scene.around.watcher.note(HOW_TO_FORCE)
        course.worsen(Verdict.INCONCLUSIVE, f"{INTERRUPTED} in step {step.id if step else 'none'}")
    except UnknownVariableError as error:
        course.worsen(Verdict.ERROR, f"step {step.id if step else 'none'}: {error}")
    except PrerequisiteError:
        raise
    except Exception as error:  # noqa: BLE001  # a fault of ours must not keep the stack from being rolled back
        told = f"step {step.id if step else 'none'}: a fault of the harness: {type(error).__name__}: {error}"
        course.worsen(Verdict.ERROR, told)
    return course


def _carry_on(steps: Iterable[Step], scene: Scene) -> None:
    """Carry out steps whose end changes nothing; one whose variables were never captured is skipped."""
    for step in steps:
        try:
            end = carry_out(step, scene, purpose=Purpose.COLLECT)
        except UnknownVariableError as error:
            scene.log.event(StepSkipped(scene.id, step.id, str(error)))
            continue
        except PrerequisiteError:
            raise
        except Exception as error:  # noqa: BLE001  # as above: the steps after it are owed all the same
            end = StepEnd(Verdict.ERROR, reason=f"a fault of the harness: {type(error).__name__}: {error}")
        if not is_green(end.verdict):
            told = end.reason or "; ".join(lines(end.results, Severity.FAIL))
            scene.remarks.append(f"{step.mark}: after the verdict, step {step.id} ended {end.verdict}: {told}")


def _look_for_workers(scene: Scene, course: Course) -> None:
    """A mocked ladder also proves that the backend which we started has made no worker container meanwhile."""
    instance = scene.around.subject.instance
    if scene.ladder.mode is not Mode.MOCKED or instance is None or not is_green(course.verdict):
        return
    label = f"{Label.INSTANCE}={instance}"
    text = "implied: no worker container was made"
    check = Check(CheckKind.CONTAINER, scene.scenario.mark, argument={"label": label, "count": {"eq": 0}}, text=text)
    witness = scene.around.watch.observe()
    scene.log.event(ContainersSeen(scene.id, witness))
    found = evaluate(check, Observation(_NOTHING_ASKED, witness=witness))
    if found.outcome is Outcome.UNDECIDED and not scene.around.is_witness_needed:
        found = replace(found, severity=Severity.LIMITATION)
    scene.log.event(CheckJudged(scene.id, "", found))
    course.take(StepEnd(verdict_of([found]), (found,)))


def _note_workers(scene: Scene) -> None:
    """Record for the notes what became of the workers: a poll that ended at its deadline has not looked for them."""
    witness = scene.around.watch.observe()
    if witness.available:
        scene.log.event(ContainersSeen(scene.id, witness))


_NOTHING_ASKED: Final = Exchange(None, {}, None, "", 0.0)


def _look_for_capture(scene: Scene, course: Course) -> None:
    """Of our own stack it must be known what was written to its database; a foreign one need not tell."""
    if scene.around.subject.instance is None or not scene.has_sent or not is_green(course.verdict):
        return
    found = is_watched(scene)
    scene.log.event(CheckJudged(scene.id, "", found))
    course.take(StepEnd(verdict_of([found]), (found,)))


def _look_for_secrets(scene: Scene, course: Course) -> None:
    """The check that every scenario has: nothing had to be redacted in what it observed."""
    hits = scene.secret_hits
    if hits and not course.secret_hits:
        names = scene.around.records.redactor.variables(f"{scene.id}/")
        whose = ", ".join(names) or "taken out by the subject itself"
        where = ", ".join(sorted(scene.log.masked)) or "in no saved file"
        found = CheckResult(
            "implied: no_secrets",
            scene.scenario.mark,
            Severity.FAIL,
            Outcome.MISSED,
            "no_secrets",
            "eq 0",
            f"{hits} ({whose}; {where})",
        )
        scene.log.event(CheckJudged(scene.id, "", found))
        course.take(StepEnd(Verdict.FAIL, (found,)))
    course.secret_hits = hits


def _look_for_evidence(scene: Scene, course: Course) -> None:
    """A promised file that is missing or empty is a FAIL; after a red step its absence only follows from that."""
    notes_come = bool(scene.scenario.notes) or not is_green(course.verdict)
    for name in scene.scenario.evidence:
        if not scene.log.files.get(name) and not (name == NOTES and notes_come) and is_green(course.verdict):
            word = "empty" if name in scene.log.files else "missing"
            course.worsen(Verdict.FAIL, f"{scene.log.folder}/{name} is {word}, and the scenario promises it")
