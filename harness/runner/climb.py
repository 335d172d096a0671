"""Climbs the scenarios of one ladder in strict order: a red one closes the gate, and all after it are blocked.

Blocked scenarios are listed with the arithmetic of the gate; nothing was sent for them. What is needed to go on later
is written after each scenario, so that a killed run can be resumed from evidence.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from harness.errors import ExitCode
from harness.evidence.events import ClimbEnded, ClimbStarted, EngineTold, ScenarioEnded
from harness.evidence.layout import scenario_folder, trial_folder
from harness.evidence.run_record import ScenarioRecord
from harness.judging.verdict import Verdict, fold, gate_after, is_green
from harness.runner.notes_file import write_notes
from harness.runner.scenario import INTERRUPTED, Climbed, climb_scenario
from harness.runner.scene import Scene
from harness.runner.tracing import write_trace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.errors import HarnessError
    from harness.judging.verdict import Gate
    from harness.language.model import Ladder, Scenario
    from harness.runner.surroundings import Surroundings


@dataclass(frozen=True, slots=True)
class Part:
    """One ladder's share of a run.

    Attributes:
        scenarios: Those that are climbed, in the order of the ladder.
        folder: Where their artifacts lie, such as ``live`` or ``mocked/RERUN``.
        schemas: Parsed JSON Schemas by the name of their file.
        captures: Of scenarios that are not climbed but may be referred to.
        text: The ladder's file.
    """

    ladder: Ladder
    scenarios: tuple[Scenario, ...]
    folder: str
    schemas: Mapping[str, Any] = field(default_factory=dict)
    captures: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    text: str = ""


@dataclass(slots=True)
class PartCourse:
    """What has become of a part so far.

    Attributes:
        captures: Of green scenarios, those that were taken over included.
        told: Keys of the engine's events that are recorded already.
        last: The last scenario that was climbed, whose notes tell what happened after it.
        secret_hits: How often a secret had to be taken out of what was observed.
    """

    captures: dict[str, Mapping[str, Any]]
    told: set[tuple[int, str, str]] = field(default_factory=set)
    records: list[ScenarioRecord] = field(default_factory=list)
    last: tuple[Scene, Climbed] | None = None
    secret_hits: int = 0
    is_interrupted: bool = False

    @property
    def verdicts(self) -> dict[str, Verdict]:
        """By scenario, in the order in which they ended."""
        return {record.id: record.verdict for record in self.records}

    @property
    def verdict(self) -> Verdict:
        """The worst of the climbed scenarios; a climb that was cut short between two of them has not passed."""
        found = [verdict for verdict in self.verdicts.values() if verdict is not Verdict.BLOCKED]
        is_cut_short = self.is_interrupted and len(found) < len(self.verdicts)
        return fold([*found, Verdict.INCONCLUSIVE] if is_cut_short else found)


def climb(around: Surroundings, part: Part, *, keep: Callable[[PartCourse], None]) -> PartCourse:
    """Climb a part.

    Args:
        around: What the climb uses.
        part: What is climbed.
        keep: Called after each scenario; writes what a later run needs.

    Raises:
        ForcedError: Ctrl-C came a second time.
        PrerequisiteError: ``evidence-unwritable``.
    """
    course = PartCourse(dict(part.captures))
    _begin(around, part)
    try:
        for scenario in part.scenarios:
            gate = _gate(part, course)
            # One that came since the last wait, or during a cleanup.
            course.is_interrupted |= around.interrupts.take()
            if course.is_interrupted:
                _block(around, part, scenario, course=course, reason=f"{INTERRUPTED}; nothing was sent")
            elif not gate.is_open:
                _block(around, part, scenario, course=course, reason=gate.arithmetic)
            else:
                _climb_one(around, part, scenario, course=course)
            keep(course)
        around.records.journal.record(ClimbEnded(part.folder, course.verdict))
    finally:
        around.watcher.ladder_ended(course.records)
    return course


def _begin(around: Surroundings, part: Part) -> None:
    around.watcher.ladder_started(part.ladder, part.scenarios, folder=part.folder)
    ladder, origin = part.ladder, around.origin
    around.records.journal.record(
        ClimbStarted(
            part.folder,
            ladder.name,
            ladder.mode,
            tuple(each.id for each in part.scenarios),
            origin.trace_id,
            origin.span_id,
            origin.trigger.source,
            origin.trigger.issue_key,
            origin.trigger.issue_status,
        )
    )


def _gate(part: Part, course: PartCourse) -> Gate:
    missed = {record.id: len(record.missed) for record in course.records}
    return gate_after(course.verdicts, part.ladder.proceed_on, missed=missed)


def climb_nothing(around: Surroundings, part: Part, error: HarnessError | None) -> PartCourse:
    """Record that a part could not be climbed: the first scenario tells why, the others are blocked by it.

    Args:
        around: What the climb would have used.
        part: What would have been climbed.
        error: What stood in the way; ``None`` for Ctrl-C.
    """
    course = PartCourse(dict(part.captures), is_interrupted=error is None)
    _begin(around, part)
    for at, scenario in enumerate(part.scenarios):
        if at == 0:
            _fail_before(around, part, scenario, course=course, error=error)
            continue
        # A gate that goes on after errors is open, and there is nothing to go on with.
        reason = _gate(part, course).arithmetic or course.records[0].reason
        _block(around, part, scenario, course=course, reason=reason)
    around.records.journal.record(ClimbEnded(part.folder, course.verdict))
    around.watcher.ladder_ended(course.records)
    return course


_VERDICT_OF_ERROR: Final = {ExitCode.INCONCLUSIVE: Verdict.INCONCLUSIVE}


def _fail_before(
    around: Surroundings, part: Part, scenario: Scenario, *, course: PartCourse, error: HarnessError | None
) -> None:
    if error is None:
        verdict, reason = Verdict.INCONCLUSIVE, f"{INTERRUPTED} before the stack was ready; nothing was sent"
    else:
        verdict = _VERDICT_OF_ERROR.get(error.exit_code, Verdict.ERROR)
        reason = f"the stack is not ready: [{error.reference}] {error.message}"
    _end_unclimbed(around, part, scenario, course=course, end=(verdict, reason))
    if error is not None and error.hint and course.last:
        course.last[0].remarks.append(f"repair: {error.hint}")
        _add(around, course, _with_notes(*course.last), replaces=True)


def _block(around: Surroundings, part: Part, scenario: Scenario, *, course: PartCourse, reason: str) -> None:
    last = course.last
    _end_unclimbed(around, part, scenario, course=course, end=(Verdict.BLOCKED, reason))
    course.last = last


def _end_unclimbed(
    around: Surroundings, part: Part, scenario: Scenario, *, course: PartCourse, end: tuple[Verdict, str]
) -> None:
    scene = _scene(around, part, scenario, course=course, folder=scenario_folder(part.folder, scenario.id))
    record = ScenarioRecord(scenario.id, scenario.title, scene.log.folder, end[0], reason=end[1])
    mark = scene.log.mark()
    scene.log.event(ScenarioEnded(scenario.id, record.verdict, record.result_status, record.reason))
    climbed = Climbed(record, mark, secret_hits=0, is_interrupted=False)
    course.last = (scene, climbed)
    _add(around, course, _with_notes(scene, climbed))


def _climb_one(around: Surroundings, part: Part, scenario: Scenario, *, course: PartCourse) -> None:
    """Climb one scenario, several times where it says so: the first trial that is not green counts, else all do."""
    spent, verdicts, limits = 0.0, set[Verdict](), dict[str, None]()
    for trial in range(scenario.trials):
        inside = trial_folder(trial) if scenario.trials > 1 else ""
        folder = scenario_folder(part.folder, scenario.id, trial=inside)
        scene = _scene(around, part, scenario, course=course, folder=folder)
        climbed = climb_scenario(scene)
        write_trace(scene, climbed.mark)
        _record_engine(scene, course)
        spent += climbed.record.duration_s
        course.last = (scene, climbed)
        course.secret_hits += climbed.secret_hits
        course.is_interrupted |= climbed.is_interrupted
        record = _with_notes(scene, climbed)
        verdicts.add(record.verdict)
        limits.update(dict.fromkeys(record.limits))
        if not is_green(record.verdict):
            break
    if is_green(record.verdict):
        course.captures[scenario.id] = dict(scene.captures)
    _add(around, course, replace(record, verdict=fold(verdicts), limits=tuple(limits), duration_s=round(spent, 6)))


def _record_engine(scene: Scene, course: PartCourse) -> None:
    """Record what the engine itself has told since the last scenario."""
    for event in scene.around.watch.events():
        if event.key not in course.told:
            course.told.add(event.key)
            scene.log.event(
                EngineTold(
                    scene.id,
                    event.time_ns,
                    event.id,
                    event.action,
                    event.labels,
                    event.image,
                    event.name,
                    event.exit_code,
                )
            )


def _scene(around: Surroundings, part: Part, scenario: Scenario, *, course: PartCourse, folder: str) -> Scene:
    scene = Scene(around, part.ladder, scenario, folder=folder, reached=course.captures)
    scene.schemas = part.schemas
    return scene


def _with_notes(scene: Scene, climbed: Climbed) -> ScenarioRecord:
    """Write notes.txt where they are owed; the record lists them."""
    owed = not is_green(climbed.record.verdict) or scene.scenario.notes or scene.remarks or climbed.record.limits
    if owed:
        write_notes(scene, climbed)
    return replace(climbed.record, files=tuple(sorted(scene.log.files)))


def add_remark(course: PartCourse, remark: str) -> None:
    """Tell in the notes of the last climbed scenario what happened after it, such as the rollback."""
    if course.last is None:
        return
    scene, climbed = course.last
    scene.remarks.append(remark)
    write_notes(scene, climbed)
    files = tuple(sorted(scene.log.files))
    course.records[:] = [
        replace(each, files=files) if each.folder == climbed.record.folder else each for each in course.records
    ]


def _add(around: Surroundings, course: PartCourse, record: ScenarioRecord, *, replaces: bool = False) -> None:
    if replaces:
        course.records[-1] = record
        return
    course.records.append(record)
    around.watcher.scenario_ended(record)
