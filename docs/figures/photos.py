"""Draw the pictures of README.md and docs/model-card.md: what the network can do and what not.

    python -m docs.figures.photos

writes docs/images/real.jpg and limits.jpg, crops at 1:1.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyvips
from experiments import IMAGES, ROOT
from skimage import data

from unblur import Deblurrer
from unblur.datasets import read_rgb
from unblur.robustness.scene import make_scene

CORNERS = {"licenseplate_motion": (130, 70), "text_motion": (60, 60), "text_defocus": (120, 120)}
"""Row and column of the example photos' crops."""
SIDE, HEIGHT = 440, 220


def main() -> None:
    deblurrer = Deblurrer(precision="f32")
    rows = []
    for name, (top, left) in CORNERS.items():
        photo = read_rgb(ROOT / "examples" / f"{name}.jpg")
        rows.append([_crop(image, top, left) for image in (photo, deblurrer(photo))])
    _save(rows, "real")
    rows = []
    # A shake of 60 pixels with several turns; lights three stops over white, at night.
    night = (data.rocket() * 0.5).astype(np.uint8)
    for photo, seed, length, stops in ((data.astronaut(), 8, 60, 0), (night, 3, 30, 3)):
        scene = make_scene("", photo, 512, seed, longest=80, kinds=("shake",))
        assert scene is not None
        blurred, sharp = scene.shoot(length, stops)
        top, left = ((n - HEIGHT) // 2 for n in sharp.shape[:2])
        images = (blurred, deblurrer(blurred), sharp)
        rows.append([_crop(image, top, left, HEIGHT) for image in images])
    _save(rows, "limits")


def _crop(image: np.ndarray, top: int, left: int, width: int = SIDE) -> np.ndarray:
    return image[top : top + HEIGHT, left : left + width]


def _save(rows: list[list[np.ndarray]], name: str) -> None:
    images = [pyvips.Image.new_from_array(np.ascontiguousarray(x)) for row in rows for x in row]
    sheet: Any = pyvips.Image.arrayjoin(images, across=len(rows[0]), shim=8, background=[255.0])
    sheet.write_to_file(str(IMAGES / f"{name}.jpg"), Q=90)


if __name__ == "__main__":
    main()
