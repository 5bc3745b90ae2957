"""Make the pictures of docs/gallery.md: the example photos before and after, crops at 1:1.

    python -m docs.figures.gallery

writes docs/images/gallery/NAME-before.jpg, NAME-after.jpg and coffee-map.jpg.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyvips
from experiments import IMAGES, ROOT

import unblur
from unblur import photo as files
from unblur.datasets import read_rgb
from unblur.inspection.picture import map_png

PHOTOS = {
    "licenseplate_motion": (0, 0, 600, 400),
    "text_motion": (0, 0, 588, 365),
    "text_defocus": (40, 30, 620, 400),
    "coffee": (0, 0, 576, 376),
    "astronaut": (0, 0, 488, 400),
    "chelsea": (0, 0, 427, 276),
}
"""The part that is shown of each example photo: left, top, width, height."""


def main() -> None:
    (IMAGES / "gallery").mkdir(exist_ok=True)
    deblurrer = unblur.Deblurrer(precision="f32")
    for name, (left, top, width, height) in PHOTOS.items():
        photo = read_rgb(ROOT / "examples" / f"{name}.jpg")
        for when, pixels in (("before", photo), ("after", deblurrer(photo))):
            crop = np.ascontiguousarray(pixels[top : top + height, left : left + width])
            image: Any = pyvips.Image.new_from_array(crop)
            image.write_to_file(str(IMAGES / "gallery" / f"{name}-{when}.jpg"), Q=85)
    coffee = ROOT / "examples" / "coffee.jpg"
    drawn: Any = pyvips.Image.new_from_buffer(
        map_png(files.read(coffee), unblur.inspect(coffee).map), ""
    )
    drawn.write_to_file(str(IMAGES / "gallery" / "coffee-map.jpg"), Q=85)


if __name__ == "__main__":
    main()
