"""Pictures on disk, and the command line, for tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyvips
import tifffile


def write(path: Path, pixels: np.ndarray, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image: Any = pyvips.Image.new_from_array(np.ascontiguousarray(pixels))
    image.write_to_file(str(path), **options)
    return path


def with_thumbnail(path: Path, pixels: np.ndarray) -> Path:
    """A TIFF with a smaller copy of the photo on its second page, which no result has."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tifffile.TiffWriter(path) as file:
        file.write(pixels, photometric="rgb", metadata=None)
        file.write(pixels[::4, ::4], photometric="rgb", metadata=None, subfiletype=1)
    return path


def unblur(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Runs the command line in a process of its own, as a person does."""
    return subprocess.run(
        [sys.executable, "-m", "unblur", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, "COLUMNS": "120"},
        check=False,
    )
