"""`Deblurrer`: array in, deblurred array out, of any size, in tiles."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from unblur import photo
from unblur.inference.averaging import PASSES, averaged
from unblur.inference.blend import Source, Strip, blend, colour_channels, full_scale
from unblur.inference.change_mask import CELL, change_mask
from unblur.inference.contract import Device, Network
from unblur.inference.engine import open_network
from unblur.inference.memory import tile_for_memory
from unblur.inference.options import Precision
from unblur.inference.tiling import run_padded, run_tiled, spans


class Deblurrer:
    """A loaded model: `deblurrer(array)` returns the deblurred array. Threads may share one.

    Args:
        model: as `open_network` takes it, or a loaded network, whose device and precision are
            then used.
        device: "auto", "cpu" or "gpu".
        tile: largest side, in pixels, given to the network at once; by default, at each call, the
            model's own or less if memory is short.
        precision: of the computation on a CPU: "auto", "float" (both bf16 where the processor
            has it; "float" never in 8 bits), "f32", "bf16", "int8".
        masked: whether regions that the network changes invisibly are left as they are (see
            `change_mask`); by default as the network's contract says.
        best: whether to average over the eight turns and flips, which takes eight times as long;
            precision "auto" is then "float".

    Raises:
        ModelError, CheckpointError: if the model or the device is not available, or the device or
            the precision is unknown.
    """

    def __init__(
        self,
        model: str | Path | Network = "default",
        device: Device = "auto",
        *,
        tile: int | None = None,
        precision: Precision = "auto",
        masked: bool | None = None,
        best: bool = False,
    ) -> None:
        if isinstance(model, (str, Path)):
            precision = "float" if best and precision == "auto" else precision
            model = open_network(model, device, precision)
        self.engine = model
        self.masked = model.contract.change_mask if masked is None else masked
        self.best = best
        self.tile = tile

    @property
    def description(self) -> str:
        """Runtime, precision and tile size, as they are for a call made now."""
        passes = ", eight passes" if self.best else ""
        return f"{self.engine.description}, tiles of {self._side()}{passes}"

    def __call__(self, image: np.ndarray, strength: float = 1.0) -> np.ndarray:
        """Deblurs an array. Regions that need no deblurring (`change_mask`) stay as they are.

        Args:
            image: (h, w) or (h, w, c) of uint8, uint16, or floats in [0, 1]; c is 1 grey, 2 grey
                and alpha, 3 RGB, 4 RGBA. Alpha is not changed.
            strength: 0 returns the input, 1 the full effect; values between blend the two.

        Returns:
            An array of the same shape and dtype.

        Raises:
            ValueError: for another shape, dtype or strength, or values that are not finite.
        """
        check_array(image)
        out = image.copy()
        if out.size:
            pixels = image[..., None] if image.ndim == 2 else image
            for rows, _, after in self.strips(pixels, strength):
                out.reshape(pixels.shape)[rows] = after
        return out

    def strips(self, source: Source, strength: float = 1.0) -> Iterator[Strip]:
        """Deblurs an image of any size; no more than a row of tiles is held.

        Yields:
            From top to bottom: rows, their pixels before, and after.

        Raises:
            ValueError: if the strength is not 0 to 1.
        """
        if not 0 <= strength <= 1:
            raise ValueError(f"strength must be 0 to 1, not {strength}")
        for rows, change in self.changes(source):
            yield from blend(source, rows, change, strength)
            # Else it would be held while the next row of tiles is computed.
            del change

    def changes(
        self, source: Source, report: Callable[[int, int], None] = lambda done, total: None
    ) -> Iterator[tuple[slice, np.ndarray]]:
        """What the full effect adds to an image of any size, for `blend`.

        Args:
            report: called before each run of the network (one a tile, eight with `best`) with the
                number of runs begun and their total, from several threads; an exception that it
                raises ends the work.

        Yields:
            From top to bottom: rows, and float32 (rows, w, colours), full scale = 1.
        """
        contract, tile = self.engine.contract, self._side()
        # A small tile is better with less overlap than refused.
        overlap = min(contract.overlap, tile // 4)
        # The mask's cells and the network's strides have the same grid in every tile.
        grid = math.lcm(contract.multiple, CELL)
        height, width = source.shape[:2]
        rows, columns = (list(spans(side, tile, overlap, grid)) for side in (height, width))
        total = len(rows) * len(columns) * (PASSES if self.best else 1)
        begun = itertools.count()
        # The last tiles may be a little shorter: padded to the size of the first, all have one
        # shape, for which the network is compiled once. Turned ones are padded as little as
        # possible (see `averaged`).
        first = (1, 1) if self.best else (rows[0][0].stop, columns[0][0].stop)
        least = (max(first[0], contract.smallest), max(first[1], contract.smallest))

        def run(picture: np.ndarray) -> np.ndarray:
            report(next(begun), total)
            return run_padded(self.engine, picture, contract.multiple, least)

        return run_tiled(
            partial(self._change, run=averaged(run) if self.best else run),
            lambda y, x: source[y, x],
            (height, width),
            tile,
            overlap,
            grid,
            self.engine.parallel + 1,
        )

    def _side(self) -> int:
        return self.tile or tile_for_memory(self.engine.contract.tile)

    def _change(self, pixels: np.ndarray, run: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """What the full effect adds to a tile's colours, full scale = 1."""
        pixels = photo.fill_transparent(pixels)
        colours = pixels[..., : colour_channels(pixels)].astype(np.float32)
        colours /= full_scale(pixels.dtype)
        rgb = np.repeat(colours, 3, axis=2) if colours.shape[2] == 1 else colours
        # Float images may hold lights brighter than 1, which the network was not trained on.
        rgb = rgb.clip(0, 1)
        change = run(rgb * 2 - 1) / 2 + 0.5 - rgb
        if colours.shape[2] == 1:
            change = change.mean(2, keepdims=True)
        mask = change_mask(change) if self.masked else np.float32(1)
        return mask * change


def check_array(image: np.ndarray) -> None:
    """Raises ValueError unless it is an array that `Deblurrer` takes."""
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] not in (1, 2, 3, 4)):
        raise ValueError(f"an array (h, w) or (h, w, 1 to 4) was expected, not {image.shape}")
    if image.dtype not in (np.uint8, np.uint16) and image.dtype.kind != "f":
        raise ValueError(f"uint8, uint16 or floats in [0, 1] were expected, not {image.dtype}")
    if image.dtype.kind == "f" and not np.isfinite(image).all():
        raise ValueError("the array holds values that are not finite")
