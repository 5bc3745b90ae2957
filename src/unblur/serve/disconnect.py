"""Awaits a photo's result, and cancels its task if the client disconnects."""

from __future__ import annotations

import asyncio
from typing import TypeVar

from fastapi import HTTPException, Request
from starlette.requests import ClientDisconnect

from unblur.errors import TaskCancelledError
from unblur.serve.errors import refusal
from unblur.serve.queue import PhotoQueue
from unblur.serve.task import Task

T = TypeVar("T")


async def result_of(
    task: Task[T], queue: PhotoQueue, request: Request, timeout: float, advice: str
) -> T:
    """Returns the task's result. If this raises or is cancelled, the task is cancelled too.

    Args:
        request: the client's, whose body has been read.
        timeout: in seconds.
        advice: what a client can do if it is exceeded, to follow "it took longer than ...; ".

    Raises:
        HTTPException: if the task fails, or is not done in time.
        ClientDisconnect: if the client disconnected.
    """
    gone = asyncio.create_task(_disconnected(request))
    done = asyncio.wrap_future(task.future)
    # Retrieves the exception, or asyncio would warn when nobody else does.
    done.add_done_callback(lambda future: future.cancelled() or future.exception())
    try:
        await asyncio.wait({gone, done}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        if not done.done():
            if gone.done():
                raise ClientDisconnect
            why = f"it took longer than the limit of {timeout:g} s; {advice}"
            raise HTTPException(503, why, {"Retry-After": "60"})
        return done.result()
    except TaskCancelledError:
        raise HTTPException(503, "the server is stopping", {"Retry-After": "10"}) from None
    except (HTTPException, ClientDisconnect, asyncio.CancelledError):
        raise
    except BaseException as error:  # noqa: BLE001 - the task's
        raise refusal(error) from None
    finally:
        gone.cancel()
        if not task.future.done():
            queue.cancel(task)


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
