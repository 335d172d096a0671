"""How the request of a step is sent, once or until it is ready, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from harness.evidence.events import PollAttempted
from harness.evidence.exchanges import Purpose
from harness.judging.readiness import Conditions
from harness.judging.verdict import Verdict
from harness.language.model import Request
from harness.language.variables import fill_check
from harness.runner.looks import wanted_age
from harness.senses.calls import Call
from harness.senses.polling import End, PollSurroundings, poll

if TYPE_CHECKING:
    from harness.judging.observation import Exchange
    from harness.language.model import Poll, Step
    from harness.runner.scene import Scene
    from harness.senses.polling import Attempt

_RESULT_WORDS: Final = ("success", "error")


@dataclass(frozen=True, slots=True)
class Seen:
    """An answer that may be judged, or the end of a poll that brought none.

    Attributes:
        exchange: The answer; of a poll the accepted one, or the last.
        doc: The unwrapped document.
        event: Number of the exchange among the events.
        verdict: What waiting adds to the verdict.
        why: Why it is not accepted, or only with a limitation.
    """

    exchange: Exchange
    doc: Any
    event: int
    verdict: Verdict = Verdict.PASS
    why: str = ""

    @property
    def is_accepted(self) -> bool:
        """Whether there is something to judge."""
        return self.verdict in {Verdict.PASS, Verdict.LIMITED}


def request_of(step: Step) -> Request:
    """The request of a step that has one."""
    if not isinstance(step.action, Request):
        msg = "only a request is sent"
        raise TypeError(msg)
    return step.action


def _call(step: Step, scene: Scene) -> Call:
    request, fill = request_of(step), scene.scope(step).fill
    filled = replace(
        request,
        path=str(fill(request.path)),
        json=fill(request.json),
        headers={name: str(fill(value)) for name, value in request.headers.items()},
    )
    return Call(filled, source=scene.source(step.id))


def send(step: Step, scene: Scene, purpose: Purpose) -> Seen:
    """Send once."""
    call = _call(step, scene)
    exchange = scene.send(call)
    return Seen(exchange, exchange.body, scene.record(step.id, purpose, call, exchange=exchange))


def wait(step: Step, scene: Scene) -> Seen:
    """Poll until the answer is ready, a condition stops it, or the deadline has passed."""
    call, waited = _call(step, scene), _filled_poll(step, scene)
    polled = poll(
        call,
        Conditions(waited, wanted_age(step, scene, waited), step.mark),
        PollSurroundings(
            send=scene.send,
            clock=scene.around.clock.monotonic,
            sleep=scene.around.sleep,
            random=scene.around.random,
            record=lambda attempt: _record_attempt(step, scene, attempt),
            show=scene.around.watcher.waiting,
        ),
    )
    event = scene.record(step.id, Purpose.POLL, call, exchange=polled.exchange)
    if isinstance(polled.doc, dict) and polled.doc.get("status") in _RESULT_WORDS and polled.end is End.READY:
        scene.result_status = polled.doc["status"]
    return Seen(polled.exchange, polled.doc, event, polled.verdict, polled.why)


def _filled_poll(step: Step, scene: Scene) -> Poll:
    scope, wanted = scene.scope(step), step.poll
    if wanted is None:
        msg = "only a poll waits"
        raise TypeError(msg)
    fresh = wanted.fresh_after
    return replace(
        wanted,
        until=tuple(fill_check(check, scope) for check in wanted.until),
        stop_if=tuple(fill_check(check, scope) for check in wanted.stop_if),
        fresh_after=replace(fresh, job_id=str(scope.fill(fresh.job_id))) if fresh else None,
    )


def _record_attempt(step: Step, scene: Scene, attempt: Attempt) -> None:
    scene.log.event(
        PollAttempted(
            scene.id,
            step.id,
            attempt.number,
            attempt.status,
            attempt.bytes,
            attempt.sha256,
            attempt.why_not_ready,
            span_id=scene.sending.span_id,
            began_t=scene.sending.began_t,
            duration_s=attempt.duration_s,
            error=attempt.error,
        )
    )
