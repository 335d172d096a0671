"""Routes about the backend itself."""

from __future__ import annotations

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from backend.api.dependencies import GivenParts
from backend.api.documented import answers
from backend.api.schemas import Health, Readiness

router = APIRouter(tags=["system"])
metrics_router = APIRouter(tags=["system"])


@router.get("/health", response_model=Health)
async def health() -> Health:
    """Tell that the process answers; it asks nobody else."""
    return Health(status="ok")


@router.get(
    "/ready",
    response_model=Readiness,
    response_model_exclude_none=False,
    responses=answers() | {503: {"model": Readiness, "description": "Jobs cannot be run now"}},
)
def ready(parts: GivenParts, response: Response) -> Readiness:
    """Tell whether jobs can be run now: mode, launcher, engine, worker image, queue."""
    readiness = parts.status.look()
    if not readiness.can_run_jobs:
        response.status_code = 503
    return Readiness.model_validate(readiness, from_attributes=True)


@metrics_router.get(
    "/metrics",
    response_class=Response,
    responses=answers() | {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def metrics(parts: GivenParts) -> Response:
    """Give all metrics in the text format of Prometheus."""
    queued, running = parts.service.queue_depth()
    return Response(parts.metrics.render(queued=queued, running=running), media_type=CONTENT_TYPE_LATEST)
