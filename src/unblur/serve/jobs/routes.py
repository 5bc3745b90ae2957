"""/v1/jobs: photos that are deblurred after the answer, even if the server restarts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, BinaryIO, Literal

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi import Path as InPath
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field, WithJsonSchema
from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

from unblur import photo
from unblur.errors import BusyError, ModelError
from unblur.inference.options import Scale
from unblur.serve.api import NOTED, RESULT, UPLOAD, attachment, noted, problems
from unblur.serve.errors import log, refusal
from unblur.serve.jobs import Job, Jobs
from unblur.serve.uploads import SCALES, Choices, QueryChoices, body, received

Identity = Annotated[str, InPath(alias="id", description="The job's `id`.", examples=["0f" * 16])]


class JobState(BaseModel):
    """A job."""

    id: str = Field(description="Its secret name, which is all that is needed to fetch the result.")
    state: Literal["waiting", "running", "done", "failed"]
    progress: float = Field(ge=0, le=1, description="1 when it is done.")
    position: int = Field(ge=0, description="Its place in the queue, from 1; 0 once it has begun.")
    strength: float
    best: bool
    scale: Annotated[Scale, WithJsonSchema(SCALES)]
    model: str
    format: str | None = Field(description="Of the result; null until known if none was asked for.")
    error: str | None = Field(description="Why it failed, in one line.")
    notes: list[str] = Field(
        description="What of the photo's file the result does not have, in a few words each."
    )
    created: datetime
    finished: datetime | None
    expires: datetime | None = Field(description="When it is removed; null until it is finished.")
    result: str | None = Field(description="Address of the result, when it is done.")


async def _jobs(request: Request) -> Jobs:
    return request.app.state.jobs


JobsOf = Annotated[Jobs, Depends(_jobs)]

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])


@router.post(
    "",
    summary="Post a job",
    status_code=202,
    responses=problems(*UPLOAD),
    openapi_extra=body(Choices),
)
async def post_job(
    request: Request, response: Response, jobs: JobsOf, options: QueryChoices
) -> JobState:
    """As `/v1/deblur`, but the answer is sent when the photo is on the server's disk.

    From then on the job survives a restart of the server. It is done in its turn, and its result
    is kept for a while. `Location` is its address.
    """
    if jobs.is_full():
        raise refusal(BusyError(60))
    async with received(request, options) as (file, chosen):
        try:
            job = await run_in_threadpool(jobs.create, file, chosen)
        except (BusyError, ModelError) as error:
            raise refusal(error) from None
        except OSError as error:
            log.error("a job could not be stored: %s", error)
            detail = "there is no room for it on the server's disk"
            raise HTTPException(503, detail, {"Retry-After": "120"}) from None
    response.headers["location"] = f"/v1/jobs/{job.record.id}"
    return _state(jobs, job)


@router.get("/{id}", summary="Get a job's state", responses=problems(404))
async def get_job(jobs: JobsOf, identity: Identity) -> JobState:
    """Its state and progress."""
    return _state(jobs, _found(jobs, identity))


@router.get(
    "/{id}/result",
    summary="Fetch a job's result",
    response_class=Response,
    responses={
        200: {"description": "The deblurred photo's file.", "content": RESULT, "headers": NOTED},
        **problems(404, 409, 422),
    },
)
async def get_result(jobs: JobsOf, identity: Identity) -> Response:
    """The file that `/v1/deblur` would have sent, until the job expires."""
    job = _found(jobs, identity)
    record = job.record
    if record.state == "failed":
        raise HTTPException(422, record.error)
    if record.state != "done" or record.format is None:
        raise HTTPException(409, f"the job is {job.state}, not done", {"Retry-After": "2"})
    try:
        file = await run_in_threadpool(jobs.result(job).open, "rb")
    except FileNotFoundError:
        raise _none() from None
    size = file.seek(0, 2)
    file.seek(0)
    headers = {"content-length": str(size), **attachment(record.format), **noted(record.lost)}
    return _FileResponse(file, media_type=f"image/{record.format}", headers=headers)


@router.delete("/{id}", summary="Delete a job", status_code=204, responses=problems(403, 404))
async def delete_job(jobs: JobsOf, identity: Identity) -> None:
    """Cancels it if it is not finished, and removes photo and result."""
    _found(jobs, identity)
    if not await run_in_threadpool(jobs.delete, identity):
        raise _none()


def _found(jobs: Jobs, identity: str) -> Job:
    job = jobs.get(identity)
    if job is None:
        raise _none()
    return job


def _none() -> HTTPException:
    return HTTPException(404, "there is no such job; finished jobs are removed after a while")


def _state(jobs: Jobs, job: Job) -> JobState:
    record, expires = job.record, jobs.expires(job)
    return JobState(
        id=record.id,
        state=job.state,
        progress=job.progress,
        position=jobs.position(job),
        strength=record.strength,
        best=record.best,
        scale=record.scale,
        model=record.model,
        format=record.format,
        error=record.error,
        notes=[photo.without([words]) for words in record.lost],
        created=_time(record.created),
        finished=None if record.finished is None else _time(record.finished),
        expires=None if expires is None else _time(expires),
        result=f"/v1/jobs/{record.id}/result" if record.state == "done" else None,
    )


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(round(seconds), UTC)


class _FileResponse(StreamingResponse):
    """Sends an open file, and closes it, also if the client leaves before the end."""

    def __init__(self, file: BinaryIO, media_type: str, headers: dict[str, str]) -> None:
        super().__init__(iter(lambda: file.read(2**18), b""), 200, headers, media_type)
        self.file = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self.file:
            await super().__call__(scope, receive, send)
