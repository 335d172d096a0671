"""The lines of ``events.jsonl``: one event each, as a JSON object of plain ASCII. Version 1.

Each has ``v``, ``seq`` (from 1, without gaps), ``t`` (seconds since the log was opened, by a monotonic clock), ``at``
(UTC) and ``type``; the other keys are the fields of that type. A line that does not fit is damaged, never guessed at.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from harness.evidence import events
from harness.evidence.documents import parse_object
from harness.evidence.records import DamagedRecordError, from_document, to_document

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION: Final = 1

KINDS: Final[Mapping[str, type]] = {
    "run_started": events.RunStarted,
    "run_ended": events.RunEnded,
    "climb_started": events.ClimbStarted,
    "climb_ended": events.ClimbEnded,
    "scenario_started": events.ScenarioStarted,
    "scenario_ended": events.ScenarioEnded,
    "step_started": events.StepStarted,
    "step_ended": events.StepEnded,
    "step_skipped": events.StepSkipped,
    "exchange": events.ExchangeMade,
    "poll_attempt": events.PollAttempted,
    "observation": events.StepObserved,
    "check": events.CheckJudged,
    "capture": events.Captured,
    "artifact": events.ArtifactSaved,
    "trace_kept": events.TraceKept,
    "containers": events.ContainersSeen,
    "engine": events.EngineTold,
}

WORDS: Final[Mapping[type, str]] = {kind: word for word, kind in KINDS.items()}


_SPELL: Final = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode
"""Made once: making an encoder takes as long as spelling a line."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: an event, its number, and when it happened."""

    seq: int
    t: float
    at: str
    event: events.Event


def encode(entry: Entry) -> str:
    """Spell an entry as one line of ASCII, without the line feed; no terminal obeys anything in it."""
    head = {"v": VERSION, "seq": entry.seq, "t": entry.t, "at": entry.at, "type": WORDS[type(entry.event)]}
    return _SPELL(head | to_document(entry.event))


def decode(line: str) -> Entry:
    """Read one line.

    Raises:
        DamagedRecordError: It is no JSON object, of another version, of an unknown type, or lacks a field.
    """
    document = parse_object(line)
    version, word = document.get("v"), document.get("type")
    if version != VERSION:
        msg = f"version {version!r} is not {VERSION}; a newer ladder wrote it"
        raise DamagedRecordError(msg)
    if not isinstance(word, str) or word not in KINDS:
        msg = f"unknown type {word!r}"
        raise DamagedRecordError(msg)
    head = from_document(_Head, document)
    return Entry(head.seq, head.t, head.at, from_document(KINDS[word], document))


@dataclass(frozen=True, slots=True)
class _Head:
    seq: int
    t: float
    at: str
