"""Runs a session's photos in order and streams progress."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any

from unblur.errors import BusyError, TaskCancelledError, UnblurError
from unblur.inference.options import Scale
from unblur.serve.errors import log, reason
from unblur.serve.page import previews, words
from unblur.serve.page.sessions import Result, Session, Upload, Variant
from unblur.serve.queue import PhotoQueue, Task
from unblur.serve.result import CachedResult
from unblur.serve.work import deblurring

TICK = 0.15
"""Seconds between two checks of the progress."""
BUSY = 1.0
"""Seconds after which a photo is submitted again if the queue was full."""
BUG = "could not be done: something is wrong with the server, not with your photo"


async def run(
    session: Session,
    queue: PhotoQueue,
    model: str | None,
    timeout: float,
    best: bool = False,
    scale: Scale = "auto",
) -> AsyncIterator[dict[str, Any]]:
    """Deblurs the photos that have no result of this variant; yields `state` when it changes.

    It ends when all are done and measured. The work goes on if the iterator is abandoned. A later
    call ends the iterators of earlier ones.
    A photo fails after `timeout` seconds.
    """
    models = queue.models
    variant = Variant(model if model and model in models else models.default, best, scale)
    for upload in session.uploads.values():
        if upload.variant != variant:
            _ask_for(upload, queue, variant)
    if not session.running:
        session.worker = asyncio.create_task(_run_all(session, queue, timeout))
    listener = session.listener = object()
    sent = None
    while True:
        over = session.listener is not listener or not (session.running or _measures(session))
        now = state(session, queue)
        if now["photos"] != sent:
            sent = now["photos"]
            yield now
        if over:
            return
        await asyncio.sleep(TICK)


def state(session: Session, queue: PhotoQueue) -> dict[str, Any]:
    """The session as page.js expects it."""
    session.version += 1
    return {
        "visit": session.token,
        "version": session.version,
        "photos": [described(session, upload, queue) for upload in session.uploads.values()],
    }


def described(session: Session, upload: Upload, queue: PhotoQueue) -> dict[str, Any]:
    """A photo as page.js expects it."""
    at = f"page/{session.token}/photos/{upload.id}"
    task, result = upload.task, upload.result
    large = previews.needs_tiles(upload.width, upload.height)
    return {
        "id": upload.id,
        "name": upload.name,
        "width": upload.width,
        "height": upload.height,
        "details": upload.details,
        "state": upload.state,
        "progress": round(task.progress, 3) if task is not None else 0.0,
        "place": _place(session, upload, queue),
        "unchanged": result is not None and result.unchanged,
        "error": upload.error,
        "measuring": upload.measuring is not None,
        "blur": None
        if upload.measured is None
        else {**asdict(upload.measured), "picture": f"{at}/blur.png"},
        "scales": ""
        if result is None
        else words.scales(result.cached.scales, result.variant.scale != "auto"),
        "notes": "" if result is None else words.notes(result.lost),
        "result": upload.result_name if result is not None else "",
        "thumb": f"{at}/thumb.jpg",
        "before": f"{at}/before.jpg",
        "after": f"{at}/{result.name}.jpg" if result is not None else None,
        "base": min(1.0, previews.BASE / max(upload.width, upload.height)),
        "tile": previews.TILE,
        "tiles": {"before": f"{at}/before", "after": f"{at}/{result.name}"}
        if result is not None and large
        else None,
    }


def _place(session: Session, upload: Upload, queue: PhotoQueue) -> int:
    """How many photos, of this and of other sessions, come before it."""
    if upload.task is not None:
        return queue.position(upload.task)
    place = 0
    for other in session.uploads.values():
        if other is upload:
            break
        if other.state in ("waiting", "working"):
            place += 1 if other.task is None else 1 + queue.position(other.task)
    return place


def _measures(session: Session) -> bool:
    """Whether a photo of an open page is still to be measured."""
    return not session.over and any(one.measuring for one in session.uploads.values())


def _ask_for(upload: Upload, queue: PhotoQueue, variant: Variant) -> None:
    """Asks for another variant; its result, if there is one, is shown again."""
    upload.variant, upload.error = variant, ""
    if upload.task is not None:
        queue.cancel(upload.task)
    upload.results.sort(key=lambda result: result.variant == variant)
    shown = upload.result
    upload.state = "done" if shown is not None and shown.variant == variant else "waiting"


def _next(session: Session) -> Upload | None:
    return next((one for one in session.uploads.values() if one.state == "waiting"), None)


async def _run_all(session: Session, queue: PhotoQueue, timeout: float) -> None:
    while not session.over and (upload := _next(session)) is not None:
        try:
            await _run_one(session, upload, queue, timeout)
        except Exception:  # noqa: BLE001 - the photo fails, and the others go on
            log.exception("a photo of the page failed")
            _fail(upload, BUG)


async def _run_one(session: Session, upload: Upload, queue: PhotoQueue, timeout: float) -> None:
    variant, name = upload.variant, f"after-{upload.run + 1}"
    assert variant is not None

    def finish(cached: CachedResult) -> tuple[CachedResult, bool]:
        try:
            changed = previews.show_after(cached, upload.folder, name)
            cached.move_to_disk(upload.folder / f"{name}.change")
            return cached, changed
        except BaseException:
            cached.close()
            raise

    loop = asyncio.get_running_loop()
    try:
        model, most = queue.models.find(variant.model), queue.max_pixels
        how = {"max_pixels": most, "best": variant.best, "scale": variant.scale}
        work = deblurring(model, upload.path, finish, **how)
        task = upload.task = queue.submit(work)
    except BusyError:
        await asyncio.sleep(BUSY)
        return
    end = None
    try:
        while not task.future.done():
            if task.state == "running" and upload.variant == variant and upload.state != "failed":
                upload.state = "working"
                end = end or loop.time() + timeout
                if loop.time() > end:
                    _fail(upload, "took too long and was given up")
            if upload.state == "failed" or session.over or upload.id not in session.uploads:
                queue.cancel(task)
            await asyncio.sleep(TICK)
        _take(upload, task, variant, name)
    finally:
        queue.cancel(task)
        upload.task = None
        if upload.state == "working":
            upload.state = "waiting"


def _take(upload: Upload, task: Task[Any], variant: Variant, name: str) -> None:
    """Takes a task's result, or its exception."""
    error = task.future.exception()
    if error is None:
        cached, changed = task.future.result()
        result = Result(variant, upload.folder, name, cached, not changed)
        if not upload.folder.exists() or upload.variant != variant or upload.state == "failed":
            result.close()
            return
        # Each takes room on the disk.
        for other in [one for one in upload.results if not _kept(one.variant, variant)]:
            upload.results.remove(other)
            other.close()
        upload.results.append(result)
        upload.run += 1
        upload.state = "done"
    elif isinstance(error, TaskCancelledError) or upload.variant != variant:
        return
    elif isinstance(error, UnblurError):
        _fail(upload, reason(error))
    elif isinstance(error, MemoryError):
        _fail(upload, "needs more memory than there is")
    else:
        log.error("a photo of the page failed", exc_info=error)
        _fail(upload, BUG)


def _kept(old: Variant, new: Variant) -> bool:
    """Whether a result is kept when there is one of another variant."""
    return (old.model, old.scale) == (new.model, new.scale)


def _fail(upload: Upload, error: str) -> None:
    upload.state, upload.error = "failed", error
