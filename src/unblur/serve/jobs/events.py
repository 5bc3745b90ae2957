"""Server-sent events: what becomes of jobs, told as it happens."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from unblur.serve.api import Queue, problems
from unblur.serve.jobs import Jobs
from unblur.serve.jobs.job import Job
from unblur.serve.jobs.states import Ids, JobOf, JobsOf, named, state_of
from unblur.serve.queue import PhotoQueue

TICK = 0.15
"""Seconds between two looks at the jobs."""
QUIET = 15.0
"""Seconds without an event after which a comment keeps the connection."""
_EVENT = {
    "type": "object",
    "properties": {"event": {"enum": ["job", "gone"]}, "data": {"type": "string"}},
    "required": ["event", "data"],
}
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The events, as they happen.",
        "content": {"text/event-stream": {"itemSchema": _EVENT}},
    }
}

router: APIRouter = APIRouter(prefix="/v1/jobs", tags=["jobs"])


@router.get(
    "/events",
    summary="Follow many jobs",
    response_class=Response,
    responses={**_STREAM, **problems(422)},
)
async def follow_jobs(
    request: Request, jobs: JobsOf, queue: Queue, chosen: Annotated[Ids, Query()]
) -> Response:
    """As `/v1/jobs/{id}/events`, until all of the jobs are removed, finished or not.

    `event: gone` is sent at once for those that there are not.
    """
    return _sent(_events(jobs, queue, named(request, chosen), until_finished=False))


@router.get(
    "/{id}/events",
    summary="Follow a job",
    response_class=Response,
    responses={**_STREAM, **problems(404)},
)
async def follow_job(jobs: JobsOf, queue: Queue, job: JobOf) -> Response:
    """Server-sent events, until the job is finished.

    `event: job` brings its state, at once and at each change; `event: gone`, with
    `{"id": "..."}`, says that it was removed. A job that is followed counts as asked for.
    """
    return _sent(_events(jobs, queue, [job.record.id], until_finished=True))


def _sent(events: AsyncIterator[str]) -> Response:
    # FastAPI's own streams log a traceback when a client leaves that has events to come.
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}  # nginx would hold them back
    return StreamingResponse(events, media_type="text/event-stream", headers=headers)


async def _events(
    jobs: Jobs, queue: PhotoQueue, ids: list[str], until_finished: bool
) -> AsyncIterator[str]:
    """Ends when nothing more can follow, and when the server is stopping."""
    told: dict[str, Any] = dict.fromkeys(ids)
    last = time.monotonic()
    while told and not queue.draining:
        for identity in list(told):
            job = jobs.get(identity)
            if job is None:
                del told[identity]
                yield _event("gone", json.dumps({"id": identity}))
                await asyncio.sleep(0)
                continue
            known = _known(jobs, job)
            if known != told[identity]:
                told[identity] = known
                yield _event("job", state_of(jobs, job).model_dump_json())
                last = time.monotonic()
                await asyncio.sleep(0)  # or the server would not notice that the client left
            if until_finished and job.record.finished is not None:
                return
        if time.monotonic() - last > QUIET:
            yield ":\n\n"
            last = time.monotonic()
        await asyncio.sleep(TICK)


def _event(name: str, data: str) -> str:
    """As the HTML standard has it; JSON has no line breaks."""
    return f"event: {name}\ndata: {data}\n\n"


def _known(jobs: Jobs, job: Job) -> tuple[Any, ...]:
    """What tells whether the state of a job has changed; cheaper than the state."""
    measures = job.measuring is not None
    return job.record, job.state, round(job.progress, 3), jobs.position(job), measures
