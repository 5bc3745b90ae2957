"""Measures the blur of viewed photos when the server has time, and draws the maps."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pyvips

from unblur.inference.blur_map import BlurMap
from unblur.inspection import Inspection
from unblur.inspection.picture import overlay
from unblur.photo import atomic
from unblur.serve.jobs import words
from unblur.serve.jobs.store import Blur
from unblur.serve.models import LoadedModel
from unblur.serve.work import Report, Work, inspecting

SIDE = 2048
"""Longer side of the picture of a map, in pixels, which the browser scales."""
_MAP = "blur.npz"


def measuring(model: LoadedModel, path: Path, max_pixels: int | None) -> Work[Blur]:
    """Measures a photo, and writes the map into its folder."""
    stored = path.with_name(_MAP)

    def finish(inspection: Inspection) -> Blur:
        blur = inspection.map
        with stored.open("wb") as file:
            np.savez(file, **{field.name: getattr(blur, field.name) for field in fields(blur)})
        return Blur(
            score=inspection.score, level=words.level(inspection), words=words.blur(inspection)
        )

    work = inspecting(model, path, finish, max_pixels=max_pixels)

    def run(report: Report) -> Blur:
        stored.touch(exist_ok=False)
        return work.run(report)

    return Work(work.name, work.size, run)


def was_begun(home: Path) -> bool:
    """Whether a photo without a measure was being measured when the server ended."""
    return (home / _MAP).exists()


def forget(home: Path) -> None:
    """Lets a photo be measured again, whose measure ended in order but without a result."""
    (home / _MAP).unlink(missing_ok=True)


def draw(home: Path, width: int, height: int) -> Path:
    """The PNG of a measured photo's map, made when it is first asked for.

    Args:
        width, height: of the photo, in pixels.

    Raises:
        OSError: if the photo was removed meanwhile, or there is no room.
    """
    path = home / "blur.png"
    if not path.is_file():
        with np.load(home / _MAP) as stored:
            blur = BlurMap(**stored)
        size = width, height
        across, down = (max(1, round(side * SIDE / max(size))) for side in size)
        strokes = pyvips.Image.new_from_array(overlay(blur, across, down, size))
        with atomic(path) as file:
            file.write(strokes.write_to_buffer(".png", keep="none"))
    return path
