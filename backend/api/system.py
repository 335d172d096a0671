"""Routes about the backend itself."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.exposition import choose_encoder

from backend.api.dependencies import GivenParts
from backend.api.documented import answers, operation_id
from backend.api.envelope import error_body
from backend.api.schemas import Health, NotReady, Readiness
from backend.api.span import current_span

router = APIRouter(tags=["system"], generate_unique_id_function=operation_id)
metrics_router = APIRouter(tags=["system"], generate_unique_id_function=operation_id)


@router.get("/health", response_model=Health, responses=answers())
async def health() -> Health:
    """Tell that the process answers; it asks nobody else."""
    return Health(status="ok")


@router.get(
    "/ready",
    response_model=Readiness,
    responses=answers() | {503: {"model": NotReady, "description": "Jobs cannot be run now"}},
)
def ready(parts: GivenParts, request: Request) -> Response:
    """Tell whether jobs can be run now: mode, launcher, engine, worker image, queue."""
    facts = asdict(parts.status.look())
    if facts["problem"] is None:
        return JSONResponse(facts)
    return JSONResponse(error_body(503, detail=None, correlation_id=current_span(request).correlation_id) | facts, 503)


@metrics_router.get(
    "/metrics",
    response_class=Response,
    responses=answers()
    | {
        200: {
            "content": {
                "text/plain": {"schema": {"type": "string"}},
                "application/openmetrics-text": {"schema": {"type": "string"}},
            }
        }
    },
)
def metrics(parts: GivenParts, request: Request) -> Response:
    """Give all metrics in the text format of Prometheus; in OpenMetrics, with traces as examples, if asked for."""
    queued, running = parts.service.queue_depth()
    encode, media_type = choose_encoder(request.headers.get("accept", ""))
    if encode is generate_latest:
        media_type = CONTENT_TYPE_LATEST
    return Response(parts.metrics.render(queued=queued, running=running, encode=encode), media_type=media_type)
