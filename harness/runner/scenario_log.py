"""What one scenario leaves behind: its events and its artifacts, each redacted before it is written.

It decides nothing. A file that is saved twice holds what was saved last; both writings are in the events.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Final

from harness.errors import UsageError
from harness.evidence.events import ArtifactSaved, ExchangeMade
from harness.evidence.exchanges import Answer, Purpose, Sent
from harness.evidence.journal import Start, iter_events
from harness.redaction.redacted import MARKER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.evidence.event_lines import Entry
    from harness.evidence.events import Event
    from harness.judging.observation import Exchange
    from harness.runner.surroundings import Records
    from harness.senses.calls import Call

_OK: Final = 200

MOST_REMEMBERED: Final = 500
"""Texts of requests that are remembered together with their redacted form."""


@dataclass(frozen=True, slots=True)
class Sending:
    """A request that was sent: its span, and when, on the clock of the log."""

    span_id: str = ""
    began_t: float = 0.0


class ScenarioLog:
    """Writes for one scenario.

    Args:
        records: Where to.
        scenario: Its id.
        folder: Where its artifacts lie, such as ``live/L01``.
    """

    def __init__(self, records: Records, scenario: str, folder: str) -> None:
        self.scenario, self.folder = scenario, folder
        self.files: dict[str, int] = {}
        self.masked: set[str] = set()
        self._records = records
        self._origins: dict[str, str] = {}
        # Parts of requests: most are sent again and again.
        source = f"{scenario}/request"
        self._text = lru_cache(MOST_REMEMBERED)(partial(records.redactor.text, source=source))
        self._document = lru_cache(MOST_REMEMBERED)(partial(records.redactor.json, source=source))

    def mark(self) -> Start:
        """Where the next line of the log will begin."""
        lines = self._records.staging.folder / self._records.log
        return Start(self._records.journal.next_seq, lines.stat().st_size)

    def since(self, start: Start) -> Iterator[Entry]:
        """The events since a mark, read back from disk, so that no run keeps them in memory."""
        return iter_events(self._records.staging.folder / self._records.log, start=start)

    def elapsed(self) -> float:
        """Seconds since the log was opened."""
        return self._records.journal.elapsed()

    def event(self, event: Event) -> Entry:
        """Record what happened."""
        return self._records.journal.record(event)

    def exchange(self, step: str, purpose: Purpose, call: Call, *, exchange: Exchange, sending: Sending) -> int:
        """Record a request with its answer; returns the number of the event."""
        answer = Answer.of(exchange)
        if purpose is Purpose.TRACE and exchange.status == _OK:
            # It is kept as a file of its own.
            answer = replace(answer, text="", body_json=None, cut_from=len(exchange.text))
        request = call.request
        sent = Sent(
            method=request.method,
            path=self._text(request.path),
            headers=self._headers(request.headers),
            text=self._text(json.dumps(request.json, ensure_ascii=False)) if request.has_json else "",
        )
        made = ExchangeMade(self.scenario, step, purpose, sent, answer, sending.span_id, sending.began_t)
        return self.event(made).seq

    def save(self, step: str, name: str, text: str, *, derived_from: str = "") -> None:
        """Write an artifact.

        Args:
            step: That made it.
            name: In the scenario's folder.
            text: Redacted here, as everything is.
            derived_from: The scenario that it was copied from.

        Raises:
            UsageError: ``evidence-copy-clash``; or the path is refused by staging.
        """
        # The notes are nobody's step, and come last.
        if step and derived_from != self._origins.setdefault(name, derived_from):
            message = f"{name} would be both a copy and an observation of {self.scenario}, and can only be called one"
            raise UsageError("evidence-copy-clash", message, "give one of them another name in the ladder")
        path, redactor, staging = f"{self.folder}/{name}", self._records.redactor, self._records.staging
        text = self._records.recording.artifact(name, text)
        redacted = redactor.json(text, source=path) if name.endswith(".json") else redactor.text(text, source=path)
        if name in self.files:
            staging.replace(path, redacted)
        else:
            staging.write(path, redacted, derived_from=derived_from)
        self.files[name] = len(redacted)
        if MARKER in redacted:
            self.masked.add(path)
        self.event(ArtifactSaved(self.scenario, step, path, derived_from))

    def _headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Redact by name as well: what a ladder sends as ``Authorization`` need not be a secret that is known."""
        redacted: dict[str, str] = json.loads(self._document(json.dumps(dict(headers)))) if headers else {}
        return redacted
