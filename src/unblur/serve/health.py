"""GET /healthz, /readyz and /metrics, for those who operate the server."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import PlainTextResponse, Response
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from unblur.serve.api import EVERYWHERE, Problem, Queue, problems

router = APIRouter(tags=["operation"])


class Health(BaseModel):
    status: str


@router.get("/healthz", summary="Whether the server is alive")
async def healthz() -> Health:
    """For whoever restarts what is not: always 200."""
    return Health(status="ok")


@router.get(
    "/readyz",
    summary="Whether the server takes photos",
    responses={503: {"model": Problem, "description": "The server stops."}},
)
async def readyz(queue: Queue) -> Health:
    """For a balancer: 503 when the server is about to stop. A full queue is no reason."""
    if queue.draining:
        raise HTTPException(503, "the server stops")
    return Health(status="ready")


@router.get(
    "/metrics",
    summary="Figures for Prometheus",
    response_class=PlainTextResponse,
    responses=problems(*EVERYWHERE),
)
async def metrics(request: Request) -> Response:
    """Requests, photos, the queue, jobs, and the process, in Prometheus's text format."""
    text = await run_in_threadpool(request.app.state.metrics.text)
    return Response(text, media_type="text/plain; version=1.0.0; charset=utf-8")
