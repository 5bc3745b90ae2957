"""POST /v1/deblur and GET /v1/models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from unblur import photo
from unblur.errors import BusyError, ModelError
from unblur.serve.disconnect import result_of
from unblur.serve.errors import refusal
from unblur.serve.names import result_name
from unblur.serve.queue import PhotoQueue
from unblur.serve.result import CachedResult
from unblur.serve.uploads import BINARY, C, Choices, Format, QueryChoices, body, received
from unblur.serve.work import Work, deblurring

RESULT = {f"image/{kind}": {"schema": BINARY} for kind in Format.__args__}
"""OpenAPI's `content` of an answer that is a photo's file."""

NOTES = "unblur-notes"
NOTED: dict[str, dict[str, Any]] = {
    "Unblur-Notes": {
        "schema": {"type": "string"},
        "description": "What of the photo's file the result does not have, if anything.",
    }
}
"""OpenAPI's `headers` of such an answer."""


def attachment(name: str) -> dict[str, str]:
    """The header with the name under which a browser saves a result (RFC 6266)."""
    quoted = quote(name, safe=" ()")
    plain = f'filename="{name}"' if quoted == name else f"filename*=utf-8''{quote(name, safe='')}"
    return {"content-disposition": f"attachment; {plain}"}


def noted(lost: Sequence[str]) -> dict[str, str]:
    """The header that says what a result does not have; none if it has all."""
    # Names in it may be of the file: line breaks would end the header.
    text = photo.without(lost).encode("unicode_escape").decode("ascii")
    return {NOTES: text} if text else {}


class Problem(BaseModel):
    """What is wrong, in one line."""

    detail: str


class Model(BaseModel):
    """A loaded model."""

    name: str
    default: bool = Field(description="Whether it is used when a request names none.")
    sha256: str = Field(description="SHA-256 of its file.")


class Models(BaseModel):
    models: list[Model]


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI's `responses` for these statuses, and for those of every checked route."""
    retry = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait."}}
    return {
        status: {
            # With `model`, it would be of the media type of the route's other answers.
            "content": {"application/json": {"schema": _PROBLEM}},
            "description": _MEANINGS[status],
            **({"headers": retry} if status in (429, 503) else {}),
        }
        for status in (401, 421, *statuses)
    }


_PROBLEM = {"$ref": "#/components/schemas/Problem"}  # of `health`
_MEANINGS = {
    400: "The form cannot be read.",
    401: "The token is missing or wrong.",
    403: "The request comes from a page of another site.",
    404: "There is no such job: it never existed, was deleted, or has expired.",
    408: "The body was sent too slowly.",
    409: "The job is not finished yet, or was not posted to be viewed.",
    413: "The body is too long, or the photo has too many pixels.",
    415: "The body is no picture of a format that can be read.",
    421: "The host name in the request is not known.",
    422: "The photo is damaged or cannot be written in this format, or an option is wrong.",
    429: "The queue is full.",
    503: "It took too long, or the server is stopping.",
}
UPLOAD = (400, 403, 408, 413, 415, 422, 429, 503)


async def _queue(request: Request) -> PhotoQueue:
    return request.app.state.queue


Queue = Annotated[PhotoQueue, Depends(_queue)]

router: APIRouter = APIRouter(tags=["photos"])


@router.post(
    "/v1/deblur",
    summary="Deblur a photo",
    response_class=Response,
    responses={
        200: {
            "description": "The deblurred photo's file; byte for byte the one that was sent if"
            " nothing needs deblurring.",
            "content": RESULT,
            "headers": NOTED,
        },
        **problems(*UPLOAD),
    },
    openapi_extra=body(Choices),
)
async def deblur(request: Request, queue: Queue, options: QueryChoices) -> Response:
    """The result keeps the photo's depth, EXIF, colour profile and alpha channel.

    The photo is sent as a form's file or as the whole body, options in the form or in the query;
    those in the form take precedence. The answer is sent when the photo is done: for one that
    takes long, post a job instead. Closing the connection cancels it.
    """

    def work(data: bytes, chosen: Choices) -> Work[Response]:
        def finish(result: CachedResult) -> Response:
            with result:
                kind = chosen.format or result.format
                found = result.encode(chosen.strength, kind)
            headers = {**attachment(result_name(None, kind)), **noted(found.lost)}
            return Response(found.data, media_type=f"image/{kind}", headers=headers)

        return deblurring(
            queue.models.find(chosen.model),
            data,
            finish,
            max_pixels=queue.max_pixels,
            best=chosen.best,
            scale=chosen.scale,
            kind=chosen.format,
        )

    return await answer(request, queue, options, work, "a job (POST /v1/jobs) may take longer")


async def answer(
    request: Request,
    queue: PhotoQueue,
    options: C,
    work: Callable[[bytes, C], Work[Response]],
    advice: str,
) -> Response:
    """Receives a photo, puts the work on it into the queue, and waits for its answer.

    Args:
        options: those of the query.
        work: made of the photo's bytes and all options; may raise ModelError.
        advice: as in `result_of`.

    Raises:
        HTTPException: if the request is wrong, the queue is full, or the work fails.
    """
    if not queue.has_room():
        raise refusal(BusyError(queue.retry_after))
    async with received(request, options) as (file, chosen):
        data = await run_in_threadpool(file.read)
        try:
            task = queue.submit(work(data, chosen))
        except (BusyError, ModelError) as error:
            raise refusal(error) from None
        del data
    try:
        timeout = request.app.state.settings.timeout
        return await result_of(task, queue, request, timeout, advice)
    except ClientDisconnect:
        return Response(status_code=499)


@router.get("/v1/models", summary="List the models", responses=problems())
async def list_models(queue: Queue) -> Models:
    """The names that the option `model` takes."""
    models, default = queue.models.values(), queue.models.default
    return Models(
        models=[Model(name=m.name, default=m.name == default, sha256=m.digest) for m in models]
    )
