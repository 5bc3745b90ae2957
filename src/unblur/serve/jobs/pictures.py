"""The pictures of jobs that are viewed: /v1/jobs/{id}/before.jpg, tiles, and the blur's map."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import anyio.to_thread
from fastapi import APIRouter, HTTPException, Response

from unblur.serve.api import problems
from unblur.serve.jobs import measuring, previews
from unblur.serve.jobs.job import Job
from unblur.serve.jobs.sending import KEPT, sent
from unblur.serve.jobs.states import JobOf, JobsOf, no_job, not_done
from unblur.serve.uploads import BINARY

_JPEG = {
    200: {"description": "The picture.", "content": {"image/jpeg": {"schema": BINARY}}},
    **problems(404, 409, 422),
}

router: APIRouter = APIRouter(prefix="/v1/jobs", tags=["pictures"])


@router.get(
    "/{id}/blur.png",
    summary="Fetch the map of a photo's blur",
    response_class=Response,
    responses={
        200: {"description": "The map.", "content": {"image/png": {"schema": BINARY}}},
        **problems(404, 409),
    },
)
async def get_blur(jobs: JobsOf, job: JobOf) -> Response:
    """Strokes along the motion, circles where it is out of focus; transparent elsewhere."""
    _check(job)
    record = job.record
    if record.blur is None or record.width is None or record.height is None:
        raise not_done(job, "the blur is not measured")
    arguments = (jobs.home(job), record.width, record.height)
    try:
        path = await anyio.to_thread.run_sync(measuring.draw, *arguments, limiter=jobs.decoders)
    except FileNotFoundError:  # removed meanwhile
        raise no_job() from None
    return await sent(path, "image/png", KEPT)


@router.get(
    "/{id}/{picture}.jpg",
    summary="Fetch a picture of a photo",
    response_class=Response,
    responses=_JPEG,
)
async def get_picture(
    jobs: JobsOf, job: JobOf, picture: Literal["thumb", "before", "after"]
) -> Response:
    """The photo, small; the photo; or the result at full strength. In sRGB."""
    _check(job, picture == "after")
    return await _sent(jobs.home(job) / f"{picture}.jpg")


@router.get(
    "/{id}/{side}/{x}_{y}.jpg",
    summary="Fetch a tile of a large photo",
    response_class=Response,
    responses=_JPEG,
)
async def get_tile(
    jobs: JobsOf, job: JobOf, side: Literal["before", "after"], x: int, y: int
) -> Response:
    """A part of the photo or of the result at full size, by its column and row, from 0."""
    _check(job, True)
    if not previews.has_tile(job.record.width or 0, job.record.height or 0, x, y):
        raise HTTPException(404, "the photo has no such tile")
    return await _sent(jobs.home(job) / side / f"{x}_{y}.jpg")


async def _sent(path: Path) -> Response:
    return await sent(path, "image/jpeg", KEPT)


def _check(job: Job, when_done: bool = False) -> None:
    """Raises HTTPException if the job has no such pictures, or not yet."""
    if not job.record.view:
        raise not_done(job, "the job was not posted with view=true, and has no pictures")
    if when_done and job.record.state != "done":
        raise not_done(job)
