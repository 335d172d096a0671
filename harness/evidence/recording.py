"""How much of a run is kept: everything, or its skeleton. It stands before the one place where bytes leave.

One ``Recording`` belongs to one journal, because a captured value is kept when the observation that it was taken from
keeps it. It takes events, artifacts, ladders and whatever else of them is written elsewhere; what the redactor takes
out is another matter, and comes after.
"""

from __future__ import annotations

import json
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from harness.evidence import skeleton as bones
from harness.evidence.documents import pretty
from harness.evidence.events import (
    Captured,
    CheckJudged,
    ExchangeMade,
    PollAttempted,
    ScenarioEnded,
    StepEnded,
    StepObserved,
    StepSkipped,
)
from harness.evidence.ladder_skeleton import without_instructions, without_texts
from harness.evidence.layout import DB_WRITES, EXECUTION_TRACE, NOTES
from harness.judging.needs import EXCLUDED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.evidence.events import Event
    from harness.judging.results import CheckResult


class Mode(StrEnum):
    """How much is kept."""

    FULL = "full"
    METADATA_ONLY = "metadata_only"


_VIEWS: Final = (EXECUTION_TRACE, DB_WRITES)
"""Artifacts that are made from a trace, which holds no contents."""


class Recording:
    """Lets through what a mode keeps; in the mode ``full`` everything, as it is."""

    def __init__(self, mode: Mode) -> None:
        self.mode = mode
        self._seen: set[str] = set()
        self._captured: dict[tuple[str, str], Any] = {}

    @property
    def keeps_contents(self) -> bool:
        """Whether nothing is taken out."""
        return self.mode is Mode.FULL

    def event(self, event: Event) -> Event:
        """An event as it is kept; for ``Journal(transform=…)``."""
        if self.keeps_contents:
            return event
        match event:
            case ExchangeMade():
                return self._exchange(event)
            case StepObserved():
                return self._observed(event)
            case Captured():
                return replace(event, value=self._capture(event))
            case _:
                return _told(event)

    def _exchange(self, event: ExchangeMade) -> ExchangeMade:
        kept = replace(event, sent=bones.sent(event.sent), answer=bones.answer(event.answer))
        self._seen = _spelt(kept.answer.body_json)
        return kept

    def _observed(self, event: StepObserved) -> StepObserved:
        doc_json = None if event.doc_json is None else bones.skeleton_json(event.doc_json)
        self._seen |= _spelt(doc_json)
        return replace(
            event,
            doc_json=doc_json,
            files={since: bones.changes(each) for since, each in event.files.items()},
            programs={key: bones.program(each) for key, each in event.programs.items()},
            judgements={key: bones.judgement(each) for key, each in event.judgements.items()},
        )

    def _capture(self, event: Captured) -> Any:  # noqa: ANN401  # JSON values
        """A captured value, when it is an id, or when the observation that it comes from keeps all of it."""
        parts = list(bones.leaves(event.value))
        is_kept = all(part is None or bones.is_id(part) or json.dumps(part) in self._seen for part in parts)
        value = event.value if is_kept else EXCLUDED
        self._captured[event.scenario, event.name] = value
        return value

    def captures(self, captures: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Mapping[str, Any]]:
        """Captured values by scenario, as their events keep them; for ``state.json``."""
        if self.keeps_contents:
            return captures
        return {
            scenario: {name: self._known(scenario, name, value) for name, value in values.items()}
            for scenario, values in captures.items()
        }

    def _known(self, scenario: str, name: str, value: Any) -> Any:  # noqa: ANN401  # JSON values
        return self._captured.get((scenario, name), value if bones.is_id(value) else EXCLUDED)

    def result(self, result: CheckResult) -> CheckResult:
        """A result as its event keeps it."""
        return result if self.keeps_contents else bones.result(result)

    def line(self, text: str) -> str:
        """A reason, or a line about a check, as events keep it."""
        return text if self.keeps_contents else bones.reason(text)

    def ladder(self, text: str) -> str:
        """The text of a ladder, for its copy in the bundle."""
        return text if self.keeps_contents else without_instructions(text)

    def variables(self, variables: Mapping[str, Any], text: str) -> Mapping[str, Any]:
        """Variables of a ladder, filled in, for the record of the run; ``text`` is that of the ladder."""
        return variables if self.keeps_contents else without_texts(variables, text)

    def artifact(self, name: str, text: str) -> str:
        """The text of an artifact.

        Args:
            name: Of its file; what is ``.json`` keeps its shape, notes keep their lines.
            text: As it would be saved.
        """
        if self.keeps_contents or not text or name.endswith(_VIEWS):
            return text
        if name.rpartition("/")[2] == NOTES:
            return "".join(f"{bones.reason(line)}\n" for line in text.splitlines())
        if name.endswith(".json"):
            return _pretty_skeleton(text)
        word = text.strip()
        return text if bones.is_id(word) or (word.isascii() and word.isdigit()) else f"{EXCLUDED}\n"


def _told(event: Event) -> Event:
    """An event of which only a reason, or a result, may quote contents."""
    match event:
        case CheckJudged():
            return replace(event, result=bones.result(event.result))
        case StepEnded() | ScenarioEnded():
            return replace(event, reason=bones.reason(event.reason))
        case StepSkipped():
            return replace(event, why=bones.reason(event.why))
        case PollAttempted():
            return replace(event, why_not_ready=bones.reason(event.why_not_ready))
        case _:
            return event


def _pretty_skeleton(text: str) -> str:
    found = json.loads(bones.skeleton_json(text))
    return pretty(found) if isinstance(found, dict) else json.dumps(found, indent=2) + "\n"


def _spelt(document: str | None) -> set[str]:
    """Every value that a skeleton kept, spelt."""
    kept = bones.leaves(json.loads(document)) if document else ()
    return {json.dumps(each) for each in kept if each is not None and each != EXCLUDED}
