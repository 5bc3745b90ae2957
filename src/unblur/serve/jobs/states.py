"""What the API says of a job."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import Depends, HTTPException, Request
from fastapi import Path as InPath
from pydantic import BaseModel, Field, WithJsonSchema

from unblur import photo
from unblur.inference.options import Scale
from unblur.serve.errors import log
from unblur.serve.jobs import Jobs, previews
from unblur.serve.jobs.job import Job
from unblur.serve.names import result_name
from unblur.serve.uploads import SCALES, check_names

MOST_IDS = 200
"""Jobs that one request may name."""
Identity = Annotated[str, InPath(alias="id", description="The job's `id`.", examples=["0f" * 16])]


class BlurState(BaseModel):
    """How blurred a photo is."""

    score: int = Field(ge=0, le=100, description="Sharpness.")
    level: Literal["sharp", "soft", "blurred"]
    words: str = Field(description="Kind, length and direction of the blur, and the score.")


class Tiles(BaseModel):
    """Where the tiles are: ADDRESS/x_y.jpg, by column and row, from 0."""

    before: str
    after: str


class Pictures(BaseModel):
    """Pictures for a viewer, in sRGB. The addresses are relative to the server's root."""

    thumb: str
    before: str = Field(description="The photo, upright, fitted into a square.")
    after: str | None = Field(description="The result at full strength; null until it is done.")
    blur: str | None = Field(description="Map of the blur, to lay over it; null until measured.")
    base: float = Field(description="Size of `before` and `after` as a share of the photo's.")
    tile: int = Field(description="Side of the square tiles, in pixels; the last may be cut.")
    tiles: Tiles | None = Field(
        description="Of both at full size; null if `base` is 1, and until it is done."
    )


class JobState(BaseModel):
    """A job."""

    id: str = Field(description="Its secret name, which is all that is needed to fetch the result.")
    state: Literal["waiting", "running", "done", "failed"]
    progress: float = Field(ge=0, le=1, description="1 when it is done.")
    position: int = Field(ge=0, description="Its place in the queue, from 1; 0 once it has begun.")
    name: str | None = Field(description="The photo's file name, if one was given.")
    width: int | None = Field(description="Of the upright photo, in pixels; null until it is read.")
    height: int | None
    details: str | None = Field(description="Format, size and depth of the photo, in words.")
    strength: float
    best: bool
    scale: Annotated[Scale, WithJsonSchema(SCALES)]
    scales: str = Field(description="At which smaller scales the network worked, in words.")
    model: str
    format: str | None = Field(description="Of the result; null until known if none was asked for.")
    error: str | None = Field(description="Why it failed, in one line.")
    notes: list[str] = Field(
        description="What of the photo's file the result does not have, in a few words each."
    )
    unchanged: bool | None = Field(
        description="Whether the photo needs no deblurring; null until that is known."
    )
    created: datetime
    finished: datetime | None
    keep: float | None = Field(
        description="Seconds after it was last asked for until it is removed; null if it is"
        " removed a while after it is finished."
    )
    expires: datetime | None = Field(
        description="When it is removed; null until it is finished, and if there is `keep`."
    )
    result: str | None = Field(description="Address of the result, when it is done.")
    result_name: str | None = Field(description="The file name that the result is sent with.")
    view: bool = Field(description="Whether it can be viewed, with all that follows here.")
    blur: BlurState | None = Field(description="How blurred the photo is; null until measured.")
    measuring: bool = Field(description="Whether that is still to come.")
    pictures: Pictures | None


async def _jobs(request: Request) -> Jobs:
    return request.app.state.jobs


JobsOf = Annotated[Jobs, Depends(_jobs)]


class Ids(BaseModel):
    """The jobs that a query names."""

    ids: str = Field(
        description=f"Ids of jobs, separated by commas; at most {MOST_IDS}.", min_length=1
    )


def named(request: Request, chosen: Ids) -> list[str]:
    """The ids, each once; raises HTTPException if they are too many, or an option is wrong."""
    check_names((name for name, _ in request.query_params.multi_items()), chosen)
    found = list(dict.fromkeys(chosen.ids.split(",")))
    if len(found) > MOST_IDS:
        raise HTTPException(422, f"ids: at most {MOST_IDS} jobs may be named, not {len(found)}")
    return found


async def _found(jobs: JobsOf, identity: Identity) -> Job:
    job = jobs.get(identity)
    if job is None:
        raise no_job()
    return job


JobOf = Annotated[Job, Depends(_found)]
"""The job that an address names; 404 if there is none."""


def no_job() -> HTTPException:
    """The answer where a job was expected."""
    return HTTPException(404, "there is no such job; jobs are removed after a while")


def not_done(job: Job, what: str | None = None) -> HTTPException:
    """The answer where a finished job was expected; `what` says what is not there yet."""
    if what is None and job.record.state == "failed":
        return HTTPException(422, job.record.error)
    return HTTPException(409, what or f"the job is {job.state}, not done", {"Retry-After": "2"})


def no_room(error: OSError) -> HTTPException:
    """The answer where a file could not be written, which is logged."""
    log.error("a job's file could not be written: %s", error)
    detail = "there is no room for it on the server's disk"
    return HTTPException(503, detail, {"Retry-After": "120"})


def state_of(jobs: Jobs, job: Job) -> JobState:
    """What there is to say of a job now."""
    record, expires = job.record, jobs.expires(job)
    done = record.state == "done" and record.format is not None
    return JobState(
        id=record.id,
        state=job.state,
        progress=round(job.progress, 3),
        position=jobs.position(job),
        name=record.name,
        width=record.width,
        height=record.height,
        details=record.details,
        strength=record.strength,
        best=record.best,
        scale=record.scale,
        scales=record.scales,
        model=record.model,
        format=record.format,
        error=record.error,
        notes=[photo.without([words]) for words in record.lost],
        unchanged=record.unchanged,
        created=_time(record.created),
        finished=None if record.finished is None else _time(record.finished),
        keep=record.keep,
        expires=None if expires is None else _time(expires),
        result=f"/v1/jobs/{record.id}/result" if record.state == "done" else None,
        result_name=result_name(record.name, record.format or "") if done else None,
        view=record.view,
        blur=None if record.blur is None else BlurState(**record.blur),
        measuring=job.measuring is not None,
        pictures=_pictures(job) if record.view else None,
    )


def _pictures(job: Job) -> Pictures:
    record = job.record
    at, done = f"v1/jobs/{record.id}", record.state == "done"
    assert record.width is not None
    assert record.height is not None
    large = previews.needs_tiles(record.width, record.height)
    return Pictures(
        thumb=f"{at}/thumb.jpg",
        before=f"{at}/before.jpg",
        after=f"{at}/after.jpg" if done else None,
        blur=f"{at}/blur.png" if record.blur is not None else None,
        base=min(1.0, previews.BASE / max(record.width, record.height)),
        tile=previews.TILE,
        tiles=Tiles(before=f"{at}/before", after=f"{at}/after") if done and large else None,
    )


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(round(seconds), UTC)
