"""The bare side: the container that the backend would make for a job, driven by the engine's API alone.

Image, limits, labels, mount and environment come from the launcher's own code, the request from the contract; only the
instance label differs, so that the backend does not take these containers for its own.
"""

from __future__ import annotations

import json
import time
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path  # noqa: TC003  # part of the interface
from typing import TYPE_CHECKING, Any, Final

from backend.launchers import container_body
from backend.launchers.base import LaunchSpec
from backend.launchers.docker_settings import DockerSettings
from backend.launchers.host_path import WorkspaceMap
from backend.workspace import writer
from tests.bench.subject import EDIT, GENERATE, require_success
from worker.contract import (
    RESULT_PATH,
    EngineName,
    EnvName,
    JobRequest,
    JobType,
    TraceContext,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import docker

WAIT_S: Final = 60
LIFETIME: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class RawJob:
    """A job that waits for its container: its request is written, its create request is built.

    Attributes:
        body: Of ``POST /containers/create``.
    """

    job_id: str
    name: str
    workspace: Path
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RawRun:
    """A job that has run; the container is still there."""

    job_id: str
    container: str
    timings_ms: Mapping[str, float]


class RawEngine:
    """Runs workers by engine calls.

    Args:
        client: Shared by all callers, as the backend's is.
        image_id: Resolved once, as the backend does.
        root: Where the workspaces are.
    """

    def __init__(self, client: docker.APIClient, *, image_id: str, instance: str, root: Path) -> None:
        self._client = client
        self._image_id = image_id
        self._owner = writer.owner_for_worker()
        user = f"{self._owner.uid}:{self._owner.gid}"
        self._settings = DockerSettings(image=image_id, instance=instance, workspace_root=root, user=user)
        self._map = WorkspaceMap(root, configured="", own_mounts=None, api_version=(1, 41))

    def create_project(self) -> str:
        """Make a workspace, let a worker fill it, and return the project's id."""
        job = self.prepare_project()
        self.run_and_remove(job)
        return job.workspace.name

    def prepare_project(self) -> RawJob:
        """Make a workspace, and prepare the job that fills it."""
        project_id = str(uuid.uuid4())
        writer.create_workspace(self._settings.workspace_root, project_id, owner=self._owner)
        return self.prepare(project_id, JobType.INITIAL_PROJECT, GENERATE)

    def prepare(self, project_id: str, job_type: JobType = JobType.EDIT, instruction: str = EDIT) -> RawJob:
        """Write the request of a new job and build the body of its create request."""
        job_id, trace_id = str(uuid.uuid4()), uuid.uuid4().hex
        present = datetime.now(UTC)
        workspace = self._settings.workspace_root / project_id
        request = JobRequest(
            project_id=project_id,
            job_id=job_id,
            job_type=job_type,
            instruction=instruction,
            engine=EngineName.TEMPLATE,
            attempt=1,
            created_at=present.isoformat(),
            deadline_at=(present + LIFETIME).isoformat(),
            trace=TraceContext(f"00-{trace_id}-{trace_id[:16]}-01"),
        )
        writer.clear_result(workspace)
        writer.write_request(workspace, request.to_json())
        name = container_body.container_name(self._settings.instance, job_id, 1)
        return RawJob(job_id, name, workspace, self._body(request, workspace))

    def _body(self, request: JobRequest, workspace: Path) -> dict[str, Any]:
        environment = {EnvName.WORKER_ENGINE: request.engine, EnvName.TRACEPARENT: request.trace.traceparent}
        spec = LaunchSpec(
            project_id=request.project_id,
            job_id=request.job_id,
            attempt=request.attempt,
            workspace=workspace,
            environment={str(name): value for name, value in environment.items()},
            secrets={},
            deadline_at=datetime.fromisoformat(request.deadline_at),
        )
        return container_body.create_body(
            spec,
            labels=container_body.labels(spec, instance=self._settings.instance, image_id=self._image_id),
            hardening=self._settings.hardening(),
            mount=self._map.mount(workspace),
            command=None,
        )

    def run(self, job: RawJob) -> RawRun:
        """Create, start, wait, read the result.

        Raises:
            BenchError: The worker did not succeed.
        """
        timings: dict[str, float] = {}
        with _timed(timings, "create"):
            container = str(self._client.create_container_from_config(job.body, job.name)["Id"])
        with _timed(timings, "start"):
            self._client.start(container)
        with _timed(timings, "wait"):
            self._client.wait(container, timeout=WAIT_S)
        with _timed(timings, "read"):
            result = json.loads((job.workspace / RESULT_PATH).read_bytes())
        require_success(result, job.job_id)
        return RawRun(job.job_id, container, timings)

    def run_and_remove(self, job: RawJob) -> str:
        """Do all that a job costs; returns its id."""
        self.remove(self.run(job).container)
        return job.job_id

    def remove(self, container: str) -> None:
        """Remove a container as the backend does."""
        self._client.remove_container(container, v=True, force=True)


@contextmanager
def _timed(timings: dict[str, float], phase: str) -> Iterator[None]:
    begun = time.perf_counter()
    yield
    timings[phase] = (time.perf_counter() - begun) * 1000
