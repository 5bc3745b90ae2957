"""GET /v1/jobs/{id}/result, and /v1/jobs/results.zip with those of many."""

from __future__ import annotations

import zipfile
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Annotated, Any

import anyio.to_thread
from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import Field
from starlette.types import Receive, Scope, Send

from unblur.errors import UnblurError
from unblur.inference import options
from unblur.serve.api import NOTED, RESULT, attachment, noted, problems
from unblur.serve.errors import refusal
from unblur.serve.jobs import Jobs
from unblur.serve.jobs.choices import ResultOptions
from unblur.serve.jobs.job import Job
from unblur.serve.jobs.sending import sent
from unblur.serve.jobs.states import Ids, JobOf, JobsOf, named, no_job, no_room, not_done
from unblur.serve.names import result_name, unused
from unblur.serve.uploads import BINARY, check_names

_CHUNK = 2**20


class _ManyChoices(Ids):
    strength: float = Field(
        default=options.FULL,
        ge=options.STRENGTH.least,
        le=options.STRENGTH.most,
        allow_inf_nan=False,
    )


router: APIRouter = APIRouter(prefix="/v1/jobs", tags=["jobs"])


@router.get(
    "/results.zip",
    summary="Fetch the results of many jobs",
    response_class=Response,
    responses={
        200: {
            "description": "A zip of their files, stored without compression. A name that occurs"
            " twice is numbered.",
            "content": {"application/zip": {"schema": BINARY}},
        },
        **problems(404, 409, 422),
    },
)
async def get_results(
    request: Request, jobs: JobsOf, chosen: Annotated[_ManyChoices, Query()]
) -> Response:
    """Those of the jobs that are done; the others, and those that there are not, are left out.

    Of jobs that were not posted to be viewed, the result is at the strength that was asked for.
    """
    found = [job for identity in named(request, chosen) if (job := jobs.get(identity)) is not None]
    if not found:
        raise no_job()
    done = [job for job in found if job.record.state == "done"]
    if not done:
        raise HTTPException(409, "none of the jobs is done", {"Retry-After": "2"})
    return _ZipResponse(_zip(jobs, done, chosen.strength))


@router.get(
    "/{id}/result",
    summary="Fetch a job's result",
    response_class=Response,
    responses={
        200: {"description": "The deblurred photo's file.", "content": RESULT, "headers": NOTED},
        **problems(404, 409, 422),
    },
)
async def get_result(
    request: Request, jobs: JobsOf, job: JobOf, options: ResultOptions
) -> Response:
    """The file that `/v1/deblur` would have sent, until the job expires.

    Of a job that was posted to be viewed, at any strength and in any format.
    """
    check_names((name for name, _ in request.query_params.multi_items()), options)
    record = job.record
    if record.state != "done" or record.format is None:
        raise not_done(job)
    strength = record.strength if options.strength is None else options.strength
    kind = options.format or record.format
    name = attachment(result_name(record.name, kind))
    if not record.view:
        if (strength, kind) != (record.strength, record.format):
            raise HTTPException(
                409,
                f"the result is there at strength {record.strength:g} as {record.format} alone;"
                " a job posted with view=true has it at any strength, in any format",
            )
        headers = {**name, **noted(record.lost)}
        return await sent(jobs.result(job), f"image/{kind}", headers)
    try:
        made = await anyio.to_thread.run_sync(
            jobs.blend, job, strength, kind, limiter=jobs.decoders
        )
    except FileNotFoundError:
        raise no_job() from None
    except UnblurError as error:
        raise refusal(error) from None
    except OSError as error:
        raise no_room(error) from None
    headers = {**name, **noted(made.lost)}
    return await sent(made.path, f"image/{kind}", headers, temporary=True)


class _ZipResponse(StreamingResponse):
    """Sends a zip, and ends what makes it, also if the client leaves before the end."""

    def __init__(self, content: Generator[bytes]) -> None:
        super().__init__(content, 200, attachment("unblur.zip"), "application/zip")
        self.content = content

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self.content.close()


def _zip(jobs: Jobs, done: Sequence[Job], strength: float) -> Generator[bytes]:
    """Streams a zip of the results; an error cuts it short, so that it does not lack one unsaid."""
    names: set[str] = set()
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for job in done:
            kind = job.record.format or ""
            name = unused(result_name(job.record.name, kind), names)
            made: Path | None = None
            try:
                path = jobs.result(job)
                if job.record.view:
                    path = made = jobs.blend(job, strength, kind).path
                info = zipfile.ZipInfo.from_file(path, name)
                with path.open("rb") as file, archive.open(info, "w", force_zip64=True) as entry:
                    while chunk := file.read(_CHUNK):
                        entry.write(chunk)
                        yield sink.take()
                        jobs.get(job.record.id)  # it is still asked for
            except FileNotFoundError:
                continue  # removed meanwhile
            finally:
                if made is not None:
                    made.unlink(missing_ok=True)
    yield sink.take()


class _Sink:
    """A file to write to; `take` returns what was written since the last call."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []

    def write(self, data: Any) -> int:
        self._chunks.append(bytes(data))
        return len(self._chunks[-1])

    def flush(self) -> None:
        pass

    close = flush

    def take(self) -> bytes:
        taken, self._chunks = b"".join(self._chunks), []
        return taken
