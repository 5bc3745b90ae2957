"""`deblur`: an image of any kind in, the same kind out."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from unblur import photo
from unblur.errors import NotKeptWarning
from unblur.inference.deblur_file import beside, deblur_file, encode_result, source_of
from unblur.inference.deblurrer import Deblurrer
from unblur.inference.options import Scale
from unblur.inference.pil import open_pil

Kind = TypeVar("Kind")


def deblur(
    image: Kind,
    *,
    strength: float = 1.0,
    model: str | Path = "default",
    best: bool = False,
    scale: Scale = "auto",
    trust: bool = False,
) -> Kind:
    """Deblurs an image and returns it as the kind that was given.

    Args:
        image: an array (see `Deblurrer`), a PIL image, the bytes of a file, or its path. For a
            path, the result is written beside the file as NAME-deblurred, and its path returned.
            A PIL image keeps its mode, unless it has a palette; see `open_pil`.
        strength: 0 returns the input, 1 the full effect.
        model: the name of a model, an ONNX file, or (with PyTorch) a checkpoint, of unblur or of
            others; see `open_network`.
        best: whether to average over the eight turns and flips, which takes eight times as long.
        scale: at which the network works, 1/16 to 1, or "auto"; see `Deblurrer`.
        trust: whether a checkpoint in Python's pickle format may be opened.

    Raises:
        TypeError: for an image or a model of another kind.
        ValueError: for an array or a PIL mode that cannot be taken, or another strength or scale.
        ModelError, CheckpointError: if the model cannot be used.
        PhotoError: if a file, its bytes or a PIL image cannot be read, or the result's file exists.

    Warns:
        NotKeptWarning: if a part of a file, such as the gain map of an HDR photo, is not kept.
    """
    given: Any = image
    lost: tuple[str, ...] = ()
    deblurrer = Deblurrer(model, best=best, scale=scale, trust=trust)
    if isinstance(given, np.ndarray):
        result: Any = deblurrer(given, strength)
    elif isinstance(given, bytes):
        picture = photo.read(given)
        strips = deblurrer.strips(source_of(picture), strength)
        made = encode_result(picture, given, strips, picture.format)
        result, lost = made.data, made.lost
    elif isinstance(given, (str, Path)):
        out = beside(Path(given))
        lost = deblur_file(deblurrer, Path(given), out, strength).lost
        result = type(given)(out)
    elif hasattr(given, "getbands"):
        pixels, new = open_pil(given)
        result = new(deblurrer(pixels, strength))
    else:
        raise unknown_kind(image)
    if lost:
        name = "the result" if isinstance(given, bytes) else f"{result}"
        warnings.warn(f"{name} is {photo.without(lost)}", NotKeptWarning, stacklevel=2)
    return result


def unknown_kind(image: object) -> TypeError:
    """The error for what is no image."""
    return TypeError(f"an array, a PIL image, bytes or a path was expected, not {type(image)}")
