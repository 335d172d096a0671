"""What the use cases need of a launcher, and the facts that launchers report.

A launcher starts one worker for one attempt and tells what became of it. It decides nothing about the job: the
classifier does that from the facts. The interface is narrow (prepare, launch, observe, stop, collect, remove, list),
so that containers prepared ahead of their job, or a cluster instead of the local engine, fit behind it later.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from backend.redaction import Secret


class LauncherError(Exception):
    """The worker of an attempt could not be started, or the engine behind the launcher did not answer.

    Attributes:
        reference: Stable kebab-case name of the fault, such as ``image-missing``.
        hint: A command or a sentence that repairs it.
    """

    def __init__(self, reference: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.reference = reference
        self.hint = hint


class LaunchRefusedError(LauncherError):
    """The engine answered, and refused: this attempt will never start (image, mount, network, disk, name)."""


class EngineUnavailableError(LauncherError):
    """The engine did not answer; the same call may succeed later, and a worker may be running meanwhile."""


class Phase(StrEnum):
    """Where a worker stands, in the launcher's own words for every engine."""

    CREATED = "created"
    RUNNING = "running"
    EXITED = "exited"
    GONE = "gone"
    """The launcher knows no such worker (any more)."""


@dataclass(frozen=True, slots=True)
class LaunchSpec:
    """Everything needed to start one attempt.

    Attributes:
        attempt: Launches of this job so far, from 1; job and attempt together name the worker.
        workspace: The project's directory as the backend sees it; nothing else is mounted.
        environment: Non-secret variables by name. The launcher adds WORKSPACE_DIR, JOB_ID and PROJECT_ID itself,
            because only it knows where the workspace is as the worker sees it.
        secrets: Secret variables by name; their values travel in the API body only.
        deadline_at: The instant (aware, UTC) after which the attempt may be killed by anyone who finds it.
    """

    project_id: str
    job_id: str
    attempt: int
    workspace: Path
    environment: Mapping[str, str]
    secrets: Mapping[str, Secret]
    deadline_at: datetime


@dataclass(frozen=True, slots=True)
class Handle:
    """One worker as its launcher knows it; enough to find it again after a restart.

    Attributes:
        launcher: Name of the launcher that made it.
        ref: Container id, or what the launcher uses instead.
        deadline_at: From the worker's label; ``None`` when the label is missing or unreadable.
    """

    launcher: str
    ref: str
    project_id: str
    job_id: str
    attempt: int
    deadline_at: datetime | None


@dataclass(frozen=True, slots=True)
class WorkerState:
    """Facts about a worker, all from one look, so that they agree with one another.

    Attributes:
        exit_code: ``None`` unless the worker has exited, or the engine failed to start it: a worker that is still
            ``created`` with 126, 127 or 128 will never run.
        oom_killed: The kernel killed a process of the worker for memory; with exit code 0 it was a child.
        problem: The engine's own words when it could not run the worker; empty otherwise.
        image_digest: Image id (``sha256:…``) as inspected, not as asked for; ``None`` when no container ran.
        granted: Hardening as granted, by the names of ``backend.launchers.hardening``; empty when no container ran.
        missing: Hardening that was asked for and not granted; each is a finding.
    """

    phase: Phase
    exit_code: int | None = None
    oom_killed: bool = False
    problem: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    container_id: str | None = None
    image_digest: str | None = None
    granted: Mapping[str, object] = field(default_factory=dict)
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WorkerLog:
    """A worker's output, stdout and stderr together, not yet redacted.

    Attributes:
        data: At most the number of bytes asked for: the newest ones.
        truncated: True when older output was dropped, here or by the engine's log rotation.
    """

    data: bytes
    truncated: bool


@dataclass(frozen=True, slots=True)
class LauncherStatus:
    """What ``/ready`` tells about the launcher.

    Attributes:
        engine_reachable: ``None`` when the launcher needs no engine.
        problem: Empty when jobs can be launched; else what is wrong, with ``hint`` as its repair.
    """

    name: str
    engine_reachable: bool | None
    engine_version: str | None = None
    worker_image: str | None = None
    worker_image_digest: str | None = None
    problem: str = ""
    hint: str = ""


class Launcher(Protocol):
    """Starts workers and reports facts about them. Every call is bounded in time and safe from any thread."""

    @property
    def name(self) -> str:
        """``docker`` or ``dummy``; stored with each attempt."""

    def status(self) -> LauncherStatus:
        """Look at the engine and the worker image now. Never raises."""

    def prepare(self, spec: LaunchSpec) -> Handle:
        """Create the attempt's worker without starting it; a worker of the same attempt is adopted, not doubled.

        Raises:
            LaunchRefusedError: The engine refuses (image, mount, disk, …).
            EngineUnavailableError: No answer.
        """

    def launch(self, handle: Handle) -> None:
        """Start a prepared worker; harmless when it runs already.

        Raises:
            LaunchRefusedError: The engine refuses (command not found, source gone, network gone, …).
            EngineUnavailableError: No answer.
        """

    def observe(self, handle: Handle, *, timeout_s: float) -> WorkerState:
        """Wait until the worker has ended, at most ``timeout_s`` seconds, and report one consistent look at it.

        With ``timeout_s=0`` it looks without waiting. The state of a worker that still runs has phase ``running``.
        It may come back early: at once when the worker was never started (nothing to wait for), and when the
        connection broke but the engine answers again.

        Raises:
            EngineUnavailableError: No answer.
        """

    def stop(self, handle: Handle, *, grace_s: float) -> None:
        """Ask the worker to end, wait ``grace_s`` seconds, then kill it. Harmless when it has ended or is gone.

        Raises:
            EngineUnavailableError: No answer, or the worker survived the kill.
        """

    def collect(self, handle: Handle, *, max_bytes: int) -> WorkerLog:
        """Read the newest output of a worker, running or ended; empty when it is gone.

        Raises:
            EngineUnavailableError: No answer.
        """

    def remove(self, handle: Handle) -> None:
        """Remove the worker, killing it if it still runs. Harmless when it is gone.

        Raises:
            EngineUnavailableError: No answer.
        """

    def list(self) -> tuple[Handle, ...]:
        """All workers of this backend's instance, whatever their phase.

        Raises:
            EngineUnavailableError: No answer.
        """

    def close(self) -> None:
        """Release what the launcher holds: connections, or workers that cannot outlive this process."""
