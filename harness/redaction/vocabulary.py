"""Which values cannot be secrets, because they are words or part of what we write ourselves.

Masking them would turn ``passed`` into ``pa[REDACTED]d`` and hide verdicts, states and paths; leaving them out silently
would leak. So a run refuses to begin with such a value. It judges a value and knows no variable names. The doubt: the
word list is short, so a rare word passes and is masked wherever it stands.
"""

from __future__ import annotations

from typing import Final

from harness.redaction.common_words import COMMON_WORDS
from harness.redaction.redacted import MARKER, SHORTEST
from worker import contract

FEWEST_KINDS_OF_CHARACTERS: Final = 4
"""``--------`` and ``xxxxxxxx`` are rulers and placeholders."""

LONGEST: Final = 32 << 10
"""Characters; a chain of certificates has a third of it. Each costs some 50 µs at the start of every run, because parts
of a value are searched for as well."""

OWN_PHRASES: Final = (
    "pass fail error limited blocked inconclusive flaky passed failed skipped present absent queued in_progress",
    "project_id job_id job_type instruction correlation_id traceparent tracestate baggage created_at updated_at",
    "docs/evidence/ledger.jsonl manifest.json manifest.dsse.json sha256sums run.json state.json events.jsonl",
    "live/summary.txt mocked/rerun/summary.txt response.json project_id.txt result.json result_excerpt.txt files.json",
    "ladder.run/1 ladder.state/1 ladder.manifest/1 ladder/v1 run_started run_ended scenario_started scenario_ended",
    "step_started step_ended step_skipped exchange poll_attempt observation capture artifact trace_kept containers",
    "climb_started climb_ended execution_trace.json db_writes.json cases/digests.json reports/traces.otlp.jsonl",
    "reports/logs.otlp.jsonl trace/1 ladder.cases/1 test http app runner worker agent db internal client server",
    "committed rolled_back rolled_back_to_savepoint insert update delete merge replace truncate sqlite postgresql",
    "app.json status.txt notes.txt reports/junit.xml ctrf.json report.html redaction.json summary.md readme.json",
    "application/json text/plain; charset=utf-8 http://127.0.0.1:8000/api/v1/projects https://api.openai.com/v1",
    "codex-worker:latest engine ladder.project ladder.job ladder.attempt ladder.instance use_dummy_worker=true",
    "sqlite:///./codex.db sqlite:////data/codex.db postgresql+psycopg:// sk-proj- sk-svcacct- org- proj_",
)
"""Verdicts, statuses, keys, paths and addresses of contract, evidence and settings."""


def is_word(value: str) -> bool:
    """Whether a value is a common word, a weak password or a placeholder."""
    folded = value.casefold()
    return folded in COMMON_WORDS or len(set(folded)) < FEWEST_KINDS_OF_CHARACTERS


def is_public(value: str) -> bool:
    """Whether a value occurs inside something that we author or that is the same for everybody."""
    folded = value.casefold()
    return any(folded in phrase for phrase in _phrases()) or MARKER in value


def refusal(value: str) -> str | None:
    """Say why a value cannot be searched for, in words without the value; ``None`` when it can."""
    if len(value) < SHORTEST:
        return f"is shorter than {SHORTEST} characters"
    if len(value) > LONGEST:
        return f"is longer than {LONGEST} characters"
    if is_word(value):
        return "is a common word or a placeholder"
    return "is a public constant" if is_public(value) else None


def _phrases() -> tuple[str, ...]:
    words = (contract.JobType, contract.JobStatus, contract.ResultStatus, contract.FailureKind, contract.EnvName)
    spelt = " ".join(member.value for kind in words for member in kind)
    constants = (contract.DUMMY_LOG_LINE, contract.FORCED_ERROR, contract.REQUEST_INVALID, contract.RESULT_PATH)
    return tuple(phrase.casefold() for phrase in (MARKER, spelt, *constants, *contract.SECRET_NAMES, *OWN_PHRASES))
