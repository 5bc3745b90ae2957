"""Turns exceptions into answers of one line; tracebacks go to the log alone."""

from __future__ import annotations

import logging
import re

from fastapi import HTTPException
from fastapi.exceptions import RequestValidationError
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from unblur import photo
from unblur.errors import (
    BusyError,
    ModelError,
    PhotoError,
    TooManyPixelsError,
    UnknownFormatError,
)

log = logging.getLogger("unblur.serve")

BUG = "internal error; see the server's log"
_ADVICE = {
    "; --max-pixels raises it": "",
    "; pip install 'unblur[heic]' to read it": ", which this server cannot read",
}


def refusal(error: BaseException) -> HTTPException:
    """The answer for an exception of a task; logs what is not the photo's fault."""
    if isinstance(error, BusyError):
        return HTTPException(429, str(error), {"Retry-After": str(error.retry_after)})
    if isinstance(error, ModelError):
        return HTTPException(422, str(error))
    if isinstance(error, PhotoError):
        return HTTPException(_status(error), plain(error))
    log.error("a photo could not be deblurred", exc_info=error)
    if isinstance(error, MemoryError):
        return HTTPException(503, "not enough memory for the photo now", {"Retry-After": "30"})
    return HTTPException(500, BUG)


def invalid(error: RequestValidationError) -> JSONResponse:
    """The answer for wrong options."""
    wrong = (f"{'.'.join(map(str, e['loc'][1:]))}: {e['msg']}" for e in error.errors())
    return JSONResponse({"detail": "; ".join(wrong)}, 422)


def plain(error: BaseException) -> str:
    """What is wrong with a photo, without the command line's advice."""
    text = str(error)
    for advice, instead in _ADVICE.items():
        text = text.replace(advice, instead)
    return "the photo " + re.sub(r"name a (.*) output$", _ask_for, text)


class UnexpectedErrorMiddleware:
    """Logs unexpected exceptions and answers 500."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def send_on(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, send_on)
        except ClientDisconnect:
            pass  # there is nobody to answer
        except Exception as error:
            if started or scope["type"] != "http":
                raise
            log.error("a request failed", exc_info=error)
            await JSONResponse({"detail": BUG}, 500)(scope, receive, send)


def _ask_for(match: re.Match[str]) -> str:
    return "ask for the format " + re.sub(r"\.\w+", lambda m: photo.FORMATS[m[0]], match[1])


def _status(error: PhotoError) -> int:
    if isinstance(error, TooManyPixelsError):
        return 413
    return 415 if isinstance(error, UnknownFormatError) else 422
