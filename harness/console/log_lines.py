"""What is told of a run while it runs: the beginning of each step, attempts, checks and verdicts, as short lines.

Each line has the number that its event has in its log, and of several trials that of the trial before it, so that no
line is taken for another.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from harness.console.rendering import mark_of_word, state_of_word
from harness.evidence.events import (
    CheckJudged,
    ClimbStarted,
    PollAttempted,
    RunEnded,
    ScenarioEnded,
    ScenarioStarted,
    StepStarted,
)
from harness.evidence.printable import one_line, shortened
from harness.evidence.timestamps import timestamp
from harness.evidence.trial_records import RUNNING
from harness.reporting.words import took

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.console.rendering import Json
    from harness.evidence.event_lines import Entry
    from harness.evidence.trial_records import TrialRecord

    Words = tuple[str, str, str]
    """Kind, text, and the word that stands beside it."""

LONGEST: Final = 300
LONGEST_WORD: Final = 40


def line_of(entry: Entry) -> Json | None:
    """One line; ``None`` for what nobody follows live."""
    spell = _SPELT.get(type(entry.event))
    if spell is None:
        return None
    kind, text, word = spell(entry.event)
    return told_line(str(entry.seq), kind, text, at=entry.at, word=word)


def of_trial(line: Json, trial: int) -> Json:
    """A line of the log of one of several trials."""
    return {**line, "id": f"{trial}:{line['id']}", "trial": trial, "text": f"trial {trial}: {line['text']}"}


def trial_line(trial: int, record: TrialRecord, why: str = "") -> Json:
    """The end of one of several trials; ``why`` says that its log could not be told to the end."""
    is_open = record.status == RUNNING
    source = f" of run {record.run_id}" if record.run_id else ""
    took_s = "" if is_open else f" after {took(record.duration_s)}"
    broken = f": {record.error}" if record.error else ""
    lost = f"; its log cannot be read on: {why}" if why else ""
    said = "did not end" if is_open else "ended"
    text = f"trial {trial}{source} {said}{took_s}{broken}{lost}"
    word = "" if is_open else shortened(one_line(record.status), LONGEST_WORD)
    line = told_line(f"{trial}:end", "trial", text, at=_ended_at(record), word=word)
    return {**line, "trial": trial}


def _ended_at(record: TrialRecord) -> str:
    try:
        return timestamp(datetime.fromisoformat(record.started_at) + timedelta(seconds=record.duration_s))
    except (ValueError, OverflowError):
        return ""


def told_line(name: str, kind: str, text: str, *, at: str = "", word: str = "") -> Json:
    """A line; ``name`` tells it from all others of the run."""
    return {
        "id": name,
        "kind": kind,
        "trial": None,
        "at": shortened(at, LONGEST_WORD),
        "when": at[11:19],
        "text": shortened(one_line(text), LONGEST),
        "word": word,
        "mark": mark_of_word(word) if word else "",
        "state": state_of_word(word),
    }


def _climb(climb: ClimbStarted) -> Words:
    return "step", f"{climb.part}: {climb.ladder} begins, {len(climb.scenarios)} scenarios", ""


def _scenario(begun: ScenarioStarted) -> Words:
    return "step", f"{begun.scenario} {begun.title}", ""


def _step(step: StepStarted) -> Words:
    return "step", f"{step.scenario} step {step.step} ({step.action})", ""


def _attempt(tried: PollAttempted) -> Words:
    answer = f"HTTP {tried.status}" if tried.status is not None else f"no answer, {tried.error}"
    waits = f", next in {took(tried.next_wait_s)}" if tried.next_wait_s is not None else ""
    why = tried.why_not_ready or "ready"
    return "attempt", f"{tried.scenario} {tried.step} attempt {tried.attempt}: {answer}, {why}{waits}", ""


def _check(judged: CheckJudged) -> Words:
    told = judged.result
    where = " ".join(each for each in (judged.scenario, judged.step, told.path) if each)
    text = f"{where}: wanted {told.wanted}, got {told.got}"
    return "check", text, told.outcome.value


def _verdict(ended: ScenarioEnded) -> Words:
    reason = f": {ended.reason}" if ended.reason else ""
    return "verdict", f"{ended.scenario} ended{reason}", ended.verdict.value


def _end(over: RunEnded) -> Words:
    return "verdict", f"the run is {over.status}", over.verdict.value if over.verdict else ""


_SPELT: Final[Mapping[type, Callable[[Any], Words]]] = {
    ClimbStarted: _climb,
    ScenarioStarted: _scenario,
    StepStarted: _step,
    PollAttempted: _attempt,
    CheckJudged: _check,
    ScenarioEnded: _verdict,
    RunEnded: _end,
}
