"""A pass over an image at one scale, tile by tile, and the sum of several."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np

from unblur.inference import gate
from unblur.inference.averaging import PASSES, averaged
from unblur.inference.blend import Source, colour_channels, colours_of
from unblur.inference.blur_map import CELL
from unblur.inference.change_mask import change_mask
from unblur.inference.contract import Contract, Network
from unblur.inference.inspector import measures_blur
from unblur.inference.probe.reach import RAMP
from unblur.inference.resample import Reduced, enlarge_cells, enlarged_rows, reach
from unblur.inference.scales import ScaleMap
from unblur.inference.tiling import padded, run_tiled, spans

Rows = Iterator[tuple[slice, np.ndarray]]
"""From top to bottom: rows, and float32 (rows, w, colours), full scale = 1."""

_BLOCK = 256
"""Rows that are enlarged at a time."""


class Pass:
    """What the full effect adds to an image, computed at one scale and weighted by its share.

    Args:
        source: the image at its full size.
        scales: the share of each scale in the result.
        tile: largest side, in pixels, given to the network at once.
        masked, best: as in `Deblurrer`.

    Attributes:
        runs: of the network; tiles in which the scale has no share are left out.
    """

    def __init__(
        self,
        network: Network,
        source: Source,
        scale: float,
        scales: ScaleMap,
        tile: int,
        masked: bool,
        best: bool,
    ) -> None:
        self.scale: float = scale
        self._scales = scales
        self._network, self._masked, self._best = network, masked, best
        self._full = source.shape[:2]
        self._image = source if scale == 1 else Reduced(source, scale)
        contract = network.contract
        # The mask's cells and the network's strides have the same grid in every tile.
        grid = math.lcm(contract.multiple, CELL)
        self._tile, overlap, margin = cuts(contract, tile, grid)
        self._cuts = {"overlap": overlap, "multiple": grid, "margin": margin}
        rows, columns = (
            [span for span, _ in spans(side, self._tile, **self._cuts)]
            for side in self._image.shape[:2]
        )
        # The last tiles may be a little shorter: padded to the size of the first, all have one
        # shape, for which the network is compiled once. Turned ones are padded as little as
        # possible (see `averaged`).
        first = (1, 1) if best else (rows[0].stop, columns[0].stop)
        self._least = (max(first[0], contract.smallest), max(first[1], contract.smallest))
        # A picture that is one tile tells by itself how much of it is blurred.
        self._blurred = None if len(rows) == len(columns) == 1 else scales.blurred_share
        used = sum(bool(self._share(y, x).any()) for y in rows for x in columns)
        self.runs: int = used * (PASSES if best else 1)

    def strips(self, begin: Callable[[], None]) -> Rows:
        """The changes, at this scale.

        Args:
            begin: called before each run of the network.
        """
        image = self._image

        def once(picture: np.ndarray, /) -> np.ndarray:
            begin()
            return _restored(self._network, picture, self._least, self._blurred)

        run = averaged(once) if self._best else once

        def change(part: tuple[np.ndarray, slice, slice]) -> np.ndarray:
            pixels, y, x = part
            share = self._share(y, x)
            if not share.any():
                return np.zeros((*pixels.shape[:2], colour_channels(pixels)), np.float32)
            seen = partial(self._scales.blurred_at, y, x, self.scale)
            found = self._change(pixels, run, seen)
            return np.multiply(found, share, out=found)

        return run_tiled(
            change,
            lambda y, x: (image[y, x], y, x),
            (image.shape[0], image.shape[1]),
            self._tile,
            workers=self._network.parallel + 1,
            **self._cuts,
        )

    def rows(self, begin: Callable[[], None]) -> Rows:
        """The changes, at the full size."""
        strips = self.strips(begin)
        if self.scale == 1:
            yield from strips
            return
        (height, width), old = self._full, self._image.shape[0]
        held, top = next(strips)[1], 0
        for start in range(0, height, _BLOCK):
            block = slice(start, min(start + _BLOCK, height))
            needed = reach(block, (old, height))
            held, top = held[needed.start - top :], needed.start
            while top + len(held) < needed.stop:
                held = np.concatenate([held, next(strips)[1]])
            yield block, enlarged_rows(held, top, block, (old, height), width)

    def _share(self, rows: slice, columns: slice) -> np.ndarray:
        return self._scales.at(self.scale, rows, columns, self.scale)

    def _change(
        self,
        pixels: np.ndarray,
        run: Callable[[np.ndarray], np.ndarray],
        seen: Callable[..., np.ndarray | float],
    ) -> np.ndarray:
        """What the full effect adds to a tile's colours, full scale = 1.

        Args:
            seen: whether its pixels look blurred from afar (`ScaleMap.blurred_at`).
        """
        colours = colours_of(pixels)
        rgb = np.repeat(colours, 3, axis=2) if colours.shape[2] == 1 else colours
        # Float images may hold lights brighter than 1, which the network was not trained on.
        rgb = rgb.clip(0, 1)
        restored = run(rgb * 2 - 1)
        change = restored[..., :3] / 2 + 0.5 - rgb
        if colours.shape[2] == 1:
            change = change.mean(2, keepdims=True)
        if not self._masked:
            return change
        change *= change_mask(change)
        if restored.shape[2] > 3:
            # Where there is no texture to tell by, or noise, the picture seen from afar decides.
            weight = restored[..., 3:4] + restored[..., 4:] * seen()
            if noisy := gate.noisy(colours):
                weight = np.maximum(weight, noisy * seen(noisy=noisy))
            change *= weight
        return change


def cuts(contract: Contract, tile: int, grid: int) -> tuple[int, int, int | None]:
    """The tile, the overlap and the margin of `spans` for a network whose tiles start on a grid.

    Where a tile is too small for what the network's contract asks for, less is shared: a small
    tile is better with less overlap than refused.
    """
    tile = max(tile, grid)
    if contract.reach is None:
        return tile, min(contract.overlap, tile // 4), None
    room = tile - tile % grid
    for margin in range(contract.reach, -1, -1):
        ramp = min(RAMP, room // 4)
        overlap = 2 * margin + ramp
        overlap += -overlap % grid
        if room > overlap + 2 * ramp:  # as `spans` demands
            # What the grid adds is not used either.
            return tile, overlap, (overlap - ramp) // 2
    return tile, 0, 0


def summed(shape: Sequence[int], parts: Sequence[Rows]) -> Rows:
    """The sum of the parts' rows, which need not be cut alike.

    Args:
        shape: height, width, and channels of the image.
    """
    streams = [_Stream(part) for part in parts]
    height, width, channels = shape
    for start in range(0, height, _BLOCK):
        rows = slice(start, min(start + _BLOCK, height))
        total = np.zeros((rows.stop - start, width, channels - 1 + channels % 2), np.float32)
        for stream in streams:
            stream.add_to(total)
        yield rows, total


class _Stream:
    """Rows that come in strips, taken in other numbers."""

    def __init__(self, rows: Rows) -> None:
        self._rows: Rows = rows
        self._held: np.ndarray | None = None

    def add_to(self, total: np.ndarray) -> None:
        """Adds the next rows to as many others."""
        done = 0
        while done < len(total):
            held = next(self._rows)[1] if self._held is None else self._held
            count = min(len(held), len(total) - done)
            total[done : done + count] += held[:count]
            done += count
            # A strip that is used up is not held while the next is computed.
            self._held = held[count:] if count < len(held) else None
            del held


def _restored(
    network: Network, picture: np.ndarray, least: tuple[int, int], share: float | None
) -> np.ndarray:
    """The restored picture (h, w, 3); where blur is measured, (h, w, 5), with `gate.weights`.

    Args:
        share: of the photo that is blurred; None: as the picture says.
    """
    height, width = picture.shape[:2]
    batch = padded(picture, network.contract.multiple, least)
    if not measures_blur(network):
        return network(batch)[0].transpose(1, 2, 0)[:height, :width]
    restored, blur = network.with_blur(batch)
    if share is None:
        rows, columns = (math.ceil(side / CELL) for side in (height, width))
        share = gate.blurred_share(blur[0, :, :rows, :columns])
    parts = gate.weights(blur[0], share).transpose(1, 2, 0)
    parts = enlarge_cells(parts, (batch.shape[2], batch.shape[3])).transpose(2, 0, 1)
    return np.concatenate([restored[0], parts]).transpose(1, 2, 0)[:height, :width]
