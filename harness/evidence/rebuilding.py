"""Observations from events: what the checks of each step looked at, put together again so that they can be judged anew.

It judges nothing. Where a body was too long to be kept, the observation says that it is not whole.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.evidence.events import ExchangeMade, StepObserved
from harness.evidence.exchanges import unless_same
from harness.evidence.faults import EvidenceError
from harness.judging.observation import Observation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from harness.evidence.event_lines import Entry
    from harness.evidence.exchanges import Answer


@dataclass(frozen=True, slots=True)
class Seen:
    """What one step's checks looked at.

    Attributes:
        is_whole: False when the body was cut, so that only status, headers and times can be judged again.
    """

    scenario: str
    step: str
    observation: Observation
    is_whole: bool


def observed(scenario: str, step: str, *, exchange: int, observation: Observation) -> StepObserved:
    """The event for an observation whose exchange was recorded as line ``exchange``."""
    return StepObserved(
        scenario=scenario,
        step=step,
        exchange=exchange,
        doc_json=unless_same(observation.doc, observation.exchange.body),
        files=observation.files,
        witness=observation.witness,
        secret_hits=observation.secret_hits,
        schemas=observation.schemas,
        programs=observation.programs,
        judgements=observation.judgements,
    )


def observations(entries: Iterable[Entry]) -> Iterator[Seen]:
    """Every observation of a log, in order.

    Raises:
        EvidenceError: ``events-incomplete``; an observation refers to an exchange that is not among the earlier lines.
    """
    answers: dict[int, Answer] = {}
    for entry in entries:
        if isinstance(entry.event, ExchangeMade):
            answers[entry.seq] = entry.event.answer
        elif isinstance(entry.event, StepObserved):
            yield _seen(entry.seq, entry.event, answers)


def _seen(seq: int, event: StepObserved, answers: dict[int, Answer]) -> Seen:
    answer = answers.get(event.exchange)
    if answer is None:
        message = f"event {seq} looked at exchange {event.exchange}, which is not in the log before it"
        raise EvidenceError("events-incomplete", message, "judge another run again; this one lost evidence")
    exchange = answer.exchange()
    doc: Any = exchange.body if event.doc_json is None else json.loads(event.doc_json)
    observation = Observation(
        exchange=exchange,
        doc=doc,
        files=event.files,
        witness=event.witness,
        secret_hits=event.secret_hits,
        schemas=event.schemas,
        programs=event.programs,
        judgements=event.judgements,
    )
    return Seen(event.scenario, event.step, observation, answer.is_whole)
