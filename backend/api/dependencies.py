"""What routes are given: the backend's parts, the caller's preferences, and a way to wait for a job's end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Header, Path, Query, Request, Response
from pydantic import WithJsonSchema
from starlette.concurrency import run_in_threadpool

from backend.api import preferences
from backend.api.preferences import Preferences
from backend.lifecycle import has_ended
from backend.service import CURSOR_PATTERN

if TYPE_CHECKING:
    from backend.config import Settings
    from backend.dispatcher import Dispatcher
    from backend.job_copies import JobCopies
    from backend.job_outputs import JobOutputs
    from backend.metrics import Metrics
    from backend.models import Job
    from backend.project_files import ProjectFiles
    from backend.removal import ProjectRemoval
    from backend.service import Service
    from backend.signals import JobSignals
    from backend.status import StatusReport
    from backend.tracing.views import TraceViews


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of one backend, as the composition root put them together."""

    settings: Settings
    service: Service
    files: ProjectFiles
    dispatcher: Dispatcher
    signals: JobSignals
    copies: JobCopies
    metrics: Metrics
    removal: ProjectRemoval
    status: StatusReport
    outputs: JobOutputs
    traces: TraceViews

    async def wait_for(self, job: Job, timeout_s: float) -> bool:
        """Wait until a job has ended, at most ``timeout_s`` seconds; a caller who hangs up changes nothing."""
        if timeout_s <= 0 or has_ended(job.status):
            return has_ended(job.status)
        with self.signals.subscribe(job.id) as subscription:
            present, _ = await run_in_threadpool(self.service.job, job.project_id, job.id)
            return has_ended(present.status) or await subscription.wait(timeout_s)

    def announce_end(self, job_id: str) -> None:
        """Wake whoever waits for a job that ended without having run."""
        self.signals.ended(job_id)

    async def wait_until_stopped(self, job_id: str, extra_s: float) -> bool:
        """Wait for a job that was told to stop: the grace and ``extra_s`` seconds to judge and record its end."""
        with self.signals.subscribe(job_id) as subscription:
            if not self.dispatcher.runs(job_id):
                return True
            return await subscription.wait(self.settings.job_stop_grace_seconds + extra_s)

    def default_wait_s(self, wishes: Preferences) -> float:
        """How long the answer to a POST waits: mocked until the job has ended, live not at all, unless asked."""
        if wishes.wait_s is not None:
            return wishes.wait_s
        settings = self.settings
        return settings.job_timeout_seconds + settings.job_stop_grace_seconds if settings.use_dummy_worker else 0


async def _parts(request: Request) -> Parts:
    parts = request.app.state.parts
    assert isinstance(parts, Parts)  # noqa: S101  # put there by the composition root
    return parts


async def _preferences(
    request: Request,
    response: Response,
    prefer: Annotated[
        str | None,
        Header(
            description="wait=N (N ≤ 60): answer when the job has ended; respond-async: answer at once",
            examples=["wait=10", "respond-async"],
        ),
    ] = None,
) -> Preferences:
    del prefer  # declared for the documentation; a header may be sent more than once
    wishes = preferences.parse(request.headers.getlist("prefer"))
    if wishes.applied:
        response.headers["Preference-Applied"] = wishes.applied
    return wishes


# Ids are texts to the routes: one that is no UUID is unknown (404), not malformed (422).
_Uuid = WithJsonSchema({"type": "string", "format": "uuid"})
ProjectId = Annotated[str, Path(description="id of a project"), _Uuid]
JobId = Annotated[str, Path(description="id of a job of that project"), _Uuid]

GivenParts = Annotated[Parts, Depends(_parts)]
GivenPreferences = Annotated[Preferences, Depends(_preferences)]
GivenCursor = Annotated[
    str | None,
    Query(description="next_cursor of the page before"),
    # Another text is 400 and not 422, so the pattern is only documented here; the service checks it.
    WithJsonSchema({"type": "string", "pattern": CURSOR_PATTERN}),
]
GivenLimit = Annotated[int, Query(ge=1, le=100, description="items on a page")]
GivenKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[!-~]+$",
        description="the same key with the same body gives the same job",
    ),
]
