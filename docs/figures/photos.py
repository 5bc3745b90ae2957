"""Draws the pictures of README.md and docs/model-card.md: what the network can do and cannot.

    python docs/readme_pictures.py

It writes docs/images/real.jpg and docs/images/limits.jpg, details at 1:1.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyvips
from skimage import data

from unblur import Deblurrer
from unblur.datasets import read_rgb
from unblur.robustness.scene import make_scene

HERE = Path(__file__).parent
EXAMPLES = HERE.parent / "examples"
DETAILS = {
    "licenseplate_motion": (130, 70),
    "text_motion": (60, 60),
    "text_defocus": (120, 120),
}
"""Where the details of the real photographs begin: row, column."""
SIDE, HEIGHT = 440, 220


def main() -> None:
    deblurrer = Deblurrer(precision="f32")
    rows = []
    for name, (top, left) in DETAILS.items():
        photo = read_rgb(EXAMPLES / f"{name}.jpg")
        rows.append([_detail(image, top, left) for image in (photo, deblurrer(photo))])
    _save(rows, "real")
    rows = []
    # A shake that turns several times, over 60 pixels; lights three stops over white, at night.
    for photo, seed, length, stops in ((data.astronaut(), 8, 60, 0), (_night(), 3, 30, 3)):
        scene = make_scene("", photo, 512, seed)
        assert scene is not None
        blurred, sharp = scene.shoot(length, stops)
        top, left = ((n - HEIGHT) // 2 for n in sharp.shape[:2])
        images = (blurred, deblurrer(blurred), sharp)
        rows.append([_detail(image, top, left, HEIGHT) for image in images])
    _save(rows, "limits")


def _night() -> np.ndarray:
    """The launch of a rocket at night, darker, so that its lights alone are bright."""
    return (data.rocket() * 0.5).astype(np.uint8)


def _detail(image: np.ndarray, top: int, left: int, width: int = SIDE) -> np.ndarray:
    return image[top : top + HEIGHT, left : left + width]


def _save(rows: list[list[np.ndarray]], name: str) -> None:
    images = [pyvips.Image.new_from_array(np.ascontiguousarray(x)) for row in rows for x in row]
    sheet = pyvips.Image.arrayjoin(images, across=len(rows[0]), shim=8, background=[255.0])
    path = HERE / "images" / f"{name}.jpg"
    sheet.write_to_file(str(path), Q=90)  # pyright: ignore[reportAttributeAccessIssue]
    print(path)


if __name__ == "__main__":
    main()
