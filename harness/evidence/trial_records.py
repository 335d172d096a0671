"""Trials of a run: who they are, where their logs lie, and how they ended; ``traces/manifest.json`` is the truth.

Each trial has an entry from its start, before anything can fail. One that never ended stays ``running`` there, which in
a folder that no process writes to any more says that it was killed.
"""

# Annotations are read at run time by the codec, so they are not deferred here.
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from harness.evidence.documents import of_schema
from harness.evidence.layout import EVENTS
from harness.evidence.records import from_document, to_document

SCHEMA: Final = "ladder.traces/1"

RUNNING: Final = "running"
INTERRUPTED: Final = "interrupted"


@dataclass(frozen=True, slots=True)
class TrialRecord:
    """One trial.

    Attributes:
        trial_index: From 0, in the order of their starts.
        trace_id: Of its climb, dashed; ids sort by start.
        status: A verdict word, ``running`` or ``interrupted``.
        folder: Below which its artifacts lie, such as ``trials/002``; empty when there is one only.
        log: Its events.
        bytes: Size of ``traces/<trace_id>.json``, and ``sha256`` its digest; ``None`` until that is written.
        recorded: ``full`` or ``metadata_only``.
        error: What broke it, with its class or reference; ``None`` when nothing did.
        run_id: The run that it was climbed in and whose folder has its files, when it was taken over from another one.
    """

    trial_index: int
    trace_id: str
    status: str = RUNNING
    folder: str = ""
    log: str = EVENTS
    started_at: str = ""
    duration_s: float = 0.0
    sha256: str | None = None
    bytes: int | None = None
    recorded: str = "full"
    error: str | None = None
    run_id: str | None = None


@dataclass(frozen=True, slots=True)
class TraceManifest:
    """``traces/manifest.json``."""

    run_id: str
    trials: tuple[TrialRecord, ...]


def encode_trial(record: TrialRecord) -> str:
    """Spell one entry, as one line."""
    return json.dumps(to_document(record), ensure_ascii=False)


def encode_traces(run_id: str, entries: Iterable[str]) -> str:
    """Spell ``traces/manifest.json``, an entry a line; they are spelt already, since most are as they were."""
    head = f'{{"schema": {json.dumps(SCHEMA)}, "run_id": {json.dumps(run_id)}, "trials": ['
    return head + ",".join(f"\n{entry}" for entry in entries) + "\n]}\n"


def decode_traces(text: str) -> TraceManifest:
    """Read ``traces/manifest.json``.

    Raises:
        DamagedRecordError: It is not JSON, of another schema, or not whole.
    """
    return from_document(TraceManifest, of_schema(text, SCHEMA))
