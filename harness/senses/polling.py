"""Waits for an answer: send, look, and again, until one is accepted, one stops the poll, or the deadline has passed.

The deadline is the contract and the number of attempts follows from it. Where the server can hold an answer back until
there is one (``Prefer: wait``, RFC 7240), it is asked to, and the answer is noticed as soon as it exists; where it
cannot, attempts are spaced by the pace of the ladder. What an answer means is decided in ``judging.readiness``. The
doubt: a server that does not say that it waits is taken to wait when it held the request for about that long.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

# Not late: the first poll of a climb would wait for it, and nothing but a climb loads this module.
from tenacity import Retrying, retry_if_result

from harness.judging.freshness import Age
from harness.judging.readiness import State, look
from harness.judging.verdict import Verdict
from harness.senses.pace import next_wait

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from tenacity import RetryCallState

    from harness.judging.observation import Exchange
    from harness.judging.readiness import Conditions, Look
    from harness.judging.results import CheckResult
    from harness.senses.calls import Call, Send

LONGEST_HOLD_S: Final = 60
"""The longest wait that the contract allows to be asked for."""

ANSWER_MARGIN_S: Final = 1.0
"""Left of the request's time for the answer itself, after the server has waited."""

HELD_SHARE: Final = 0.9
"""A request that took this share of the asked wait was held back, whether the answer says so or not."""

LAST_LOOK_S: Final = 0.5
"""When the next attempt would come after the deadline, one is made this long before it instead."""

SHORTEST_TRY_S: Final = 0.05


class End(StrEnum):
    """How a poll ended."""

    READY = "ready"
    STOPPED = "stopped"
    DEADLINE = "deadline"
    UNREACHABLE = "unreachable"


_VERDICTS: Final = {
    End.STOPPED: Verdict.FAIL,
    End.DEADLINE: Verdict.INCONCLUSIVE,
    End.UNREACHABLE: Verdict.ERROR,
}


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt, as it is recorded.

    Attributes:
        number: Counted from 1.
        t: Seconds from the beginning of the poll to the end of the attempt.
        sha256: Of the redacted body.
        why_not_ready: Empty for the accepted one.
        duration_s: From connecting to the last byte.
        error: Class of the transport's failure; empty when an answer came.
    """

    number: int
    t: float
    status: int | None
    bytes: int
    sha256: str
    why_not_ready: str
    duration_s: float = 0.0
    error: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a poll is waiting for right now, to be shown.

    Attributes:
        attempt: The one under way, or the last.
        next_wait_s: Until the next attempt; 0 while one is under way.
        held_s: How long the server was asked to hold the attempt under way.
        left_s: Until the deadline.
        why: Why the last attempt was not accepted.
    """

    attempt: int
    next_wait_s: float
    held_s: int
    left_s: float
    why: str


@dataclass(frozen=True, slots=True)
class Polled:
    """What a poll came to.

    Attributes:
        exchange: The accepted answer, or the last.
        doc: Its unwrapped document.
        age: Of the accepted document; ``None`` when nobody asked, or none was accepted.
        why: Why it was not accepted, or why it is only ``DIFFERENT``.
        stopped_by: The condition that held, or the redirect.
    """

    end: End
    exchange: Exchange
    doc: Any
    attempts: int
    age: Age | None = None
    why: str = ""
    stopped_by: CheckResult | None = None

    @property
    def verdict(self) -> Verdict:
        """The poll's share in the step's verdict; PASS and LIMITED leave it to the checks."""
        if self.end is End.READY:
            return Verdict.LIMITED if self.age is Age.DIFFERENT else Verdict.PASS
        return _VERDICTS[self.end]


@dataclass(frozen=True, slots=True)
class PollSurroundings:
    """What a poll needs from outside.

    Attributes:
        send: See ``Client.exchange``.
        clock: Monotonic, in seconds.
        sleep: Takes seconds; may raise to end the poll, as Ctrl-C does.
        random: For the jitter.
        record: Gets each attempt when it is over.
        show: Gets the live state before each attempt and each wait.
    """

    send: Send
    clock: Callable[[], float]
    sleep: Callable[[float], None]
    random: Random
    record: Callable[[Attempt], None]
    show: Callable[[Waiting], None]


def poll(call: Call, conditions: Conditions, around: PollSurroundings) -> Polled:
    """Poll until an answer is accepted, a condition stops it, or the deadline has passed.

    Whatever ``send`` and ``sleep`` raise comes out, ``KeyboardInterrupt`` first of all.

    Args:
        call: The GET that is repeated.
        conditions: What is waited for.
        around: What it needs from outside.
    """
    course = _Course(call, conditions, around)
    retrying = Retrying(
        retry=retry_if_result(lambda found: found.state is State.NOT_YET),
        wait=course.wait,
        stop=course.is_over,
        sleep=course.sleep,
        retry_error_callback=lambda _state: None,
    )
    retrying(course.attempt)
    return course.polled()


class _Course:
    """One poll on its way."""

    def __init__(self, call: Call, conditions: Conditions, around: PollSurroundings) -> None:
        self._call, self._conditions, self._around = call, conditions, around
        self._begun = around.clock()
        self._number = 0
        self._answered = False
        # A step that states a preference of its own has it sent as it is.
        self._offers = not any(name.lower() == "prefer" for name in call.request.headers)
        self._held_s = 0
        self._exchange: Exchange
        self._look: Look

    def attempt(self) -> Look:
        """Send once and look."""
        why = self._look.why if self._number else ""
        self._number += 1
        self._exchange = self._send(why)
        self._look = found = look(self._exchange, self._conditions)
        self._answered |= self._exchange.answered
        self._around.record(
            Attempt(
                number=self._number,
                t=round(self._around.clock() - self._begun, 6),
                status=self._exchange.status,
                bytes=self._exchange.bytes,
                sha256=self._exchange.sha256,
                why_not_ready="" if found.state is State.READY else found.why,
                duration_s=self._exchange.duration_s,
                error=self._exchange.error,
            )
        )
        return found

    def _send(self, why: str) -> Exchange:
        request, left = self._call.request, self._left()
        # One attempt is made whatever the deadline, so that there is always an answer to show.
        bound = min(request.timeout_s, max(left, SHORTEST_TRY_S))
        self._held_s = max(0, int(min(bound - ANSWER_MARGIN_S, LONGEST_HOLD_S))) if self._offers else 0
        if self._held_s:
            request = replace(request, headers={**request.headers, "prefer": f"wait={self._held_s}"})
        self._around.show(Waiting(self._number, 0.0, self._held_s, left, why))
        exchange = self._around.send(replace(self._call, request=replace(request, timeout_s=bound)))
        self._offers = self._offers and _may_be_offered_again(exchange, self._held_s)
        return exchange

    def _left(self) -> float:
        return max(0.0, self._begun + self._conditions.poll.deadline_s - self._around.clock())

    def wait(self, _state: RetryCallState) -> float:
        """Seconds until the next attempt; beyond the deadline when there will be none."""
        planned = next_wait(self._conditions.poll.pace, self._number - 1, self._around.random)
        if self._offers and self._held_s and self._exchange.answered:
            # The server has done the waiting. One that answers at once all the same is not asked without end.
            planned = max(0.0, planned - self._exchange.duration_s)
        left = self._left()
        return left - LAST_LOOK_S if planned >= left > LAST_LOOK_S else planned

    def is_over(self, state: RetryCallState) -> bool:
        """Whether the deadline comes before the next attempt."""
        return state.upcoming_sleep >= self._left()

    def sleep(self, seconds: float) -> None:
        """Wait, and say so."""
        if seconds > 0:
            self._around.show(Waiting(self._number, seconds, 0, self._left(), self._look.why))
            self._around.sleep(seconds)

    def polled(self) -> Polled:
        """What it came to."""
        found, end, why = self._look, End.READY, self._look.why
        if found.state is State.STOPPED:
            end = End.STOPPED
        elif found.state is State.NOT_YET:
            end = End.DEADLINE if self._answered else End.UNREACHABLE
            why = f"the deadline of {self._conditions.poll.deadline_s:g} s passed; at last: {why}"
        return Polled(end, self._exchange, found.doc, self._number, age=found.age, why=why, stopped_by=found.stopped_by)


def _may_be_offered_again(exchange: Exchange, held_s: int) -> bool:
    """Whether the server waits, as far as one answer tells; no answer tells nothing, unless waiting was the reason."""
    if not held_s:
        return True
    if not exchange.answered:
        return exchange.error != "ReadTimeout"
    # Servers leave the header out of an error's answer, and "not there yet" is one.
    said = "wait" in exchange.headers.get("preference-applied", "").lower()
    return said or exchange.duration_s >= HELD_SHARE * held_s
