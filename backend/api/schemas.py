"""Bodies of the HTTP contract, published as OpenAPI. Times are RFC 3339 in UTC with microseconds and ``Z``."""

from __future__ import annotations

from datetime import datetime  # pydantic reads the annotation
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import PydanticCustomError

from backend.lifecycle import rfc3339
from backend.service import CURSOR_PATTERN
from backend.workspace.files import Encoding
from worker.contract import EngineName, FailureKind, JobStatus, JobType

if TYPE_CHECKING:
    from backend.job_copies import JobCopies
    from backend.models import Attempt, Job
    from backend.service import Page, ProjectView

MAX_INSTRUCTION = 2000

Instant = Annotated[
    datetime,
    PlainSerializer(rfc3339, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2025-11-14T17:14:05.123456Z"]}),
]


def _trim(text: str) -> str:
    if not (trimmed := text.strip()):
        raise PydanticCustomError("value_error", "Value error, instruction must not be empty")
    if "\0" in trimmed:
        raise PydanticCustomError("value_error", "Value error, instruction must not contain NUL")
    if any("\ud800" <= character <= "\udfff" for character in trimmed):
        raise PydanticCustomError(
            "string_unicode", "Input should be a valid string, unable to parse raw data as a unicode string"
        )
    if len(trimmed) > MAX_INSTRUCTION:
        limit = {"max_length": MAX_INSTRUCTION}
        raise PydanticCustomError("string_too_long", "String should have at most {max_length} characters", limit)
    return trimmed


def _at_least_five(text: str) -> str:
    if len(text) < (shortest := 5):
        raise PydanticCustomError(
            "string_too_short", "String should have at least {min_length} characters", {"min_length": shortest}
        )
    return text


def _instruction_schema(shortest: int) -> WithJsonSchema:
    """Describe an instruction: blanks around it do not count, so the bounds are in the pattern and not in lengths."""
    inner = rf"[^\s\x00]([^\x00]{{{max(shortest - 2, 0)},{MAX_INSTRUCTION - 2}}}[^\s\x00])" + (
        "?" if shortest == 1 else ""
    )
    return WithJsonSchema(
        {
            "type": "string",
            "pattern": rf"^\s*{inner}\s*$",
            "description": f"{shortest} to {MAX_INSTRUCTION} characters after blanks at both ends are removed",
            "examples": ["Modify the CLI to print the first 15 Fibonacci numbers."],
        }
    )


class ProjectRequest(BaseModel):
    """Asks for a new project."""

    instruction: Annotated[str, AfterValidator(_trim), AfterValidator(_at_least_five), _instruction_schema(5)]


class JobRequestBody(BaseModel):
    """Asks for a further job in a project."""

    job_type: JobType
    instruction: Annotated[str, AfterValidator(_trim), _instruction_schema(1)]


class JobOut(BaseModel):
    """A job as every list and answer shows it."""

    model_config = ConfigDict(title="Job")

    id: str
    project_id: str
    job_type: JobType
    instruction: str
    status: JobStatus
    failure_kind: FailureKind | None
    engine: EngineName
    trace_id: str
    created_at: Instant
    updated_at: Instant
    started_at: Instant | None
    finished_at: Instant | None

    @classmethod
    def of(cls, job: Job) -> Self:
        """Show a stored job."""
        return cls.model_validate(_job_fields(job))


def _job_fields(job: Job) -> dict[str, Any]:
    return {name: getattr(job, name) for name in JobOut.model_fields}


class ContainerOut(BaseModel):
    """What the launcher saw of the job's newest worker. Fields are null while unknown, or when no container ran."""

    model_config = ConfigDict(title="Container")

    launcher: str
    attempt: int = Field(description="launches of this job so far, from 1")
    container_id: str | None
    image_digest: str | None = Field(description="image id as inspected, sha256:…")
    exit_code: int | None
    oom_killed: bool | None
    started_at: Instant | None
    finished_at: Instant | None
    deadline_at: Instant
    stop_reason: str | None = Field(description="timeout, cancelled or shutdown, when the backend ended the worker")
    timings_ms: dict[str, float] = Field(description="durations by phase: prepare, launch, run, collect")
    granted: dict[str, Any] = Field(description="hardening as granted; 'missing' lists what was asked for in vain")
    warnings: list[str]
    log_bytes: int | None
    log_truncated: bool | None
    redactions: int | None = Field(description="secrets taken out of result and output; more than 0 is a finding")

    @classmethod
    def of(cls, attempt: Attempt) -> Self:
        """Show a stored attempt."""
        fields = {name: getattr(attempt, name) for name in cls.model_fields if name != "attempt"}
        return cls.model_validate(fields | {"attempt": attempt.number})


class JobDetail(JobOut):
    """A job with everything that is known about it."""

    model_config = ConfigDict(title="JobDetail")

    exit_code: int | None
    result_path: str | None
    logs_path: str | None
    container: ContainerOut | None
    result: dict[str, Any] | None = Field(description="this job's own validated result document")

    @classmethod
    def render(cls, job: Job, attempt: Attempt | None, copies: JobCopies) -> str:
        """Show a stored job with its newest attempt, as JSON; the paths are those of the job's own copies.

        The result goes out as the text that was judged. Taking it apart again could change or refuse what a worker
        may write, such as a number beyond a float or lists in lists in lists.
        """
        done = job.result is not None
        detail = cls.model_validate(
            _job_fields(job)
            | {
                "result": None,
                "exit_code": attempt.exit_code if attempt else None,
                "result_path": str(copies.result_path(job.project_id, job.id)) if done else None,
                "logs_path": str(copies.log_path(job.project_id, job.id)) if done else None,
                "container": ContainerOut.of(attempt) if attempt else None,
            }
        )
        fields = detail.model_dump_json(exclude={"result"}).removesuffix("}")
        return f'{fields},"result":{job.result or "null"}}}'


class ProjectOut(BaseModel):
    """A project; status and summary are those of its latest job."""

    model_config = ConfigDict(title="Project")

    id: str
    job_id: str = Field(description="the latest job")
    instruction: str
    status: JobStatus
    summary: str
    workspace_path: str
    created_at: Instant
    updated_at: Instant

    @classmethod
    def of(cls, view: ProjectView) -> Self:
        """Show a stored project."""
        return cls.model_validate(_project_fields(view))


def _project_fields(view: ProjectView) -> dict[str, Any]:
    project, latest = view.project, view.latest
    return {
        "id": project.id,
        "job_id": latest.id,
        "instruction": project.instruction,
        "status": latest.status,
        "summary": latest.summary,
        "workspace_path": project.workspace_path,
        "created_at": project.created_at,
        "updated_at": view.updated_at,
    }


class ProjectDetail(ProjectOut):
    """A project with all its jobs in order of arrival."""

    model_config = ConfigDict(title="ProjectDetail")

    jobs: list[JobOut]

    @classmethod
    def describe(cls, view: ProjectView, jobs: list[JobOut]) -> Self:
        """Show a stored project with its jobs."""
        return cls.model_validate(_project_fields(view) | {"jobs": jobs})


NextCursor = Annotated[
    str | SkipJsonSchema[None],
    Field(description="ask for the next page with it; absent on the last one", pattern=CURSOR_PATTERN),
]


def next_page(page: Page[Any]) -> dict[str, str]:
    """The field that leads to the next page, if there is one."""
    return {} if page.next_cursor is None else {"next_cursor": page.next_cursor}


class ProjectPage(BaseModel):
    """Projects, newest first; without ``next_cursor`` it is the last page."""

    projects: list[ProjectOut]
    next_cursor: NextCursor = None


class JobPage(BaseModel):
    """Jobs in order of arrival; without ``next_cursor`` it is the last page."""

    jobs: list[JobOut]
    next_cursor: NextCursor = None


class FileEntryOut(BaseModel):
    """One file of a workspace."""

    model_config = ConfigDict(title="FileEntry")

    path: str
    size: int = Field(description="bytes")


class FileList(BaseModel):
    """All files of a workspace, sorted by path."""

    files: list[FileEntryOut]


class FileOut(BaseModel):
    """One file: its exact text, or base64 of its bytes when they are not valid UTF-8."""

    model_config = ConfigDict(title="File")

    path: str = Field(description="as asked")
    contents: str
    encoding: Encoding = Field(description="utf-8: contents is the exact text; base64: of the exact bytes")


class Health(BaseModel):
    """The process answers."""

    status: Literal["ok"]


class Readiness(BaseModel):
    """Whether jobs can be run now, and by what."""

    status: Literal["ready", "not_ready"]
    mode: Literal["mocked", "live"]
    launcher: str
    engine_reachable: bool | None = Field(description="null when the launcher needs no engine")
    engine_version: str | None
    worker_image: str | None
    worker_image_digest: str | None
    instance: str
    queue_depth: int
    running_jobs: int
    problem: str | None = None
    hint: str | None = None


class EnvelopeOut(BaseModel):
    """What every 4xx and 5xx answer holds."""

    error: str = Field(description="a word for the kind of error")
    message: str
    code: int = Field(description="the HTTP status", ge=400, le=599)
    correlation_id: str = Field(description="the request's trace id, also in the server's log")


class ErrorOut(EnvelopeOut):
    """Every 4xx and 5xx answer but 422; a 5xx has no detail."""

    model_config = ConfigDict(title="Error")

    detail: str | SkipJsonSchema[None] = None


class FaultOut(BaseModel):
    """What is wrong with one part of a request."""

    model_config = ConfigDict(title="Fault")

    type: str = Field(description="stable word for the kind of fault")
    loc: list[str | int] = Field(description="where: body, query or header, then the field")
    msg: str
    input: Any = Field(default=None, description="what was sent, shortened")
    ctx: dict[str, Any] | SkipJsonSchema[None] = None


class InvalidOut(EnvelopeOut):
    """The answer 422: each entry of ``detail`` names one fault."""

    model_config = ConfigDict(title="Invalid")

    detail: list[FaultOut]


class NotReady(Readiness, EnvelopeOut):
    """The answer 503 of ``/ready``: the envelope, and what is known about the cause."""
