"""Recorded answers, handed out to whoever asks the same again; and the nearest one when nobody asked that. Pure.

A request is the same when method, path with query, and body are; a JSON body by its value. The answers to one request
come in the order in which they were recorded, and the last one for ever. The doubt: of a poll only its last answer was
kept, so whoever polls again is ready at once.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any, Final

from harness.evidence.events import ExchangeMade
from harness.evidence.exchanges import Purpose, parsed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.evidence.exchanges import Answer
    from harness.replaying.played import PlayedScenario

_OF_THE_WIRE: Final = frozenset(
    {"connection", "content-encoding", "content-length", "date", "keep-alive", "server", "transfer-encoding", "upgrade"}
)
"""Headers that the server which answers now writes itself."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request.

    Attributes:
        body: The JSON value, or the text of what is no JSON; empty when there is none.
    """

    method: str
    path: str
    body: Any = ""

    @classmethod
    def of(cls, method: str, path: str, text: str) -> Asked:
        """Read a request."""
        value = parsed(text)
        return cls(method, path, text if value is None else value)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Served:
    """An answer as it is given again."""

    status: int
    headers: dict[str, str]
    text: str


@dataclass(frozen=True, slots=True)
class Missing:
    """Nobody asked that; ``nearest`` is what was asked instead, and ``why`` says how it differs."""

    nearest: Asked | None
    why: str


class Shelf:
    """The answers of a recording, each handed out in its turn; used by one thread at a time."""

    def __init__(self, scenarios: Iterable[PlayedScenario]) -> None:
        self._answers: list[tuple[Asked, deque[Answer]]] = []
        for scenario in scenarios:
            for entry in (*(each for step in scenario.steps for each in step.entries), *scenario.loose):
                if isinstance(entry.event, ExchangeMade) and entry.event.purpose is not Purpose.TRACE:
                    self._put(entry.event)

    def __len__(self) -> int:
        return sum(len(answers) for _, answers in self._answers)

    def _put(self, made: ExchangeMade) -> None:
        # What never came, or was cut, cannot be given again.
        if made.answer.status is None or not made.answer.is_whole:
            return
        asked = Asked.of(made.sent.method, made.sent.path, made.sent.text)
        found = next((answers for known, answers in self._answers if known == asked), None)
        if found is None:
            self._answers.append((asked, deque([made.answer])))
        else:
            found.append(made.answer)

    def take(self, asked: Asked) -> Served | Missing:
        """The next answer to a request."""
        for known, answers in self._answers:
            if known == asked:
                return _served(answers.popleft() if len(answers) > 1 else answers[0])
        return self._missing(asked)

    def _missing(self, asked: Asked) -> Missing:
        if not self._answers:
            return Missing(None, "nothing was recorded")
        nearest = max((known for known, _ in self._answers), key=lambda known: _likeness(known, asked))
        parts = {
            "method": nearest.method == asked.method,
            "path": nearest.path == asked.path,
            "body": nearest.body == asked.body,
        }
        return Missing(nearest, f"another {' and '.join(name for name, is_same in parts.items() if not is_same)}")


def _likeness(known: Asked, asked: Asked) -> tuple[float, bool, bool]:
    """How alike two requests are: by their paths first."""
    path = SequenceMatcher(None, known.path, asked.path, autojunk=False).ratio()
    return path, known.method == asked.method, known.body == asked.body


def _served(answer: Answer) -> Served:
    headers = {name: value for name, value in answer.headers.items() if name.lower() not in _OF_THE_WIRE}
    return Served(answer.status or 0, headers, answer.text)
