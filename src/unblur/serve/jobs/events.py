"""Server-sent events: what becomes of jobs, told as it happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter
from fastapi.sse import EventSourceResponse, ServerSentEvent

from unblur.serve.api import Queue, problems
from unblur.serve.jobs import Jobs
from unblur.serve.jobs.job import Job
from unblur.serve.jobs.states import Ids, JobOf, JobsOf, state_of
from unblur.serve.queue import PhotoQueue

TICK = 0.15
"""Seconds between two looks at the jobs."""

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])


@router.get(
    "/events",
    summary="Follow many jobs",
    response_class=EventSourceResponse,
    responses=problems(422),
)
async def follow_jobs(jobs: JobsOf, queue: Queue, ids: Ids) -> AsyncIterator[ServerSentEvent]:
    """As `/v1/jobs/{id}/events`, until all of the jobs are removed, finished or not.

    `event: gone` is sent at once for those that there are not.
    """
    async for event in _events(jobs, queue, ids, until_finished=False):
        yield event


@router.get(
    "/{id}/events",
    summary="Follow a job",
    response_class=EventSourceResponse,
    responses=problems(404),
)
async def follow_job(jobs: JobsOf, queue: Queue, job: JobOf) -> AsyncIterator[ServerSentEvent]:
    """Server-sent events, until the job is finished.

    `event: job` brings its state, at once and at each change; `event: gone`, with
    `{"id": "..."}`, says that it was removed. A job that is followed counts as asked for.
    """
    async for event in _events(jobs, queue, [job.record.id], until_finished=True):
        yield event


async def _events(
    jobs: Jobs, queue: PhotoQueue, ids: list[str], until_finished: bool
) -> AsyncIterator[ServerSentEvent]:
    """Ends when nothing more can follow, and when the server is stopping."""
    told: dict[str, Any] = dict.fromkeys(ids)
    while told and not queue.draining:
        for identity in list(told):
            job = jobs.get(identity)
            if job is None:
                del told[identity]
                yield ServerSentEvent(event="gone", data={"id": identity})
                continue
            known = _known(jobs, job)
            if known != told[identity]:
                told[identity] = known
                yield ServerSentEvent(event="job", data=state_of(jobs, job))
            if until_finished and job.record.finished is not None:
                return
        await asyncio.sleep(TICK)


def _known(jobs: Jobs, job: Job) -> tuple[Any, ...]:
    """What tells whether the state of a job has changed; cheaper than the state."""
    measures = job.measuring is not None
    return job.record, job.state, round(job.progress, 3), jobs.position(job), measures
