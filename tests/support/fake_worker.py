"""A worker in memory: the results that it may leave, and what else it does when it was launched."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from backend.launchers.base import (
    Handle,
    Phase,
)
from worker.contract import (
    EngineName,
    JobRequest,
    JobResult,
    ResultStatus,
    WrittenBy,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from backend.launchers.base import LaunchSpec


def document(request: JobRequest, **changes: Any) -> bytes:
    """The bytes of a valid, successful result for a request, with some fields changed or added."""
    moment = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    result = JobResult(
        project_id=request.project_id,
        job_id=request.job_id,
        engine=EngineName(request.engine),
        written_by=WrittenBy.WORKER,
        status=ResultStatus.SUCCESS,
        summary=f"Done: {request.instruction[:60]}",
        created_files=(),
        modified_files=("app.py",),
        errors=(),
        logs=(f"job_type={request.job_type}",),
        timestamp=moment,
        started_at=moment,
        finished_at=moment,
        trace_id=request.trace.trace_id,
    )
    return (json.dumps(json.loads(result.to_json()) | changes, indent=2, ensure_ascii=False) + "\n").encode()


def failing(request: JobRequest) -> bytes:
    """A valid result with status error: the worker's own failure."""
    return document(request, status="error", errors=["forced_error"], summary="It failed as it was told to.")


def half_json(request: JobRequest) -> bytes:
    """The first half of a result."""
    return document(request)[: len(document(request)) // 2]


def another_jobs(request: JobRequest) -> bytes:
    """A valid result, of another job."""
    return document(request, job_id="00000000-0000-4000-8000-000000000000")


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What a worker does once it was launched.

    Attributes:
        leaves: Makes the bytes of its result; ``None`` leaves none.
        output: What it prints.
        holds: It acts only when the test releases it; otherwise at once.
        ignores_stop: SIGTERM does nothing to it, SIGKILL ends it.
        survives_kill: Not even SIGKILL ends it, as when it hangs in a file system.
        vanishes: When it acts, it is removed behind the backend's back.
        writes: Adds its instruction as a line to this project file.
    """

    leaves: Callable[[JobRequest], bytes] | None = document
    output: bytes = b"worker: done\n"
    exit_code: int = 0
    oom_killed: bool = False
    holds: bool = False
    ignores_stop: bool = False
    survives_kill: bool = False
    vanishes: bool = False
    writes: str | None = None


@dataclass(slots=True)
class FakeWorker:
    """One worker as the engine knows it."""

    handle: Handle
    spec: LaunchSpec | None
    instance: str
    phase: Phase = Phase.CREATED
    behaviour: Behaviour = field(default_factory=Behaviour)
    request: JobRequest | None = None
    output: bytes = b""
    exit_code: int | None = None
    oom_killed: bool = False
    started_at: datetime | None = None
    finished_at: datetime | None = None
    signals: list[str] = field(default_factory=list)

    @property
    def key(self) -> tuple[str, int]:
        return self.handle.job_id, self.handle.attempt

    def end(self, exit_code: int) -> None:
        self.phase, self.exit_code, self.finished_at = Phase.EXITED, exit_code, datetime.now(UTC)
