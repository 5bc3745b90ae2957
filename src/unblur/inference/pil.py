"""PIL images as pixels that a network takes, and new pixels as an image of the same mode."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np

from unblur import photo
from unblur.errors import PhotoError

_STORED = {"L": "u1", "LA": "u1", "RGB": "u1", "RGBA": "u1", "F": "=f4", "I;16": "<u2",
           "I;16L": "<u2", "I;16B": ">u2", "I;16N": "=u2"}  # fmt: skip
"""Modes whose samples are taken as they are, and how they lie in memory."""
_SHOWN = {"La": "LA", "RGBa": "RGBA", "RGBX": "RGB", "YCbCr": "RGB", "HSV": "RGB"}
"""Modes that Pillow converts into others and back."""
_MODES = (*_STORED, *_SHOWN, "1", "P", "PA", "CMYK")

Opened = tuple[np.ndarray, Callable[[np.ndarray], Any]]
"""Pixels (h, w) or (h, w, c), and what makes an image of new ones."""


def open_pil(image: Any) -> Opened:
    """The pixels of a PIL image, and a function that returns a like image with new ones.

    A colour key (`transparency` in `info`) is alpha, as it is in a file; the new image has the same
    key, and no other pixels of it. A palette becomes RGB or RGBA if any pixel is new, two levels
    stay two. Pixels that are not new keep their samples in every mode. The image is not turned
    upright: its EXIF, with the orientation, stays with it. Of several frames it is the current one.

    Raises:
        ValueError: for a mode that cannot be taken.
        PhotoError: if the image's file is damaged, which Pillow tells only now.
    """
    if image.mode not in _MODES:
        known = ", ".join(_MODES)
        raise ValueError(
            f"PIL images of mode {known} can be taken, not {image.mode}; convert it to RGB or L"
        )
    try:
        image.load()
    except (OSError, SyntaxError) as error:
        raise PhotoError(f"is damaged or truncated ({error})") from None
    pixels, back = _opened(image)

    def new(pixels_after: np.ndarray) -> Any:
        if np.array_equal(pixels_after, pixels):
            out = image.copy()
            out.info = dict(image.info)
        else:
            out = back(pixels_after)
            gone = {"transparency"} if image.mode in ("P", "PA") else set()
            out.info = {key: value for key, value in image.info.items() if key not in gone}
        return out

    return pixels, new


def _opened(image: Any) -> Opened:
    if image.mode in ("P", "PA"):
        clear = image.mode == "PA" or "transparency" in image.info
        return _opened(image.convert("RGBA" if clear else "RGB"))
    if image.mode == "CMYK" and all(image.size):
        return _through_a_file(image)
    if image.mode == "1":
        grey, back = _keyed(image.convert("L"), image.info.get("transparency"), step=255)
        # Black or white before the key is looked for, not after it.
        levels = np.where(np.arange(256) < 128, 0, 255).astype(np.uint8)
        return grey, lambda after: back(levels[after]).convert("1", dither=0)
    if image.mode in _SHOWN:
        return _converted(image)
    return _keyed(image, image.info.get("transparency"))


def _keyed(image: Any, key: Any, step: int = 1) -> Opened:
    """An image whose pixels of one colour are transparent, if it has such a key.

    Args:
        step: from one level to the next.
    """
    samples = np.asarray(image)
    samples = samples.astype(samples.dtype.newbyteorder("="))
    colours = samples[..., None] if samples.ndim == 2 else samples
    keyed = isinstance(key, (int, tuple)) and np.size(key) in (1, colours.shape[2])
    if image.mode in ("LA", "RGBA") or not keyed:
        return samples, lambda after: _image(image, after)
    hidden = (colours == np.array(key, int)).all(axis=-1, keepdims=True)
    full = np.iinfo(samples.dtype).max
    alpha = np.where(hidden, 0, full).astype(samples.dtype)

    def back(after: np.ndarray) -> Any:
        out = after[..., :-1].copy()
        struck = (out == np.array(key, int)).all(axis=-1) & ~hidden[..., 0]
        # To the next level, so that no visible pixel vanishes.
        last = out[..., -1]
        last[struck] = np.where(last[struck] > 0, last[struck] - step, step)
        out[hidden[..., 0]] = key
        return _image(image, out)

    return np.concatenate([colours, alpha], axis=2), back


def _converted(image: Any) -> Opened:
    """An image of a mode that Pillow converts; pixels that are not new keep their samples."""
    before = image.convert(_SHOWN[image.mode])
    pixels = np.asarray(before)

    def back(after: np.ndarray) -> Any:
        samples = np.asarray(_image(before, after).convert(image.mode))
        new = (after != pixels).any(axis=-1, keepdims=True)
        return _image(image, np.where(new, samples, np.asarray(image)))

    return pixels, back


def _through_a_file(image: Any) -> Opened:
    """An image whose colours only a photo's reader and writer convert, by the image's profile."""
    from PIL import Image

    data = io.BytesIO()
    image.save(data, "TIFF", icc_profile=image.info.get("icc_profile"))
    picture = photo.read(data.getvalue())

    def back(after: np.ndarray) -> Any:
        with Image.open(io.BytesIO(photo.encode(picture, after, "tiff"))) as out:
            return _image(image, np.asarray(out))

    return picture.pixels, back


def _image(like: Any, samples: np.ndarray) -> Any:
    """An image of another's mode and size."""
    from PIL import Image

    stored = samples.astype(_STORED.get(like.mode, "u1"))
    return Image.frombytes(like.mode, like.size, stored.tobytes())
