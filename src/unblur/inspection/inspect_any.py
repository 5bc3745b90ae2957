"""`inspect`: an image of any kind in, how blurred it is and where out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from unblur import photo
from unblur.inference.blend import Source
from unblur.inference.deblur_any import unknown_kind
from unblur.inference.deblur_file import source_of
from unblur.inference.deblurrer import check_array, native
from unblur.inference.inspector import Inspector
from unblur.inference.pil import open_pil
from unblur.inspection.summary import Inspection, inspect_source


def inspect(image: Any, *, model: str | Path = "default", exact: bool = False) -> Inspection:
    """Measures how blurred an image is, and where.

    A file's EXIF orientation is applied: the map is of the upright photo; a PIL image's is not. For
    many images, make one `unblur.inference.inspector.Inspector` and call
    `unblur.inspection.inspect_source` with it.

    Args:
        image: an array (see `Deblurrer`), a PIL image, the bytes of a file, or its path.
        model: as `deblur` takes it; one that does not measure blur is replaced by the default.
        exact: whether a large image is measured at its full size; see `Inspector`.

    Raises:
        TypeError: for an image or a model of another kind.
        ValueError: for an array or a PIL mode that cannot be taken.
        ModelError, CheckpointError: if the model cannot be used.
        PhotoError: if a file, its bytes or a PIL image cannot be read.
    """
    return inspect_source(Inspector(model, exact=exact), _source(image))


def _source(image: Any) -> Source:
    if isinstance(image, (bytes, str, Path)):
        return source_of(photo.read(Path(image) if isinstance(image, str) else image))
    if isinstance(image, np.ndarray):
        pixels = image
    elif hasattr(image, "getbands"):
        pixels, _ = open_pil(image)
    else:
        raise unknown_kind(image)
    check_array(pixels)
    if not pixels.size:
        raise ValueError(f"an array with pixels was expected, not {pixels.shape}")
    return native(pixels)
