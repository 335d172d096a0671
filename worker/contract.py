"""Everything that the backend and the worker must spell alike (contract version 1).

The words here travel between two processes: names of environment variables and labels, the request that the backend
writes, the result that the worker writes, and the rules by which a result is believed. Both sides import this module,
so it uses the standard library only. It decides whether a document obeys the contract; it reads and writes no file.

A result is believed only when every required field is there with its type, when it names the job, project and
version it was asked for, and when it carries no file contents. What it claims about files is not checked here.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, fields
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

CONTRACT_VERSION: Final = 1
VERSION: Final = "0.1.0"

CODEX_DIR: Final = ".codex"
REQUEST_PATH: Final = ".codex/request.json"
RESULT_PATH: Final = ".codex/result.json"
TRACE_PATH: Final = ".codex/trace.jsonl"

MAX_REQUEST_BYTES: Final = 256 * 1024
"""A request holds at most a 2,000-character instruction (12 bytes each when escaped) and trace headers."""

MAX_SUMMARY_CHARS: Final = 500

MAX_TRACE_BYTES: Final = 256 * 1024
"""Of the trace file; a worker stops before, and a reader need not go on."""

WORKER_UID: Final = 10001
"""The user of the worker image; no account of a Debian host uses this number by default."""

SECRET_NAMES: Final = ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT")
"""Secrets that may reach a worker, in the order in which their presence is reported."""

DUMMY_LOG_LINE: Final = "Dummy worker used instead of the live worker."
FORCED_ERROR: Final = "forced_error"
REQUEST_INVALID: Final = "request_invalid"
CANCELLED_ERROR: Final = "cancelled"


class EnvName(StrEnum):
    """Environment variables that the launcher sets for a worker."""

    WORKSPACE_DIR = "WORKSPACE_DIR"
    JOB_ID = "JOB_ID"
    PROJECT_ID = "PROJECT_ID"
    WORKER_ENGINE = "WORKER_ENGINE"
    SLEEP_SECONDS = "SLEEP_SECONDS"
    TRACEPARENT = "TRACEPARENT"
    TRACESTATE = "TRACESTATE"
    BAGGAGE = "BAGGAGE"


class Label(StrEnum):
    """Container labels; adoption and reaping find our containers by them, so they hold nothing secret."""

    PROJECT = "ladder.project"
    JOB = "ladder.job"
    ATTEMPT = "ladder.attempt"
    INSTANCE = "ladder.instance"
    DEADLINE = "ladder.deadline"
    IMAGE = "ladder.image"


class JobType(StrEnum):
    """What a job asks for."""

    INITIAL_PROJECT = "initial_project"
    EDIT = "edit"


class JobStatus(StrEnum):
    """State of a job, and of a project through its latest job."""

    QUEUED = "queued"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    ERROR = "error"


class ResultStatus(StrEnum):
    """Outcome that a result document states."""

    SUCCESS = "success"
    ERROR = "error"


class FailureKind(StrEnum):
    """Why an attempt did not end with a valid result of its own."""

    LAUNCH_FAILED = "launch_failed"
    CANCELLED = "cancelled"
    TIMEOUT = "timeout"
    OOM = "oom"
    LOST = "lost"
    CRASHED = "crashed"
    RESULT_MISSING = "result_missing"
    RESULT_INVALID = "result_invalid"


class EngineName(StrEnum):
    """A way the worker works; ``dummy`` marks that no container ran."""

    TEMPLATE = "template"
    OPENAI = "openai"
    CODEX = "codex"
    DUMMY = "dummy"


class WrittenBy(StrEnum):
    """Who wrote a result document."""

    WORKER = "worker"
    BACKEND = "backend"


class ExitCode(IntEnum):
    """Exit codes of the worker. The numbers are those of ``sysexits.h``, so no shell or signal uses them."""

    OK = 0
    """A result was written, whatever its status."""
    USAGE = 64
    """The environment names no workspace directory."""
    WORKSPACE_UNUSABLE = 66
    """The workspace or its ``.codex`` directory cannot be opened."""
    INTERNAL = 70
    """A fault of the worker itself that even its own error handling could not report."""
    RESULT_UNWRITABLE = 74
    """The work ended, but its result could not be written."""


class ContractError(ValueError):
    """A document that breaks the contract.

    Attributes:
        reference: Stable kebab-case name of the fault, such as ``result-wrong-job``.
    """

    def __init__(self, reference: str, message: str) -> None:
        super().__init__(message)
        self.reference = reference


@dataclass(frozen=True, slots=True)
class TraceContext:
    """W3C trace context as three header values (Trace Context and Baggage Recommendations)."""

    traceparent: str
    tracestate: str | None = None
    baggage: str | None = None

    @property
    def trace_id(self) -> str | None:
        """The dashed form of the 128-bit trace id, or ``None`` when the header is malformed or the id zero."""
        found = re.fullmatch(r"[0-9a-f]{2}-((?!0{32})[0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?", self.traceparent)
        return dashed(found[1]) if found else None


def dashed(trace_id: str) -> str:
    """Spell 32 hex digits in the 8-4-4-4-12 form that the API and all files use."""
    return "-".join((trace_id[:8], trace_id[8:12], trace_id[12:16], trace_id[16:20], trace_id[20:]))


@dataclass(frozen=True, slots=True)
class JobRequest:
    """The content of ``.codex/request.json``: all that a worker learns about its job.

    Times are RFC 3339 in UTC with microseconds and ``Z``. ``attempt`` counts launches of this job from 1.
    """

    project_id: str
    job_id: str
    job_type: JobType
    instruction: str
    engine: EngineName
    attempt: int
    created_at: str
    deadline_at: str
    trace: TraceContext
    contract_version: int = CONTRACT_VERSION

    def to_json(self) -> str:
        """Serialise with 2-space indent and a final newline; absent trace fields are left out."""
        trace = {f.name: value for f in fields(self.trace) if (value := getattr(self.trace, f.name)) is not None}
        names = [f.name for f in fields(self) if f.name != "trace"]
        return _dump({name: getattr(self, name) for name in names} | {"trace": trace})


@dataclass(frozen=True, slots=True)
class JobResult:
    """The content of ``.codex/result.json``, in the order in which its keys are written.

    File lists are sorted, relative, ``/`` separated; each path is in one list only. ``errors`` are codes.
    """

    project_id: str
    job_id: str
    engine: EngineName
    written_by: WrittenBy
    status: ResultStatus
    summary: str
    created_files: tuple[str, ...]
    modified_files: tuple[str, ...]
    errors: tuple[str, ...]
    logs: tuple[str, ...]
    timestamp: str
    started_at: str
    finished_at: str
    trace_id: str | None
    deleted_files: tuple[str, ...] = ()
    contract_version: int = CONTRACT_VERSION

    def to_json(self) -> str:
        """Serialise with 2-space indent, contract version first, and a final newline."""
        return _dump(
            {"contract_version": self.contract_version}
            | {f.name: getattr(self, f.name) for f in fields(self) if f.name != "contract_version"}
        )


def _dump(document: Mapping[str, Any]) -> str:
    # Lone surrogates cannot be encoded as UTF-8; only then is the text escaped to ASCII.
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    return text if _encodable(text) else json.dumps(document, indent=2) + "\n"


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def parse_request(data: bytes, *, job_id: str | None) -> JobRequest:
    """Read the bytes of a request, believing nothing.

    Args:
        data: At most ``MAX_REQUEST_BYTES`` of UTF-8 JSON.
        job_id: The job that the launcher named, or ``None`` when it named none.

    Raises:
        ContractError: ``request-oversized``, ``request-not-json``, ``request-bad-field``, ``request-wrong-version``
            or ``request-wrong-job``.
    """
    document = _Document.parse(data, what="request", max_bytes=MAX_REQUEST_BYTES)
    document.require_version()
    trace = _Document(document.field("trace", dict), "request")
    request = JobRequest(
        project_id=document.text("project_id"),
        job_id=document.text("job_id"),
        job_type=document.word("job_type", JobType),
        instruction=document.text("instruction"),
        engine=document.word("engine", EngineName),
        attempt=document.field("attempt", int),
        created_at=document.text("created_at"),
        deadline_at=document.text("deadline_at"),
        trace=TraceContext(
            traceparent=trace.field("traceparent", str),
            tracestate=trace.optional_text("tracestate"),
            baggage=trace.optional_text("baggage"),
        ),
    )
    if job_id is not None and request.job_id != job_id:
        msg = f"the request is for job {request.job_id[:80]!r}, this worker was launched for {job_id!r}"
        raise ContractError("request-wrong-job", msg)
    return request


def parse_result(data: bytes, *, project_id: str, job_id: str, max_bytes: int) -> dict[str, Any]:
    """Read the bytes of a result and return the document as it stands, extra keys included.

    Args:
        data: UTF-8 JSON as read from ``.codex/result.json``.
        project_id: The project whose workspace it was read from.
        job_id: The job whose attempt has just ended.
        max_bytes: Size limit; the backend's MAX_RESULT_BYTES.

    Raises:
        ContractError: ``result-oversized``, ``result-not-json``, ``result-bad-field``, ``result-wrong-version``,
            ``result-wrong-job``, ``result-wrong-project`` or ``result-has-contents``.
    """
    document = _Document.parse(data, what="result", max_bytes=max_bytes)
    if "contents" in document.values:
        raise ContractError("result-has-contents", "a result has no top-level key 'contents'")
    document.require_version()
    for name, expected in (("job", job_id), ("project", project_id)):
        if (found := document.text(f"{name}_id")) != expected:
            raise ContractError(f"result-wrong-{name}", f"{name}_id is {found[:80]!r}, expected {expected!r}")
    document.word("engine", EngineName)
    document.word("written_by", WrittenBy)
    document.word("status", ResultStatus)
    for name in ("summary", "timestamp"):
        document.text(name)
    for name in ("errors", "logs"):
        document.strings(name)
    _require_file_lists(document)
    return document.values


FieldType = TypeVar("FieldType", str, int, dict, list)  # type: ignore[type-arg]  # callers check the elements
Word = TypeVar("Word", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class _Document:
    """A JSON object of foreign origin; each reader names the field that breaks the contract."""

    values: dict[str, Any]
    what: str

    @classmethod
    def parse(cls, data: bytes, *, what: str, max_bytes: int) -> _Document:
        if len(data) > max_bytes:
            raise ContractError(f"{what}-oversized", f"the {what} has more than {max_bytes} bytes")
        try:
            values = json.loads(data.decode("utf-8"), parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            raise ContractError(f"{what}-not-json", f"the {what} is not UTF-8 JSON: {type(error).__name__}") from error
        if not isinstance(values, dict):
            raise ContractError(f"{what}-not-json", f"the {what} is a JSON {type(values).__name__}, not an object")
        return cls(values, what)

    def bad_field(self, message: str) -> ContractError:
        return ContractError(f"{self.what}-bad-field", message)

    def require_version(self) -> None:
        if (version := self.field("contract_version", int)) != CONTRACT_VERSION:
            msg = f"contract_version is {version}, expected {CONTRACT_VERSION}"
            raise ContractError(f"{self.what}-wrong-version", msg)

    def field(self, name: str, kind: type[FieldType]) -> FieldType:
        value = self.values.get(name)
        # bool is a subclass of int, and `"attempt": true` is a mistake, not the number 1.
        if not isinstance(value, kind) or isinstance(value, bool):
            found = f"a {type(value).__name__}" if name in self.values else "missing"
            raise self.bad_field(f"{name} is {found}, expected {kind.__name__}")
        return value

    def text(self, name: str) -> str:
        if not (value := self.field(name, str)).strip():
            raise self.bad_field(f"{name} is empty")
        return value

    def optional_text(self, name: str) -> str | None:
        return None if self.values.get(name) is None else self.field(name, str)

    def word(self, name: str, words: type[Word]) -> Word:
        value = self.field(name, str)
        try:
            return words(value)
        except ValueError as error:
            known = ", ".join(word.value for word in words)
            raise self.bad_field(f"{name} is {value[:80]!r}, expected one of {known}") from error

    def strings(self, name: str) -> list[str]:
        values = self.field(name, list)
        if not all(isinstance(value, str) for value in values):
            raise self.bad_field(f"{name} holds something that is not a string")
        return values


def _refuse_constant(name: str) -> float:
    msg = f"{name} is not JSON"
    raise ValueError(msg)


def _require_file_lists(document: _Document) -> None:
    listed: list[str] = []
    for name in ("created_files", "modified_files", "deleted_files"):
        # deleted_files is an addition to the plan's document, so a result without it is still whole.
        paths = document.strings(name) if name in document.values or name != "deleted_files" else []
        if bad := [path for path in paths if not _is_relative(path)]:
            raise document.bad_field(f"{name} holds {bad[0][:80]!r}, expected a relative path")
        if paths != sorted(paths):
            raise document.bad_field(f"{name} is not sorted")
        listed += paths
    if len(set(listed)) != len(listed):
        raise document.bad_field("a path is listed twice")


def _is_relative(path: str) -> bool:
    return not any(part in {"", ".", ".."} for part in path.split("/"))
