"""One step: look, send or wait, judge, capture, save, in that order.

Checks are judged before the step's own captures exist, which ``save`` may use. Of a poll that was never ready nothing
is judged or saved, since its last answer is no result. A step that ends in an error of ours says so and is no FAIL.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError
from harness.evidence.events import CheckJudged, StepEnded, StepStarted
from harness.evidence.exchanges import Purpose
from harness.evidence.faults import UnwritableError
from harness.evidence.rebuilding import observed
from harness.ids import new_span_id
from harness.judging.checks import evaluate, implied, step_verdict
from harness.judging.liveness import LiveJob, ran_live
from harness.judging.results import CheckResult, Outcome
from harness.judging.verdict import Verdict, fold
from harness.language.model import Copy, Link, Request, Severity, WorkerLogs
from harness.language.variables import fill_check
from harness.runner.ends import StepEnd
from harness.runner.keeping import capture, collect_logs, save, take_over
from harness.runner.looks import ASKS_THE_ENGINE, every, is_work, look_before, observe
from harness.runner.sending import request_of, send, wait
from harness.senses.links import make_link

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.judging.observation import Observation
    from harness.language.model import Check, Step
    from harness.runner.scene import Scene
    from harness.runner.sending import Seen


def word_of(step: Step) -> str:
    """What a step does, as events and the terminal name it."""
    if isinstance(step.action, Request):
        return "poll" if step.poll else "request"
    return "copy" if isinstance(step.action, Copy) else "worker_logs"


def carry_out(step: Step, scene: Scene, *, purpose: Purpose = Purpose.STEP) -> StepEnd:
    """Carry out one step and record it.

    Args:
        step: As the ladder has it.
        scene: The scenario.
        purpose: ``COLLECT`` after the verdict, for what is collected or cleaned up.

    Raises:
        UnknownVariableError: A variable was never captured, and nothing was sent.
        UnwritableError: Evidence cannot be written.
    """
    is_teardown = purpose is Purpose.COLLECT
    scene.log.event(StepStarted(scene.id, step.id, word_of(step), str(step.mark), new_span_id(), is_teardown))
    scene.around.watcher.step_started(step.id, word_of(step))
    begun = scene.around.clock.monotonic()
    try:
        end = _act(step, scene, purpose)
    except UnwritableError:
        raise
    except HarnessError as error:
        end = StepEnd(Verdict.ERROR, reason=f"[{error.reference}] {error.message}")
    took = round(scene.around.clock.monotonic() - begun, 6)
    scene.log.event(StepEnded(scene.id, step.id, end.verdict, took, end.reason))
    return end


def _act(step: Step, scene: Scene, purpose: Purpose) -> StepEnd:
    if isinstance(step.action, Copy):
        return take_over(step, scene, step.action)
    if isinstance(step.action, WorkerLogs):
        return collect_logs(step, scene, step.action)
    return _ask(step, scene, purpose)


def _ask(step: Step, scene: Scene, purpose: Purpose) -> StepEnd:
    # Before anything is sent, so that a step which lacks a variable can be skipped whole.
    checks = [fill_check(check, scene.scope(step)) for check in step.expect]
    look_before(step, scene)
    hindrance = _prepare(step.given, step, scene)
    seen = wait(step, scene) if step.poll else send(step, scene, purpose)
    if not seen.is_accepted:
        return StepEnd(seen.verdict, reason=seen.why)
    judged = _judged(step, scene, checks, seen=seen)
    results = [_softened(result, check, scene, hindrance=hindrance) for check, result in judged]
    results += capture(step, scene, seen)
    for result in results:
        scene.log.event(CheckJudged(scene.id, step.id, result))
    save(step, scene, seen)
    if not seen.exchange.answered:
        reason = f"no answer to {request_of(step).method} {request_of(step).path}: {seen.exchange.error}"
        return StepEnd(Verdict.ERROR, reason=reason)
    verdict = fold([seen.verdict, step_verdict(seen.exchange, results)])
    return StepEnd(verdict, tuple(results), seen.why)


def _prepare(given: Link | None, step: Step, scene: Scene) -> str:
    """Make what the step wants to be there; returns why it could not be made."""
    if given is None:
        return ""
    fill = scene.scope(step).fill
    link = Link(str(fill(given.project)), str(fill(given.path)), str(fill(given.target)))
    hindrance = make_link(scene.around.subject.workspaces, link)
    if hindrance:
        scene.remarks.append(f"{step.mark}: the link was not made, so its checks are limitations: {hindrance}")
    return hindrance


def _judged(
    step: Step, scene: Scene, checks: Sequence[Check], *, seen: Seen
) -> Iterator[tuple[Check | None, CheckResult]]:
    observation = observe(step, scene, checks, seen=seen.exchange, doc=seen.doc)
    live = list(_proof_of_life(step, scene, observation))
    scene.log.event(observed(scene.id, step.id, exchange=seen.event, observation=observation))
    yield from ((None, result) for result in implied(seen.exchange, checks, step.mark))
    yield from ((check, evaluate(check, observation)) for check in checks)
    yield from ((None, result) for result in live)


def _proof_of_life(step: Step, scene: Scene, observation: Observation) -> Iterator[CheckResult]:
    """In a live ladder a worker's result counts only if the engine saw a container that can have made it."""
    fresh = step.poll.fresh_after if step.poll else None
    if fresh is None or not is_work(step, scene) or _tells_a_failure(observation.doc):
        return
    # The job that was waited for, since a document need not name it.
    job_id = str(scene.scope(step).fill(fresh.job_id))
    yield ran_live(LiveJob(job_id, scene.around.subject.worker_image, observation.doc), observation.witness, step.mark)


def _tells_a_failure(doc: Any) -> bool:  # noqa: ANN401  # JSON values
    """Whether the backend wrote it because no worker could; a success is nobody's to claim without a container."""
    return isinstance(doc, dict) and doc.get("written_by") == "backend" and doc.get("status") == "error"


def _softened(result: CheckResult, check: Check | None, scene: Scene, *, hindrance: str) -> CheckResult:
    """A miss is a limitation where the judge, not the subject, is the reason; ``check`` is none for an implied one."""
    if result.outcome is Outcome.HELD or result.severity is not Severity.FAIL:
        return result
    asks_engine = check is None or any(each.kind in ASKS_THE_ENGINE for each in every([check]))
    is_blind = asks_engine and result.outcome is Outcome.UNDECIDED and not scene.around.is_witness_needed
    return replace(result, severity=Severity.LIMITATION) if hindrance or is_blind else result
