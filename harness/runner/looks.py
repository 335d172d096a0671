"""Looks at the subject that no step asks for by itself: what was there before a step, and what checks need besides.

Before a step the paths are read that later polls must be fresher than, and the files that later checks compare with;
a project that does not exist yet has neither. What is looked at is recorded, and nothing is judged here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from harness.evidence.exchanges import Purpose
from harness.judging.documents import unwrapped, view
from harness.judging.freshness import NO_PROJECT, Wanted, baseline_of
from harness.judging.judge_checks import spent
from harness.judging.judge_prompts import asked_key, question_of, task_of
from harness.judging.observation import FileChanges, Judgement, Observation, ProgramRun, Witness
from harness.judging.program_checks import program_key
from harness.language.model import Check, CheckKind, Mode, Request
from harness.language.variables import UnknownVariableError
from harness.senses.calls import Call
from harness.senses.snapshots import Snapshot, changes, take

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from harness.judging.freshness import Baseline
    from harness.judging.judge_prompts import Question
    from harness.judging.observation import Exchange
    from harness.language.model import Poll, Step
    from harness.runner.scene import Scene

FILES_PATH: Final = "/api/v1/{project}/files"
"""Where the files of a project are listed (the route is in the README)."""

ASKS_THE_ENGINE: Final = frozenset({CheckKind.CONTAINER, CheckKind.PRINTS})

_NOT_ASKED: Final = Witness(available=False)


def is_work(step: Step, scene: Scene) -> bool:
    """Whether a step waits for the work of a real worker, whose container the engine must have seen."""
    return scene.ladder.mode is Mode.LIVE and step.poll is not None and step.poll.fresh_after is not None


def every(checks: Iterable[Check]) -> Iterator[Check]:
    """Each check, and each one inside another."""
    for check in checks:
        yield check
        yield from every(check.children)


def comparing(steps: Iterable[Step]) -> Mapping[str, list[Step]]:
    """Id of a step → those that compare with what was there before it, in their order.

    Made once for a scenario: asking all steps before each step takes longer than its request where there are hundreds.
    """
    found: dict[str, list[Step]] = {}
    for later in steps:
        since = {check.argument["since"] for check in every(later.expect) if check.kind is CheckKind.FILES_CHANGED}
        if later.poll and later.poll.fresh_after:
            since.add(later.poll.fresh_after.step)
        for step in since:
            found.setdefault(step, []).append(later)
    return found


def look_before(step: Step, scene: Scene) -> None:
    """Read what later steps compare with; must be called before a step sends anything."""
    scene.began_at[step.id] = scene.around.clock.now().timestamp()
    for later in scene.comparing.get(step.id, ()):
        if later.poll and later.poll.fresh_after and later.poll.fresh_after.step == step.id:
            scene.baselines[later.id] = _baseline(later, scene)
        for check in every(later.expect):
            if check.kind is CheckKind.FILES_CHANGED and check.argument["since"] == step.id:
                _remember_files(step, scene, check.argument["project"])


def _baseline(later: Step, scene: Scene) -> Baseline:
    request = later.action
    if not isinstance(request, Request) or later.poll is None:
        return NO_PROJECT
    try:
        path = scene.scope(later).fill(request.path)
    except UnknownVariableError:
        return NO_PROJECT
    # Without the headers of the poll: this look must not wait for anything.
    sent = scene.sends(later.id, Purpose.BASELINE)(Call(Request("GET", path, request.timeout_s)))
    return baseline_of(sent, unwrapped(sent, later.poll.unwrap))


def _remember_files(step: Step, scene: Scene, project: str) -> None:
    if (step.id, project) in scene.before:
        return
    try:
        path = _files_path(scene.scope(step).fill(project))
    except UnknownVariableError:
        scene.before[step.id, project] = Snapshot()
        return
    scene.before[step.id, project] = _snapshot(step.id, scene, path)


def _files_path(project: object) -> str:
    return FILES_PATH.format(project=quote(str(project), safe=""))


def _snapshot(step: str, scene: Scene, path: str) -> Snapshot:
    found = take(scene.sends(step, Purpose.FILES), path, scene.known.get(path, Snapshot()))
    scene.known[path] = found
    return found


def wanted_age(step: Step, scene: Scene, poll: Poll) -> Wanted | None:
    """What makes the answer of a poll fresh; ``None`` when the step does not ask.

    Args:
        step: The poll.
        scene: Where its baseline is.
        poll: With its variables filled in.
    """
    if poll.fresh_after is None:
        return None
    since = poll.fresh_after.step
    return Wanted(
        job_id=str(poll.fresh_after.job_id),
        began_at=scene.began_at.get(since, 0.0),
        baseline=scene.baselines.get(step.id, NO_PROJECT),
    )


def observe(step: Step, scene: Scene, checks: Iterable[Check], *, seen: Exchange, doc: Any) -> Observation:  # noqa: ANN401  # JSON values
    """Everything that the checks of a step may look at, and no more than they ask for.

    Args:
        step: As the ladder has it.
        scene: The scenario.
        checks: With their variables filled in.
        seen: The answer.
        doc: Its unwrapped document.
    """
    asked = list(every(checks))
    kinds = {check.kind for check in asked}
    return Observation(
        exchange=seen,
        doc=doc,
        files=_files(step, scene),
        witness=scene.around.watch.observe() if CheckKind.CONTAINER in kinds or is_work(step, scene) else _NOT_ASKED,
        secret_hits=scene.secret_hits,
        schemas={
            check.argument: scene.schemas[check.argument]
            for check in asked
            if check.kind is CheckKind.SCHEMA and check.argument in scene.schemas
        },
        programs=_programs(step, scene, asked),
        judgements=_judgements(scene, asked, document=view(seen, doc)) if seen.answered else {},
    )


def _files(step: Step, scene: Scene) -> dict[str, FileChanges]:
    found: dict[str, FileChanges] = {}
    for check in every(step.expect):
        if check.kind is CheckKind.FILES_CHANGED:
            since, project = check.argument["since"], check.argument["project"]
            before = scene.before.get((since, project))
            if before is not None and since not in found:
                after = _snapshot(step.id, scene, _files_path(scene.scope(step).fill(project)))
                found[since] = changes(since, before, after)
    return found


def _programs(step: Step, scene: Scene, checks: Iterable[Check]) -> dict[str, ProgramRun]:
    return {program_key(check.argument): _run(step, scene, check) for check in checks if check.kind is CheckKind.PRINTS}


def _run(step: Step, scene: Scene, check: Check) -> ProgramRun:
    from harness.senses.programs import run_program
    from harness.senses.project_contents import fetch

    contents = fetch(scene.sends(step.id, Purpose.FILES), _files_path(check.argument["project"]))
    if contents.doubt:
        return ProgramRun(None, "", contents.doubt)
    redactor = scene.around.records.redactor
    with scene.around.interrupts.waiting():
        return run_program(
            scene.around.environ,
            contents.files,
            image=check.argument["image"],
            args=check.argument["args"],
            redact=lambda text: redactor.text(text, source=scene.source(step.id)),
        )


def _judgements(scene: Scene, checks: Iterable[Check], *, document: Mapping[str, Any]) -> dict[str, Judgement]:
    """Ask each question once, for the most votes that any check wants of it."""
    wanted: dict[str, Check] = {}
    for check in checks:
        if check.kind is CheckKind.JUDGE:
            first = wanted.setdefault(asked_key(check.argument), check)
            wanted[asked_key(check.argument)] = max(first, check, key=lambda each: each.argument["votes"])
    task = task_of(scene.ladder, scene.scenario) if wanted else ""
    found: dict[str, Judgement] = {}
    for key, check in wanted.items():
        if question := question_of(check.argument, document, task=task):
            found[key] = _opinion(scene, check, question)
    return found


def _opinion(scene: Scene, check: Check, question: Question) -> Judgement:
    from harness.config import Settings
    from harness.senses.model_judge import Means, ModelJudge, endpoint_of

    endpoint = endpoint_of(Settings.from_env(scene.around.environ), check.argument["model"])
    if isinstance(endpoint, str):
        return Judgement(error=endpoint)
    # Not under the scenario: what a model says about a subject is not what the subject says.
    means = Means(scene.around.records.redactor, f"judge/{scene.id}", scene.around.clock.monotonic)
    with ModelJudge(endpoint, means) as judge, scene.around.interrupts.waiting():
        judgement = judge.ask(question, check.argument["votes"])
    scene.remarks.append(f"{check.mark}: the opinion of a model, which is no cost of the subject: {spent(judgement)}")
    return judgement
