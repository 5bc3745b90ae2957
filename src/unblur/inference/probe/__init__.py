"""Finds out, by trying, what a network of others requires of images, and how to tile them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from unblur.errors import ModelError
from unblur.inference.contract import LEAST_SIZE, UNTILED, Contract
from unblur.inference.probe.memory import bytes_per_pixel
from unblur.inference.probe.reach import with_reach
from unblur.inference.probe.scale import find_scale

Run = Callable[[np.ndarray], list[np.ndarray]]
"""All outputs of a network for float32 (1, 3, h, w), in its own range."""
_MULTIPLES = (1, 2, 4, 8, 16, 32, 64, 128, 3, 5, 6, 7, 9, 10, 12, 14, 20, 24, 28, 40, 48, 56, 96)
"""Tried in this order: strides, then windows of other sides."""


@dataclass(frozen=True)
class Known:
    """What is known of a network without trying; None: it is found out.

    Attributes:
        size: height and width of its images, if it takes no others.
        scale: values of black and white.
        multiple: of the sides of its images.
        tiled: whether it may be given parts of a picture.
    """

    size: tuple[int, int] | None = None
    scale: tuple[float, float] | None = None
    multiple: int | None = None
    tiled: bool = True


def probe(run: Run, path: Path, known: Known) -> Contract:
    """The contract of a network that does not state it.

    - The range of its images is the one in which a smooth picture comes back nearly unchanged.
    - The multiple of their sides is the least at which the result has the size of the image.
    - Its memory is what a larger image takes more than a smaller one.
    - Its reach is measured as a seam is seen: two overlapping tiles of a picture of full contrast
      are restored, and compared. From the distance to a cut edge on at which they are equal (to
      `reach.ENOUGH`), a tile is used. A network that pools over the whole picture has no such
      distance; its tiles are as large as others', and what they differ by is kept.

    Args:
        path: its file, for errors.

    Raises:
        ModelError: if it is no network from one RGB image to another of the same size.
    """
    try:
        return _probe(run, known)
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[-1]
        raise ModelError(f"cannot restore an RGB image ({reason})", file=path) from None


def at_size(run: Run, size: tuple[int, int] | None) -> Run:
    """A network of one size for all images that are no larger: padded, and the result is cut."""
    if size is None:
        return run

    def padded(batch: np.ndarray) -> list[np.ndarray]:
        height, width = batch.shape[2:]
        pads = [(0, 0), (0, 0), (0, size[0] - height), (0, size[1] - width)]
        outputs = run(np.pad(batch, pads, mode="reflect"))
        return [x[..., :height, :width] if x.shape[-2:] == size else x for x in outputs]

    return padded


def _probe(run: Run, known: Known) -> Contract:
    size = known.size
    if size and min(size) < LEAST_SIZE:
        given = f"{size[0]}x{size[1]} pixels"
        raise ValueError(f"it takes {given}; at least {LEAST_SIZE} were expected")
    sized = at_size(run, size)
    if size or known.multiple:
        multiple = known.multiple or 1
        side = multiple * math.ceil(64 / multiple)
        output = _restored(sized, size or (side, side))
    else:
        multiple, output = _multiple(run)

    def restored(own: np.ndarray) -> np.ndarray:
        return sized(own)[output]

    memory = bytes_per_pixel(restored, size, multiple)
    low, high = known.scale or find_scale(restored, min(size or (UNTILED,)), multiple)
    contract = Contract(
        multiple=multiple,
        smallest=1 if size else multiple * math.ceil(64 / multiple),
        memory=memory,
        change_mask=False,
        low=low,
        high=high,
        size=size,
        output=output,
    )
    if size:
        contract = replace(contract, tile=min(size), overlap=min(size) // 4)
    if not known.tiled:
        contract = replace(contract, tile=UNTILED)

    def one(picture: np.ndarray) -> np.ndarray:
        """Restores (h, w, 3), full scale = 1."""
        own = (low + (high - low) * picture).astype(np.float32).transpose(2, 0, 1)[None]
        found = restored(np.ascontiguousarray(own)).astype(np.float32)
        return (found[0].transpose(1, 2, 0) - low) / (high - low)

    return with_reach(one, contract)


def _multiple(run: Run) -> tuple[int, int]:
    """The least multiple of whose sides a network takes images, and which output is the restored.

    Raises:
        ValueError: if it takes none; with the reason for the first.
    """
    reason = ""
    for multiple in _MULTIPLES:
        # Odd numbers of it, of which no side has another factor of two.
        odd = 2 * math.ceil(64 / (2 * multiple)) + 1
        try:
            return multiple, _restored(run, (odd * multiple, (odd + 2) * multiple))
        except (RuntimeError, ValueError, IndexError) as error:
            reason = reason or str(error)
    raise ValueError(reason)


def _restored(run: Run, size: tuple[int, int]) -> int:
    """Which output is the restored image: the first that has its size."""
    picture = np.full((1, 3, *size), 0.5, np.float32)
    shapes = [x.shape for x in run(picture)]
    if picture.shape not in shapes:
        given = ", ".join(map(str, shapes)) or "nothing"
        raise ValueError(f"it gives {given} for {picture.shape}; the same was expected")
    return shapes.index(picture.shape)
