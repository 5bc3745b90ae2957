"""A visit's photos go through the network, one after the other, and the browser hears of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

from unblur.errors import UnblurError
from unblur.serve.errors import plain
from unblur.serve.page import previews
from unblur.serve.page.sessions import How, Result, Shot, Visit
from unblur.serve.queue import BusyError, DroppedError, Work
from unblur.serve.result import CachedResult

TICK = 0.15
"""Seconds between two looks at the progress."""
BUSY = 1.0
"""Seconds after which a photo that found no place in the queue tries again."""
BUG = "could not be done: something is wrong with the server, not with your photo"
_log = logging.getLogger(__name__)


async def run(
    visit: Visit, work: Work, model: str | None, seconds: float, best: bool = False
) -> AsyncIterator[dict[str, Any]]:
    """Does what is left to do in this way, and yields `state` whenever it changed.

    The work goes on if nobody listens for a moment. Of several who listen, the last one is told.

    Args:
        seconds: after so long a photo is given up.
    """
    how = (model if model in work.models else work.default, best)
    for shot in visit.shots.values():
        if shot.how != how:
            _again(shot, work, how)
    if not visit.running:
        visit.worker = asyncio.create_task(_all(visit, work, seconds))
    listener = visit.listener = object()
    told = None
    while True:
        over = not visit.running or visit.listener is not listener
        news = [
            (
                shot.id,
                shot.state,
                shot.result and shot.result.name,
                shot.task and shot.task.progress,
                _place(visit, shot, work),
            )
            for shot in visit.shots.values()
        ]
        if news != told:
            told = news
            yield state(visit, work)
        if over:
            return
        await asyncio.sleep(TICK)


def state(visit: Visit, work: Work) -> dict[str, Any]:
    """What the page's script needs to know."""
    visit.version += 1
    return {
        "visit": visit.token,
        "version": visit.version,
        "photos": [described(visit, shot, work) for shot in visit.shots.values()],
    }


def described(visit: Visit, shot: Shot, work: Work) -> dict[str, Any]:
    """A photo, as the page's script knows it."""
    at = f"page/{visit.token}/photos/{shot.id}"
    task, result = shot.task, shot.result
    told: dict[str, Any] = {
        "id": shot.id,
        "name": shot.name,
        "width": shot.width,
        "height": shot.height,
        "details": shot.details,
        "state": shot.state,
        "progress": round(task.progress, 3) if task is not None else 0.0,
        "place": _place(visit, shot, work),
        "unchanged": result is not None and result.unchanged,
        "error": shot.error,
        "result": shot.result_name if result is not None else "",
        "thumb": f"{at}/thumb.jpg",
        "before": f"{at}/before.jpg",
        "after": f"{at}/{result.name}.jpg" if result is not None else None,
        "base": min(1.0, previews.BASE / max(shot.width, shot.height)),
        "tile": previews.TILE,
        "tiles": None,
    }
    if result is not None and previews.needs_tiles(shot.width, shot.height):
        told["tiles"] = {"before": f"{at}/before", "after": f"{at}/{result.name}"}
    return told


def reason(error: UnblurError) -> str:
    """What is wrong with a photo, to follow its name."""
    return plain(error).removeprefix("the photo ")


def _place(visit: Visit, shot: Shot, work: Work) -> int:
    """How many photos are before it, other people's and the visit's own."""
    if shot.task is not None:
        return work.position(shot.task)
    place = 0
    for other in visit.shots.values():
        if other is shot:
            break
        if other.state in ("waiting", "working"):
            place += 1 if other.task is None else 1 + work.position(other.task)
    return place


def _again(shot: Shot, work: Work, how: How) -> None:
    """Has it done in another way; a result of that way which is there is shown again."""
    shot.how, shot.error = how, ""
    if shot.task is not None:
        work.drop(shot.task)
    shot.results.sort(key=lambda result: result.how == how)
    shot.state = "done" if shot.result is not None and shot.result.how == how else "waiting"


def _next(visit: Visit) -> Shot | None:
    return next((shot for shot in visit.shots.values() if shot.state == "waiting"), None)


async def _all(visit: Visit, work: Work, seconds: float) -> None:
    while not visit.over and (shot := _next(visit)) is not None:
        try:
            await _one(visit, shot, work, seconds)
        except Exception:  # noqa: BLE001 - the other photos go on, and this one says so
            _log.exception("a photo of the page failed")
            _fail(shot, BUG)


async def _one(visit: Visit, shot: Shot, work: Work, seconds: float) -> None:
    how, name = shot.how, f"after-{shot.run + 1}"
    assert how is not None

    def finish(cached: CachedResult) -> tuple[CachedResult, bool]:
        try:
            changed = previews.show_after(cached, shot.folder, name)
            cached.move_to_disk(shot.folder / f"{name}.change")
            return cached, changed
        except BaseException:
            cached.close()
            raise

    loop = asyncio.get_running_loop()
    try:
        task = shot.task = work.submit(shot.path, finish, model=how[0], best=how[1])
    except BusyError:
        # Others were first. This one waits for a place as it would in the queue.
        await asyncio.sleep(BUSY)
        return
    end = None
    try:
        while not task.future.done():
            if task.state == "running" and shot.how == how and shot.state != "failed":
                shot.state = "working"
                end = end or loop.time() + seconds
                if loop.time() > end:
                    _fail(shot, "took too long and was given up")
            if shot.state == "failed" or visit.over or shot.id not in visit.shots:
                work.drop(task)  # which ends it before its next tile
            await asyncio.sleep(TICK)
        _take(shot, task, how, name)
    finally:
        work.drop(task)
        shot.task = None
        if shot.state == "working":
            shot.state = "waiting"


def _take(shot: Shot, task: Any, how: How, name: str) -> None:
    """What the network's thread gave, or what went wrong."""
    error = task.future.exception()
    if error is None:
        cached, changed = task.future.result()
        result = Result(how, shot.folder, name, cached, not changed)
        if not shot.folder.exists() or shot.how != how or shot.state == "failed":
            result.close()
            return
        for other in [one for one in shot.results if one.how[0] != how[0]]:
            shot.results.remove(other)
            other.close()
        shot.results.append(result)
        shot.run += 1
        shot.state = "done"
    elif isinstance(error, DroppedError) or shot.how != how:
        return
    elif isinstance(error, UnblurError):
        _fail(shot, reason(error))
    elif isinstance(error, MemoryError):
        _fail(shot, "needs more memory than there is")
    else:
        _log.error("a photo of the page failed", exc_info=error)
        _fail(shot, BUG)


def _fail(shot: Shot, error: str) -> None:
    shot.state, shot.error = "failed", error
