"""/v1/jobs: photos that are deblurred after the answer, even if the server restarts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import anyio.to_thread
from fastapi import APIRouter, HTTPException, Request, Response
from starlette.concurrency import run_in_threadpool

from unblur.errors import BusyError, ModelError, PhotoError
from unblur.serve.api import UPLOAD, problems
from unblur.serve.errors import refusal
from unblur.serve.jobs import FULL
from unblur.serve.jobs.choices import AgainOptions, JobChoices, JobOptions
from unblur.serve.jobs.states import JobOf, JobsOf, JobState, no_job, no_room, state_of
from unblur.serve.uploads import body, check_names, received

router: APIRouter = APIRouter(prefix="/v1/jobs", tags=["jobs"])


@router.post(
    "",
    summary="Post a job",
    status_code=202,
    responses=problems(*UPLOAD),
    openapi_extra=body(JobChoices),
)
async def post_job(
    request: Request, response: Response, jobs: JobsOf, options: JobOptions
) -> JobState:
    """As `/v1/deblur`, but the answer is sent when the photo is on the server's disk.

    From then on the job survives a restart of the server. It is done in its turn, and its result
    is kept for a while. `Location` is its address.
    """
    if jobs.is_full():
        raise refusal(BusyError(FULL))
    async with received(request, options) as (file, chosen):
        decodes = jobs.decoders if chosen.view else None
        with _refusals():
            job = await anyio.to_thread.run_sync(jobs.create, file, chosen, limiter=decodes)
    response.headers["location"] = f"/v1/jobs/{job.record.id}"
    return state_of(jobs, job)


@router.get("/{id}", summary="Get a job's state", responses=problems(404))
async def get_job(jobs: JobsOf, job: JobOf) -> JobState:
    """Its state and progress."""
    return state_of(jobs, job)


@router.post(
    "/{id}/again",
    summary="Post a job of the same photo",
    status_code=202,
    responses=problems(403, 404, 409, 422, 429, 503),
)
async def post_again(
    request: Request, response: Response, jobs: JobsOf, job: JobOf, options: AgainOptions
) -> JobState:
    """Another job of a job's photo, which is not sent again; what is left out is as it was.

    The photo is there until a job is finished, and as long as the job if that was posted to be
    viewed; else the answer is 409.
    """
    check_names((name for name, _ in request.query_params.multi_items()), options)
    async for part in request.stream():
        if part:
            raise HTTPException(422, "the options belong in the address, as again?best=true")
    with _refusals():
        try:
            made = await run_in_threadpool(jobs.again, job, options)
        except FileNotFoundError:
            detail = "the job's photo is not kept any more; send it again"
            raise HTTPException(409, detail) from None
    response.headers["location"] = f"/v1/jobs/{made.record.id}"
    return state_of(jobs, made)


@router.delete("/{id}", summary="Delete a job", status_code=204, responses=problems(403, 404))
async def delete_job(jobs: JobsOf, job: JobOf) -> None:
    """Cancels it if it is not finished, and removes photo and result."""
    if not await run_in_threadpool(jobs.delete, job.record.id):
        raise no_job()


@contextmanager
def _refusals() -> Iterator[None]:
    """Turns what making a job raises into answers."""
    try:
        yield
    except (BusyError, ModelError, PhotoError, MemoryError) as error:
        raise refusal(error) from None
    except OSError as error:
        raise no_room(error) from None
