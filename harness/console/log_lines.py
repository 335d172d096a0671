"""What is told of a run while it runs: the beginning of each step, attempts, checks and verdicts, as short lines.

Each line has the number that its event has in the log, so that a reader who was away goes on where it stopped.
"""

from __future__ import annotations

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
from harness.reporting.words import took

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.console.rendering import Json
    from harness.evidence.event_lines import Entry

    Words = tuple[str, str, str]
    """Kind, text, and the word that stands beside it."""

LONGEST: Final = 300


def line_of(entry: Entry) -> Json | None:
    """One line; ``None`` for what nobody follows live."""
    spell = _SPELT.get(type(entry.event))
    if spell is None:
        return None
    kind, text, word = spell(entry.event)
    return told_line(str(entry.seq), kind, text, when=entry.at[11:19], word=word)


def told_line(name: str, kind: str, text: str, *, when: str = "", word: str = "") -> Json:
    """A line; ``name`` is the id that a stream resumes after."""
    return {
        "id": name,
        "kind": kind,
        "when": when,
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
