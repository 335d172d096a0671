"""A job's result document: judged when a worker left it, written when a worker did not.

A result is taken only after its attempt has ended, from bytes that can no longer change. It passes the redactor before
anything keeps it. When an attempt ends with a failure kind, the backend writes the document itself, in the same shape,
so that whoever polls always comes to an end.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from worker.contract import (
    MAX_SUMMARY_CHARS,
    ContractError,
    EngineName,
    FailureKind,
    JobResult,
    ResultStatus,
    WrittenBy,
    parse_result,
)

if TYPE_CHECKING:
    from backend.redaction import Redactor


@dataclass(frozen=True, slots=True)
class JobIdentity:
    """What a result must agree with."""

    project_id: str
    job_id: str
    trace_id: str
    engine: EngineName


@dataclass(frozen=True, slots=True)
class TakenResult:
    """A worker's own valid result, redacted.

    Attributes:
        text: The document as it is kept and served. Byte for byte the worker's when nothing had to be redacted.
        hits: How many secrets were taken out.
    """

    text: str
    status: ResultStatus
    summary: str
    hits: int


def take(data: bytes, identity: JobIdentity, *, max_bytes: int, redactor: Redactor) -> TakenResult:
    """Judge the bytes that a worker left.

    Raises:
        ContractError: The document breaks the contract; see ``worker.contract.parse_result``.
    """
    document = parse_result(data, project_id=identity.project_id, job_id=identity.job_id, max_bytes=max_bytes)
    clean: dict[str, Any] = {}
    hits = 0
    for key, value in document.items():
        clean[redactor.redact(key).text], found = redactor.redact_value(value)
        hits += found + redactor.redact(key).hits
    _require_storable(clean)
    text = json.dumps(clean, indent=2, ensure_ascii=False) + "\n" if hits else data.decode("utf-8")
    return TakenResult(text, ResultStatus(clean["status"]), _summary(clean["summary"]), hits)


def _require_storable(document: dict[str, Any]) -> None:
    text = json.dumps(document, ensure_ascii=False)
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ContractError("result-not-json", "the result holds a lone surrogate, which no text can carry")


def _summary(text: str) -> str:
    # PostgreSQL stores no NUL in a text.
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")[:MAX_SUMMARY_CHARS]


def write_for_failure(identity: JobIdentity, kind: FailureKind, *, summary: str, times: tuple[str, str]) -> str:
    """Write the result of an attempt that left none, as JSON text.

    Args:
        identity: The job that failed.
        kind: Why; it is the only entry of ``errors``.
        summary: Cause and exit code in words, already redacted.
        times: Start and end of the attempt, RFC 3339.
    """
    started_at, finished_at = times
    return JobResult(
        project_id=identity.project_id,
        job_id=identity.job_id,
        engine=identity.engine,
        written_by=WrittenBy.BACKEND,
        status=ResultStatus.ERROR,
        summary=_summary(summary),
        created_files=(),
        modified_files=(),
        errors=(kind.value,),
        logs=(),
        timestamp=finished_at,
        started_at=started_at,
        finished_at=finished_at,
        trace_id=identity.trace_id,
    ).to_json()
