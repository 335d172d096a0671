"""What a step leaves for later: captures, artifacts, copies, and the output of containers.

What was answered is kept whether the checks held or not, because a red step is the one that somebody will look at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.evidence.events import Captured
from harness.evidence.layout import scenario_folder, trial_folder
from harness.judging.documents import view
from harness.judging.results import CheckResult, Outcome
from harness.judging.verdict import Verdict
from harness.language.expressions import search
from harness.language.model import Severity
from harness.language.saving import saved_text
from harness.language.variables import UnknownVariableError
from harness.runner.ends import StepEnd

if TYPE_CHECKING:
    from harness.language.model import Copy, Step, WorkerLogs
    from harness.runner.scene import Scene
    from harness.runner.sending import Seen


def take_over(step: Step, scene: Scene, copied: Copy) -> StepEnd:
    """Copy artifacts of an earlier scenario, of this run or of those whose captures are reused."""
    for name in copied.files:
        text = _earlier_artifact(scene, f"{_folder_of(scene, copied.scenario)}/{name}")
        if text is None:
            reason = f"{copied.scenario} has left no {name} that could be copied"
            return StepEnd(Verdict.FAIL, reason=reason)
        scene.log.save(step.id, name, text, derived_from=copied.scenario)
    return StepEnd(Verdict.PASS)


def _folder_of(scene: Scene, scenario: str) -> str:
    """Where a scenario of the same part has left its artifacts; of several trials the last counts."""
    part = scene.log.folder.rpartition("/")[0]
    if scene.scenario.trials > 1:
        part = part.split("/", 2)[2]
    trials = scene.ladder.scenario(scenario).trials
    return scenario_folder(part, scenario, trial=trial_folder(trials - 1) if trials > 1 else "")


def _earlier_artifact(scene: Scene, path: str) -> str | None:
    records = scene.around.records
    if path in records.staging.written:
        return records.staging.files.read(path).decode("utf-8", "replace")
    earlier = next((run / path for run in records.earlier if (run / path).is_file()), None)
    return earlier.read_text(encoding="utf-8") if earlier else None


def collect_logs(step: Step, scene: Scene, logs: WorkerLogs) -> StepEnd:
    """Save what the containers with a label have printed, as far as the engine still has it."""
    from harness.senses.engine import DockerEngine, EngineLostError
    from harness.senses.worker_logs import collect

    label = str(scene.scope(step).fill(logs.label))
    try:
        engine = DockerEngine.connect(scene.around.environ)
    except EngineLostError as error:
        scene.log.save(step.id, logs.artifact, f"the engine could not be asked for the output of {label}: {error}\n")
        return StepEnd(Verdict.PASS)
    try:
        scene.log.save(step.id, logs.artifact, collect(engine, label, _Observed(step, scene)))
    finally:
        engine.close()
    return StepEnd(Verdict.PASS)


class _Observed:
    """Redacts what is observed in a step, and counts it there."""

    def __init__(self, step: Step, scene: Scene) -> None:
        self._redactor, self._source = scene.around.records.redactor, scene.source(step.id)

    def text(self, text: str, *, source: str = "") -> str:  # noqa: ARG002  # the step's own, whatever is named
        return self._redactor.text(text, source=self._source)

    def json(self, document: str, *, source: str = "") -> str:  # noqa: ARG002  # likewise
        return self._redactor.json(document, source=self._source)


def capture(step: Step, scene: Scene, seen: Seen) -> list[CheckResult]:
    """Keep what later steps need; returns the captures that are null, which are missed."""
    if not seen.exchange.answered:
        return []
    missed: list[CheckResult] = []
    for name, expression in step.capture.items():
        value = search(expression, view(seen.exchange, seen.doc))
        if value is None:
            text = f"capture {name}: {expression}"
            missed.append(
                CheckResult(text, step.mark, Severity.FAIL, Outcome.MISSED, f"capture {name}", expression, "null")
            )
        else:
            scene.captures[name] = value
            scene.log.event(Captured(scene.id, step.id, name, value))
    return missed


def save(step: Step, scene: Scene, seen: Seen) -> None:
    """Write the artifacts of a step."""
    if not seen.exchange.answered:
        return
    document, scope = view(seen.exchange, seen.doc), scene.scope(step)
    for name, value in step.save.items():
        try:
            text = saved_text(name, value, document=document, scope=scope)
        except UnknownVariableError:
            # Its capture was null, which has been missed already.
            continue
        if text is not None:
            scene.log.save(step.id, name, text)
