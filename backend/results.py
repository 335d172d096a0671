"""A job's result document: judged when a worker left it, written when a worker did not.

A result is taken only after its attempt has ended, from bytes that can no longer change. It passes the redactor before
anything keeps it. When an attempt ends with a failure kind, the backend writes the document itself, in the same shape,
so that whoever polls always comes to an end.

What is taken can be kept and shown by everything behind it: it is no deeper than ``MAX_DEPTH``, its numbers are finite
and its text can be encoded.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

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
    from collections.abc import Iterable

    from backend.redaction import Redactor

MAX_DEPTH: Final = 64
"""Of a result document; the fields of the contract need two."""


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
    _require_shallow(document)
    clean, hits = redactor.redact_dict(document)
    rewritten = _storable(clean)
    # A secret can also stand where parsing loses it, as the first value of a key that comes twice.
    raw = data.decode("utf-8")
    hidden = 0 if hits else redactor.redact(raw).hits
    text = rewritten if hits or hidden else raw
    return TakenResult(text, ResultStatus(str(clean["status"])), storable_summary(str(clean["summary"])), hits + hidden)


def _require_shallow(document: dict[str, Any]) -> None:
    level: list[Any] = [document]
    for _ in range(MAX_DEPTH):
        level = [child for value in level for child in _children(value)]
    if level:
        raise ContractError("result-not-json", f"the result is nested more than {MAX_DEPTH} levels deep")


def _children(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _storable(document: dict[str, Any]) -> str:
    try:
        text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        text.encode()
    except UnicodeEncodeError as error:
        raise ContractError("result-not-json", "the result holds a lone surrogate, which no text can carry") from error
    except ValueError as error:
        raise ContractError("result-not-json", "the result holds a number that is not finite") from error
    return text


def storable_summary(text: str) -> str:
    """Cut a summary to its limit and make it fit for every database: PostgreSQL stores no NUL in a text."""
    clean = text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
    return clean[:MAX_SUMMARY_CHARS]


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
        summary=storable_summary(summary),
        created_files=(),
        modified_files=(),
        errors=(kind.value,),
        logs=(),
        timestamp=finished_at,
        started_at=started_at,
        finished_at=finished_at,
        trace_id=identity.trace_id,
    ).to_json()
