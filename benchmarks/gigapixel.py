"""Speed and peak memory of a huge photo, streamed in tiles, against a 12-megapixel one.

The photo is a tiled TIFF of N x N pixels (`--side`; 32768 is a gigapixel), an example photo
repeated. It and its result take about 7 bytes a pixel in the folder for temporary files.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pyvips

from benchmarks import ROOT, Figure, Setup, side_by_side
from benchmarks.workers import Worker

SIDE, SMALL = 16384, (3000, 4000)
QUICK_SIDE, QUICK_SMALL = 512, (192, 256)


def run(setup: Setup) -> Iterator[Figure]:
    """Each photo once, in its own process."""
    side = setup.side or (QUICK_SIDE if setup.quick else SIDE)
    speeds, peaks = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder) / "photo.tif", Path(folder) / "out.tif"
        for height, width in (QUICK_SMALL if setup.quick else SMALL, (side, side)):
            make(source, height, width)
            with Worker() as worker:
                worker.prepare(task, setup.model, source, out)
                name = f"{width}x{height}"
                speeds[name] = [width * height / 1e6 / worker.repeat()]
                peaks[name] = [worker.peak()]
            out.unlink()
    yield from side_by_side("TIFF to TIFF, speed", "MP/s", speeds)
    yield from side_by_side("TIFF to TIFF, peak memory", "GB", peaks)


def task(model: str, source: Path, out: Path) -> Callable[[], object]:
    """Deblur the file, with the model loaded already."""
    from unblur import Deblurrer
    from unblur.inference.deblur_file import deblur_file

    return partial(deblur_file, Deblurrer(model, "cpu"), source, out, max_pixels=None)


def make(path: Path, height: int, width: int) -> None:
    """Write the photo."""
    one: Any = pyvips.Image.new_from_file(str(ROOT / "examples" / "astronaut.jpg"))
    # By a fraction, so that the tiles do not repeat with the photo.
    one = one.resize(1.37)
    many = one.replicate(-(-width // one.width), -(-height // one.height))
    many.crop(0, 0, width, height).tiffsave(
        str(path), tile=True, tile_width=256, tile_height=256, compression="deflate", bigtiff=True
    )
