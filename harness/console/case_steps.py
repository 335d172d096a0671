"""The steps of a scenario: what each sent and got, and of a poll every attempt and why it was not ready."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.evidence.events import (
    CheckJudged,
    ExchangeMade,
    PollAttempted,
    ScenarioEnded,
    StepEnded,
    StepSkipped,
    StepStarted,
)
from harness.evidence.records import to_document

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.evidence.event_lines import Entry

    Step = dict[str, Any]


def steps_of(entries: Iterable[Entry]) -> list[Step]:
    """Every step in order; what was looked at between two of them belongs to none and is in the table of requests."""
    steps: list[Step] = []
    for entry in entries:
        match entry.event:
            case StepStarted() as started:
                steps.append(_step(started, entry))
            case StepSkipped() as skipped:
                steps.append({**_empty(skipped.step), "skipped": skipped.why, "at": entry.at})
            case ScenarioEnded():
                break
            case event if steps and getattr(event, "step", None) == steps[-1]["step"]:
                _add(steps[-1], entry)
            case _:
                pass
    return steps


def _empty(name: str) -> Step:
    return {
        "step": name,
        "action": "",
        "place": "",
        "teardown": False,
        "skipped": "",
        "verdict": None,
        "duration_s": None,
        "reason": "",
        "exchanges": [],
        "attempts": [],
        "checks": {"held": 0, "missed": 0, "undecided": 0},
    }


def _step(started: StepStarted, entry: Entry) -> Step:
    known = {"action": started.action, "place": started.place, "teardown": started.is_teardown, "at": entry.at}
    return {**_empty(started.step), **known}


def _add(step: Step, entry: Entry) -> None:
    match entry.event:
        case ExchangeMade() as made:
            step["exchanges"].append(_exchange(made, entry.seq))
        case PollAttempted() as attempted:
            step["attempts"].append(to_document(attempted))
        case CheckJudged() as judged:
            step["checks"][judged.result.outcome.value] += 1
        case StepEnded() as ended:
            step |= {"verdict": ended.verdict.value, "duration_s": ended.duration_s, "reason": ended.reason}
        case _:
            pass


def _exchange(made: ExchangeMade, seq: int) -> Step:
    sent, answer = made.sent, made.answer
    return {
        "event": seq,
        "purpose": made.purpose.value,
        "method": sent.method,
        "path": sent.path,
        "request_headers": dict(sent.headers),
        "request": sent.text,
        "status": answer.status,
        "response_headers": dict(answer.headers),
        "response": answer.text,
        "bytes": answer.bytes,
        "sha256": answer.sha256,
        "cut_from": answer.cut_from,
        "duration_s": answer.duration_s,
        "error": answer.error,
    }
