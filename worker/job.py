"""One job from its environment to its exit code: read the request, have it done, write the result.

A request that cannot be believed gets a result too, under the ids that the launcher named; nothing is invented for what
it left out. The exit code only says whether a result could be written.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from worker import snapshot
from worker.clock import Clock
from worker.contract import (
    DUMMY_LOG_LINE,
    MAX_REQUEST_BYTES,
    MAX_SUMMARY_CHARS,
    REQUEST_INVALID,
    REQUEST_PATH,
    ContractError,
    EngineName,
    ExitCode,
    JobRequest,
    JobResult,
    ResultStatus,
    WrittenBy,
    parse_request,
)
from worker.engines.outcome import Outcome
from worker.journal import Journal
from worker.otlp import Origin
from worker.settings import Settings, sleep_duration
from worker.snapshot import Changes
from worker.trace import Span, Step, belong_to, recorded, span
from worker.work import Worker, reason, work
from worker.workspace import MissingFileError, PathError, UnsafePathError, Workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from worker.stop import StopSignal

UNKNOWN: Final = "unknown"


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose result is written; from the request, or from the environment when the request cannot be believed."""

    project_id: str
    job_id: str
    job_type: str
    engine: EngineName
    trace_id: str | None

    @classmethod
    def of_request(cls, request: JobRequest) -> Identity:
        """Take the identity that a believed request states."""
        return cls(request.project_id, request.job_id, request.job_type, request.engine, request.trace.trace_id)

    @classmethod
    def of_settings(cls, settings: Settings) -> Identity:
        """Take what the launcher said."""
        job_id, project_id = settings.job_id or UNKNOWN, settings.project_id or UNKNOWN
        return cls(project_id, job_id, UNKNOWN, settings.engine, settings.trace_id)


def perform(
    environ: Mapping[str, str], *, stop: StopSignal, write: Callable[[str], None], clock: Clock | None = None
) -> ExitCode:
    """Do the one job that the environment leads to.

    Args:
        environ: The variables of ``EnvName``, and the secrets.
        stop: Notes stop signals; it raises only while the engine works or sleeps.
        write: Takes each log line as it comes.
        clock: Started when the program did; by default, now.
    """
    started_at = _now()
    settings = Settings.from_environment(environ)
    if settings.workspace_dir is None:
        write("error=workspace-not-named: set WORKSPACE_DIR to the project's directory")
        return ExitCode.USAGE
    try:
        workspace = Workspace.open(settings.workspace_dir)
    except (OSError, PathError) as error:
        write(f"error=workspace-unusable: {reason(error)}; WORKSPACE_DIR and its .codex must be plain directories")
        return ExitCode.WORKSPACE_UNUSABLE
    with workspace, recorded(workspace, clock or Clock()) as recorder:
        with span(Step.RUN) as run:
            code = _answer(Worker(settings, workspace, stop, Journal(write)), started_at, run=run)
        if recorder.lost:
            # Not in the job's own log, which stands in its result: that says the same with and without a trace.
            write(f"trace_dropped={recorder.lost}")
    return code


def read_request(workspace: Workspace, settings: Settings) -> tuple[JobRequest, datetime]:
    """Read ``.codex/request.json``, check that it is for this job and project, and return it with its deadline.

    Raises:
        ContractError: ``request-missing``, ``request-not-regular``, ``request-unreadable``,
            ``request-wrong-project``, or what ``parse_request`` finds.
    """
    try:
        data = workspace.read(REQUEST_PATH, max_bytes=MAX_REQUEST_BYTES)
    except MissingFileError as error:
        raise ContractError("request-missing", "there is no request") from error
    except UnsafePathError as error:
        raise ContractError("request-not-regular", "the request is a link or no file") from error
    except OSError as error:
        raise ContractError("request-unreadable", "the request cannot be read") from error
    request = parse_request(data, job_id=settings.job_id)
    if settings.project_id is not None and request.project_id != settings.project_id:
        raise ContractError("request-wrong-project", "the request is for another project")
    return request, _deadline(request)


def _answer(worker: Worker, started_at: str, *, run: Span) -> ExitCode:
    try:
        with span(Step.READ_REQUEST):
            request, deadline = read_request(worker.workspace, worker.settings)
    except ContractError as error:
        belong_to(Origin.of_header(worker.settings.traceparent))
        identity = Identity.of_settings(worker.settings)
        _introduce(worker, identity)
        worker.journal.emit(f"{REQUEST_INVALID}={error.reference}")
        outcome = Outcome("The job's request could not be believed; no project file was touched.", (REQUEST_INVALID,))
        changes = Changes()
    else:
        identity = Identity.of_request(request)
        _place(request, worker.settings, run)
        _introduce(worker, identity)
        outcome, changes = work(request, worker, deadline=deadline)
    worker.journal.emit(f"status={_status(outcome)}")
    _sum_up(outcome, changes, run)
    result = _result(identity, outcome, changes=changes, started_at=started_at, logs=worker.journal.lines)
    try:
        with span(Step.WRITE_RESULT):
            worker.workspace.write_result(result.to_json().encode())
    except (OSError, PathError) as error:
        worker.journal.emit(f"error=result-unwritable: {reason(error)}")
        run.fail("result_unwritable")
        return ExitCode.RESULT_UNWRITABLE
    return ExitCode.OK


def _place(request: JobRequest, settings: Settings, run: Span) -> None:
    # The request alone says what the job is, and so also where it belongs; the environment only has to agree.
    if settings.traceparent and settings.traceparent != request.trace.traceparent:
        run.note("evidence.reference", "traceparent-differs")
    run.note("evidence.job.type", request.job_type)
    run.note("evidence.job.engine", request.engine)
    run.note("evidence.attempt", request.attempt)
    belong_to(Origin.of_header(request.trace.traceparent))


def _sum_up(outcome: Outcome, changes: Changes, run: Span) -> None:
    run.fail(*outcome.errors)
    run.note("evidence.result.status", _status(outcome))
    run.note("evidence.errors", len(outcome.errors))
    for what in ("created", "modified", "deleted"):
        run.note(f"evidence.files.{what}", len(getattr(changes, what)))


def _introduce(worker: Worker, identity: Identity) -> None:
    dummy = identity.engine is EngineName.DUMMY
    opening = (DUMMY_LOG_LINE,) if dummy else worker.settings.presence_lines()
    for line in (*opening, f"job_type={identity.job_type}", f"engine={identity.engine}"):
        worker.journal.emit(line)
    worker.journal.emit(f"lists_leave_out={','.join(snapshot.LEFT_OUT)}")
    if worker.settings.sleep_seconds is not None and not dummy:
        seconds = sleep_duration(worker.settings.sleep_seconds)
        worker.journal.emit(f"sleep_seconds={'invalid' if seconds is None else format(seconds, 'g')}")


def _deadline(request: JobRequest) -> datetime:
    try:
        deadline = datetime.fromisoformat(request.deadline_at)
    except ValueError as error:
        raise ContractError("request-bad-field", "deadline_at is not an RFC 3339 time") from error
    if deadline.tzinfo is None:
        raise ContractError("request-bad-field", "deadline_at has no time zone")
    return deadline


def _status(outcome: Outcome) -> ResultStatus:
    return ResultStatus.ERROR if outcome.errors else ResultStatus.SUCCESS


def _result(
    identity: Identity, outcome: Outcome, *, changes: Changes, started_at: str, logs: tuple[str, ...]
) -> JobResult:
    finished_at = _now()
    return JobResult(
        project_id=identity.project_id,
        job_id=identity.job_id,
        engine=identity.engine,
        written_by=WrittenBy.WORKER,
        status=_status(outcome),
        summary=outcome.summary.strip()[:MAX_SUMMARY_CHARS] or "The engine gave no summary.",
        created_files=changes.created,
        modified_files=changes.modified,
        errors=outcome.errors,
        logs=logs,
        timestamp=finished_at,
        started_at=started_at,
        finished_at=finished_at,
        trace_id=identity.trace_id,
        deleted_files=changes.deleted,
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
