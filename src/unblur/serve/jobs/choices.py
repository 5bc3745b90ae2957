"""The options of jobs."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, BeforeValidator, Field, WithJsonSchema

from unblur.inference import options
from unblur.serve.uploads import SCALES, Choices, Format, ModelChoice, to_scale

LEAST_KEEP = 10.0
"""Seconds; who asks less often than that would lose the job between two requests."""
_Strength = Annotated[
    float | None,
    Field(ge=options.STRENGTH.least, le=options.STRENGTH.most, allow_inf_nan=False),
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": 1}),
]
_Format = Annotated[
    Format | None, WithJsonSchema({"type": "string", "enum": list(Format.__args__)})
]
_SCALES = WithJsonSchema(SCALES)


class JobChoices(Choices):
    """How a job's photo is deblurred, and what is kept of it."""

    name: Annotated[
        str | None,
        Field(
            description="The photo's file name: the result is sent under one made of it.",
            max_length=1000,
        ),
        WithJsonSchema({"type": "string", "maxLength": 1000}),
    ] = None
    view: bool = Field(
        default=False,
        description="Whether to read the photo at once, and to keep it with what a viewer needs:"
        " pictures before and after, a map of its blur, and the result at any strength, in any"
        " format.",
    )
    keep: Annotated[
        float | None,
        Field(
            description="Seconds after the job was last asked for, finished or not, until it is"
            " removed; more than the server's limit is shortened to it. By default it is removed a"
            " while after it is finished.",
            ge=LEAST_KEEP,
            allow_inf_nan=False,
        ),
        WithJsonSchema({"type": "number", "minimum": LEAST_KEEP}),
    ] = None


class AgainChoices(ModelChoice):
    """How a job's photo is deblurred again; what is left out is as it was."""

    strength: _Strength = None
    best: Annotated[bool | None, WithJsonSchema({"type": "boolean"})] = None
    scale: Annotated[options.Scale | None, BeforeValidator(to_scale), _SCALES] = None
    format: _Format = None


class ResultChoices(BaseModel):
    """How a result is blended and written; what is left out is as the job was posted."""

    strength: _Strength = None
    format: _Format = None


JobOptions = Annotated[JobChoices, Query()]
AgainOptions = Annotated[AgainChoices, Query()]
ResultOptions = Annotated[ResultChoices, Query()]
