"""The stack's own containers, seen and removed through the docker SDK.

They are found by label: compose marks the backend with its project, and the backend marks each worker with its
instance, which is the same word. What carries neither is not ours, and neither is a project that compose started from
another checkout that still exists: it may have the same name, and is never touched.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from harness.errors import PrerequisiteError
from worker.contract import Label

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

DIGEST_LABEL: Final = "ladder.config"
LOG_LINES: Final = 30


@dataclass(frozen=True, slots=True)
class Backend:
    """A backend container as one inspect call showed it.

    Attributes:
        digest: Sum of the plan that it was started from.
        status: The engine's word, such as ``running`` or ``exited``.
        home: The checkout from which compose started it.
    """

    id: str
    status: str
    exit_code: int
    digest: str
    home: str


def find_backend(client: DockerClient, project: str) -> Backend | None:
    """Find the project's backend container, running or not."""
    found = _by_label(client, f"com.docker.compose.project={project}", "com.docker.compose.service=backend")
    if not found:
        return None
    container = found[0]
    state = container.attrs["State"]
    return Backend(
        id=str(container.id),
        status=str(state["Status"]),
        exit_code=int(state["ExitCode"]),
        digest=str(container.labels.get(DIGEST_LABEL, "")),
        home=str(container.labels.get("com.docker.compose.project.working_dir", "")),
    )


def require_own(backend: Backend | None, *, root: Path, project: str) -> None:
    """Refuse a project of the same name that another checkout runs; one whose checkout is gone may be taken over.

    Raises:
        PrerequisiteError: ``project-in-use``.
    """
    if backend is None or not backend.home or Path(backend.home) == root or not Path(backend.home).exists():
        return
    raise PrerequisiteError(
        "project-in-use",
        f"project {project} was started from {backend.home}",
        "stop it there (make down), or choose another name and port: make up LADDER_PROJECT=second PORT=8001",
    )


def log_tail(client: DockerClient, backend: Backend) -> str:
    """The last lines that the backend wrote; the caller masks them."""
    return bytes(client.containers.get(backend.id).logs(tail=LOG_LINES)).decode(errors="replace")


def remove_workers(client: DockerClient, project: str) -> int:
    """Remove every worker of this instance, whatever its state; tell how many there were."""
    from docker.errors import NotFound

    workers = _by_label(client, f"{Label.INSTANCE}={project}", Label.JOB)
    for worker in workers:
        try:
            worker.remove(force=True, v=True)
        except NotFound:
            # Somebody else's removal came first, which is what we want.
            continue
    return len(workers)


def _by_label(client: DockerClient, *labels: str) -> list[Container]:
    found: list[Container] = client.containers.list(all=True, filters={"label": list(labels)}, ignore_removed=True)
    return found
