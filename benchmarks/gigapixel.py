"""Deblurs a photo of any size and tells its peak memory and speed.

    python benchmarks/gigapixel.py [--side N] [--folder DIR]

Makes a tiled TIFF of N x N pixels (32768 by default: a gigapixel) out of an example photo,
repeated, and runs `deblur` on it and on a 12-megapixel photo cut from it, each in a process of its
own. The file and its result take about 7 GB of DIR for a while.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pyvips

EXAMPLE = Path(__file__).parents[1] / "examples" / "astronaut.jpg"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--side", type=int, default=32768)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--one", type=Path, nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measure(*arguments.one)))
        return
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        speeds = []
        for name, width, height in (
            ("12 megapixels", 4000, 3000),
            (f"{arguments.side} x {arguments.side}", arguments.side, arguments.side),
        ):
            photo, out = Path(folder) / "photo.tif", Path(folder) / "out.tif"
            make(photo, width, height)
            command = [sys.executable, __file__, "--one", str(photo), str(out)]
            seconds, peak = json.loads(subprocess.check_output(command))
            speeds.append(width * height / seconds / 1e6)
            print(f"{name:20} {seconds:9.1f} s {speeds[-1]:7.2f} megapixels/s {peak:6.2f} GB",
                  flush=True)  # fmt: skip
            out.unlink()
        print(f"speed, the large to the small: {speeds[1] / speeds[0]:.2f}")


def make(path: Path, width: int, height: int) -> None:
    one: Any = pyvips.Image.new_from_file(str(EXAMPLE))
    # Scaled by no whole number, so that tiles do not repeat with the photo.
    one = one.resize(1.37)
    many = one.replicate(-(-width // one.width), -(-height // one.height))
    many.crop(0, 0, width, height).tiffsave(
        str(path), tile=True, tile_width=256, tile_height=256, compression="deflate", bigtiff=True
    )


def measure(photo: Path, out: Path) -> tuple[float, float]:
    """Seconds, without loading the model, and peak memory of the process in GB."""
    from unblur.restore import Deblurrer, deblur_file

    deblurrer = Deblurrer()
    began = time.perf_counter()
    deblur_file(deblurrer, photo, out)
    seconds = time.perf_counter() - began
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


if __name__ == "__main__":
    main()
