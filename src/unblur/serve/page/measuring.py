"""Measures the blur of a session's photos when the server has time, and draws the maps."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import fields
from pathlib import Path

import numpy as np
import pyvips

from unblur.errors import BusyError, TaskCancelledError, UnblurError
from unblur.inference.blur_map import BlurMap
from unblur.inspection import Inspection
from unblur.inspection.picture import overlay
from unblur.photo import atomic
from unblur.serve.errors import log
from unblur.serve.page import words
from unblur.serve.page.sessions import Measured, Upload
from unblur.serve.queue import PhotoQueue
from unblur.serve.work import inspecting

SIDE = 2048
"""Longer side of the picture of a map, in pixels, which the browser scales."""
_MAP = "blur.npz"


def measure(upload: Upload, queue: PhotoQueue) -> None:
    """Begins to measure a photo by the default model; sets `Upload.measured` when that is done.

    It waits until the queue has nothing else to do. Without a measure, a photo is shown all the
    same, so a failure is no error of the photo.
    """

    def finish(inspection: Inspection) -> Measured:
        blur = inspection.map
        with (upload.folder / _MAP).open("wb") as file:
            np.savez(file, **{field.name: getattr(blur, field.name) for field in fields(blur)})
        return Measured(inspection.score, words.level(inspection), words.blur(inspection))

    model = queue.models.find(None)
    work = inspecting(model, upload.path, finish, max_pixels=queue.max_pixels)
    try:
        task = upload.measuring = queue.submit(work, "spare")
    except BusyError:
        return  # the server is stopping
    task.future.add_done_callback(lambda future: _take(upload, future))


def draw(upload: Upload) -> Path:
    """The PNG of a measured photo's map, made when it is first asked for.

    Raises:
        OSError: if the photo was removed meanwhile, or there is no room.
    """
    path = upload.folder / "blur.png"
    if not path.is_file():
        with np.load(upload.folder / _MAP) as stored:
            blur = BlurMap(**stored)
        size = upload.width, upload.height
        width, height = (max(1, round(side * SIDE / max(size))) for side in size)
        strokes = pyvips.Image.new_from_array(overlay(blur, width, height, size))
        with atomic(path) as file:
            file.write(strokes.write_to_buffer(".png", keep="none"))
    return path


def _take(upload: Upload, future: Future[Measured]) -> None:
    error = future.exception()
    if error is None:
        upload.measured = future.result()
    elif isinstance(error, OSError) and not upload.folder.exists():
        pass  # removed meanwhile
    elif not isinstance(error, (TaskCancelledError, UnblurError)):
        log.error("the blur of a photo of the page could not be measured", exc_info=error)
    upload.measuring = None
