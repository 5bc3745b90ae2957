"""Reads the photo and the options of a request: a form with a file, or the file as the body."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from difflib import get_close_matches
from typing import Annotated, Any, BinaryIO, Literal, TypeVar

from fastapi import HTTPException, Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, BeforeValidator, Field, ValidationError, WithJsonSchema
from pydantic_core import PydanticCustomError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException as StarletteHTTPException

from unblur import photo
from unblur.errors import PhotoError
from unblur.inference import options
from unblur.serve.errors import refusal

Format = Literal["jpeg", "png", "webp", "tiff", "avif", "gif"]
assert set(Format.__args__) == set(photo.FORMATS.values())

_IN_MEMORY = 2**20
_LONGEST_NAME = 40
"""Characters of an unknown name that are said again."""


class ModelChoice(BaseModel):
    """Which model a photo is given to."""

    model: Annotated[
        str | None,
        Field(description="A name from /v1/models; by default the first.", max_length=200),
        WithJsonSchema({"type": "string", "maxLength": 200}),
    ] = None


def to_scale(given: Any) -> options.Scale:
    """A scale as it is given by a client; pydantic says what is wrong with it."""
    try:
        return options.scale_of(given)
    except (ValueError, TypeError) as error:
        raise PydanticCustomError("scale", "{reason}", {"reason": str(error)}) from None


SCALES: dict[str, Any] = {
    "anyOf": [
        {"const": "auto"},
        {"type": "number", "minimum": options.SMALLEST_SCALE, "maximum": 1},
        {"type": "string", "pattern": "^(1/([1-9]|1[0-6])|2/3)$"},
    ]
}
"""What OpenAPI says of a scale; further fractions are taken as well."""


class Choices(ModelChoice):
    """How a photo is deblurred."""

    strength: float = Field(
        default=options.FULL,
        description=options.STRENGTH.help,
        ge=options.STRENGTH.least,
        le=options.STRENGTH.most,
        allow_inf_nan=False,
    )
    best: bool = Field(default=False, description=options.BEST.help)
    scale: Annotated[
        options.Scale,
        Field(description=options.SCALE.help),
        BeforeValidator(to_scale),
        WithJsonSchema(SCALES),
    ] = "auto"
    format: Annotated[
        Format | None,
        Field(description="Of the result; by default the photo's own, JPEG for HEIC."),
        WithJsonSchema({"type": "string", "enum": list(Format.__args__)}),
    ] = None


QueryChoices = Annotated[Choices, Query()]

BINARY = {"type": "string", "format": "binary"}
C = TypeVar("C", bound=ModelChoice)


def body(choices: type[ModelChoice]) -> dict[str, Any]:
    """For the OpenAPI description of a route, which does not know what `received` reads."""
    properties = {"photo": BINARY, **choices.model_json_schema()["properties"]}
    form = {
        "type": "object",
        "required": ["photo"],
        "properties": properties,
        "additionalProperties": False,
    }
    return {
        "requestBody": {
            "required": True,
            "description": (
                "The photo: a JPEG, PNG, WebP, TIFF, AVIF, GIF or HEIC file. The format is detected"
                " from the content; file name and media type are ignored."
            ),
            "content": {
                "multipart/form-data": {"schema": form},
                "image/*": {"schema": BINARY},
                "application/octet-stream": {"schema": BINARY},
            },
        }
    }


@asynccontextmanager
async def received(request: Request, choices: C) -> AsyncIterator[tuple[BinaryIO, C]]:
    """Reads the request, and yields the photo's file and the choices.

    Args:
        choices: those of the query; the form's override them.

    Raises:
        HTTPException: if there is no photo, it is not a picture, or an option is unknown or given
            twice.
        RequestValidationError: if the form's choices are invalid.
    """
    check_names((name for name, _ in request.query_params.multi_items()), choices)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        async with _form(request, choices) as (file, form):
            await _check(file)
            yield file, _merged(choices, form)
        return
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as file:
        async for chunk in request.stream():
            if file.tell() + len(chunk) > _IN_MEMORY:
                await run_in_threadpool(file.write, chunk)
            else:
                file.write(chunk)
        file.seek(0)
        await _check(file)  # pyright: ignore[reportArgumentType]
        yield file, choices  # pyright: ignore[reportReturnType]


@asynccontextmanager
async def _form(request: Request, choices: ModelChoice) -> AsyncIterator[tuple[BinaryIO, FormData]]:
    try:
        form = await request.form(max_files=1, max_fields=16, max_part_size=2**16)
    except StarletteHTTPException as error:
        raise HTTPException(400, f"the form cannot be read: {error.detail}") from None
    try:
        files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
        if not files:
            raise HTTPException(422, "the form holds no file; the photo was expected as one")
        texts = [name for name, value in form.multi_items() if isinstance(value, str)]
        check_names(texts, choices)
        yield files[0].file, form
    finally:
        await form.close()


async def _check(file: BinaryIO) -> None:
    """Checks the signature, before the photo is queued."""
    head = await run_in_threadpool(file.read, 64)
    file.seek(0)
    if not head:
        raise HTTPException(422, "the request holds no photo, its body is empty")
    try:
        photo.kind_of(head)
    except PhotoError as error:
        raise refusal(error) from None


def check_names(names: Iterable[str], choices: BaseModel) -> None:
    """Refuses names that no option has, which would be left unheeded, and options given twice."""
    known = list(type(choices).model_fields)
    for name, times in Counter(names).items():
        said = repr(name[:_LONGEST_NAME])
        if name not in known:
            near = get_close_matches(name.lower(), known, 1)
            meant = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
            raise HTTPException(422, f"there is no option {said}; {meant}")
        if times > 1:
            raise HTTPException(422, f"the option {said} was given {times} times, not once")


def _merged(choices: C, form: FormData) -> C:
    given = {name: value for name, value in form.items() if isinstance(value, str)}
    try:
        return type(choices).model_validate({**choices.model_dump(exclude_unset=True), **given})
    except ValidationError as error:
        wrong = [{**e, "loc": ("body", *e["loc"])} for e in error.errors(include_url=False)]
        raise RequestValidationError(wrong) from None
