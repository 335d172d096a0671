"""Whether jobs can be run now: the answer of ``/ready``, looked up at the moment of asking."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backend.config import Settings
    from backend.launchers.base import Launcher
    from backend.service import Service


@dataclass(frozen=True, slots=True)
class ReadinessFacts:
    """What ``/ready`` tells; field meanings as in ``LauncherStatus``."""

    status: str
    mode: str
    launcher: str
    engine_reachable: bool | None
    engine_version: str | None
    worker_image: str | None
    worker_image_digest: str | None
    instance: str
    queue_depth: int
    running_jobs: int
    problem: str | None
    hint: str | None

    @property
    def can_run_jobs(self) -> bool:
        """Whether a job posted now would be launched."""
        return self.problem is None


@dataclass(frozen=True, slots=True)
class StatusReport:
    """Looks at launcher and queue."""

    settings: Settings
    service: Service
    launcher: Launcher
    instance: str

    def look(self) -> ReadinessFacts:
        """Ask the launcher and the database now."""
        found = self.launcher.status()
        queued, running = self.service.queue_depth()
        return ReadinessFacts(
            status="not_ready" if found.problem else "ready",
            mode=self.settings.mode,
            launcher=found.name,
            engine_reachable=found.engine_reachable,
            engine_version=found.engine_version,
            worker_image=found.worker_image,
            worker_image_digest=found.worker_image_digest,
            instance=self.instance,
            queue_depth=queued,
            running_jobs=running,
            problem=found.problem or None,
            hint=found.hint or None,
        )
