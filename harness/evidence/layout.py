"""Where everything lies in a run's folder; ``docs/evidence/README.md`` says what it means, and a test compares them."""

from __future__ import annotations

from typing import Final

PARTIAL_SUFFIX: Final = ".partial"
PARTIAL_NOTE: Final = "PARTIAL.txt"
"""Stands in a folder that is not finished, so that renaming it by hand does not hide that."""

RUN: Final = "run.json"
STATE: Final = "state.json"
EVENTS: Final = "events.jsonl"
SUMMARY_MD: Final = "summary.md"
SUMMARY: Final = "summary.txt"
"""Of the whole run at the top, and of each part, such as ``live/summary.txt``."""

JUNIT: Final = "reports/junit.xml"
CTRF: Final = "reports/ctrf.json"
REDACTION: Final = "reports/redaction.json"

LADDERS: Final = "ladders"
"""The ladders as they were climbed, and the schemas beside them."""
TRIALS: Final = "reports/trials.json"
TRACE_MANIFEST: Final = "traces/manifest.json"
TRACES: Final = "traces"
"""One ``<trace_id>.json`` for each scenario and for each climb."""
CASES: Final = "cases"
"""One ``<case_id>.json`` for each scenario."""
CASE_DIGESTS: Final = "cases/digests.json"
EXECUTION_TRACE: Final = "execution_trace.json"
DB_WRITES: Final = "db_writes.json"
"""In a scenario's folder, as the one before."""
OTLP_TRACES: Final = "reports/traces.otlp.jsonl"
OTLP_LOGS: Final = "reports/logs.otlp.jsonl"

MANIFEST: Final = "manifest.json"
SUMS: Final = "SHA256SUMS"
ENVELOPE: Final = "manifest.dsse.json"

LEDGER: Final = "LEDGER.jsonl"
"""Beside the runs: one line for each sealed one."""
KEYS: Final = "keys"
"""Beside the runs: public keys that are trusted, ``<keyid>.pub.pem``."""

RESERVED: Final = frozenset({MANIFEST, SUMS, ENVELOPE, PARTIAL_NOTE})
UNLISTED: Final = frozenset({MANIFEST, SUMS, ENVELOPE})
"""What the manifest does not list: it cannot hold its own hash, and the others are made from it."""

LIVE: Final = "live"
MOCKED: Final = "mocked"
RERUN: Final = "mocked/RERUN"

NOTES: Final = "notes.txt"


def trial_folder(index: int) -> str:
    """Where trial ``index`` (from 0) lies when there are several; its shape is that of a single run."""
    return f"trials/{index:03d}"


def scenario_folder(part: str, scenario: str, *, trial: str = "") -> str:
    """``live/L01``, or ``trials/002/live/L01`` below ``trial_folder(2)``."""
    return "/".join(piece for piece in (trial, part, scenario) if piece)


def trial_log(trace_id: str) -> str:
    """Where the events of one of several trials lie."""
    return f"{TRACES}/{trace_id}.jsonl"


def evaluation_file(trace_id: str) -> str:
    """Where the first evaluation of a trial lies."""
    return f"evals/{trace_id}.json"


def trace_file(trace_id: str) -> str:
    """Where a trace lies; its id is dashed."""
    return f"{TRACES}/{trace_id}.json"


def case_file(case_id: str) -> str:
    """Where a case lies."""
    return f"{CASES}/{case_id}.json"


def part_of(folder: str) -> str:
    """The part that a scenario's folder belongs to: ``mocked/RERUN`` of ``mocked/RERUN/M01``."""
    return folder.rpartition("/")[0]
