"""GET /healthz, /readyz and /metrics."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import PlainTextResponse, Response
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from unblur.serve.api import Problem, Queue, problems

router: APIRouter = APIRouter(tags=["operation"])


class Health(BaseModel):
    status: str


@router.get("/healthz", summary="Whether the server is alive")
async def healthz() -> Health:
    """Always 200 while the process runs."""
    return Health(status="ok")


@router.get(
    "/readyz",
    summary="Whether the server accepts photos",
    responses={503: {"model": Problem, "description": "The server is stopping."}},
)
async def readyz(queue: Queue) -> Health:
    """503 once the server is stopping; a full queue does not count."""
    if queue.draining:
        raise HTTPException(503, "the server is stopping")
    return Health(status="ready")


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    response_class=PlainTextResponse,
    responses=problems(),
)
async def metrics(request: Request) -> Response:
    """Requests, photos, the queue, jobs and the process, in Prometheus's text format."""
    text = await run_in_threadpool(request.app.state.metrics.text)
    return Response(text, media_type="text/plain; version=1.0.0; charset=utf-8")
