"""What a scenario sent and got, from its events: every request for the list of calls, and the steps' own requests.

An attempt of a poll is recorded before it is known which of them is the last; the exchange that follows says with
which method and path all of them were sent, and is itself the last one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from harness.evidence.events import CheckJudged, ExchangeMade, PollAttempted, StepStarted
from harness.evidence.exchanges import MAX_TEXT_CHARS, Purpose
from harness.evidence.printable import shortened
from harness.traces.case_records import ApiCall, Assertion, ReceivedOutput, SentInput

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.evidence.event_lines import Entry

LONGEST_OUTPUT: Final = 2_000
"""Characters of an answer in a case; the whole of it is in ``events.jsonl``."""

STEPS: Final = frozenset({Purpose.STEP, Purpose.POLL})
"""What the ladder asks for; the others are looks of the judge's own."""

ITS_OWN: Final = frozenset({*STEPS, Purpose.COLLECT})

_ELSEWHERE: Final = frozenset({Purpose.TRACE, Purpose.READINESS})
"""Requests about the run and not the scenario; they are in the climb's trace."""


def exchanges_of(entries: Sequence[Entry]) -> Iterator[ExchangeMade]:
    """The requests of the scenario's own steps, in order."""
    made = (entry.event for entry in entries if isinstance(entry.event, ExchangeMade))
    return (event for event in made if event.purpose in ITS_OWN)


def inputs_of(entries: Sequence[Entry]) -> tuple[SentInput, ...]:
    """What the steps sent."""
    made = exchanges_of(entries)
    return tuple(
        SentInput(each.step, each.sent.method, each.sent.path, shortened(each.sent.text, MAX_TEXT_CHARS))
        for each in made
    )


def outputs_of(entries: Sequence[Entry]) -> tuple[ReceivedOutput, ...]:
    """What the steps got."""
    return tuple(_output(each) for each in exchanges_of(entries))


def _output(made: ExchangeMade) -> ReceivedOutput:
    answer = made.answer
    length = len(answer.text) if answer.cut_from is None else answer.cut_from
    return ReceivedOutput(made.step, answer.status, answer.text[:LONGEST_OUTPUT], length, answer.error)


def assertions_of(entries: Sequence[Entry]) -> tuple[Assertion, ...]:
    """What was asserted; a step after the verdict asserts nothing."""
    found: list[Assertion] = []
    is_teardown = False
    for entry in entries:
        match entry.event:
            case StepStarted() as started:
                is_teardown = started.is_teardown
            case CheckJudged() as judged if not (is_teardown and judged.step):
                found.append(_assertion(judged))
            case _:
                pass
    return tuple(found)


def _assertion(judged: CheckJudged) -> Assertion:
    found = judged.result
    return Assertion(
        step=judged.step,
        text=found.text,
        place=str(found.mark),
        severity=found.severity,
        outcome=found.outcome,
        path=found.path,
        wanted=found.wanted,
        got=found.got,
    )


def calls_of(entries: Sequence[Entry]) -> tuple[ApiCall, ...]:
    """Every request, in the order in which they ended."""
    found: list[ApiCall] = []
    attempts: list[tuple[int, PollAttempted]] = []
    for entry in entries:
        event = entry.event
        if isinstance(event, PollAttempted):
            attempts.append((entry.seq, event))
        elif isinstance(event, ExchangeMade) and event.purpose not in _ELSEWHERE:
            if event.purpose is Purpose.POLL:
                # The last attempt is the exchange itself.
                found += [_attempt(seq, each, event) for seq, each in attempts[:-1]]
                attempts = []
            found.append(_call(entry.seq, event))
    return (*found, *(_attempt(seq, each, None) for seq, each in attempts))


def _call(seq: int, made: ExchangeMade) -> ApiCall:
    return ApiCall(
        step=made.step,
        purpose=made.purpose,
        method=made.sent.method,
        path=made.sent.path,
        status=made.answer.status,
        duration_ms=_ms(made.answer.duration_s),
        span_id=made.span_id,
        event=seq,
        error=made.answer.error,
    )


def _attempt(seq: int, attempted: PollAttempted, made: ExchangeMade | None) -> ApiCall:
    """One attempt; of a poll that was cut short nobody knows what it asked."""
    return ApiCall(
        step=attempted.step,
        purpose=Purpose.POLL,
        method=made.sent.method if made else "",
        path=made.sent.path if made else "",
        status=attempted.status,
        duration_ms=_ms(attempted.duration_s),
        span_id=attempted.span_id,
        event=seq,
        error=attempted.error,
    )


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)
