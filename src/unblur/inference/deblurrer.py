"""`Deblurrer`: array in, deblurred array out, of any size, in tiles."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from unblur.inference.blend import Source, Strip, blend
from unblur.inference.contract import Device, Network
from unblur.inference.engine import open_network
from unblur.inference.foreign import seam_note
from unblur.inference.inspector import measures_blur
from unblur.inference.memory import tile_for_memory
from unblur.inference.options import Precision, Scale, scale_of
from unblur.inference.passes import Pass, summed
from unblur.inference.scales import LEAST, OVERVIEW, ScaleMap, choose_scales
from unblur.photo.colours import white_of

_LEAST = -0.5
"""Floats below are no overshoot: the array is probably one of -1 to 1."""


class Deblurrer:
    """A loaded model: `deblurrer(array)` returns the deblurred array. Threads may share one.

    A pickled one opens its model again by name or file, where it is unpickled.

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
        scale: at which the network works, 1/16 to 1: at 0.5 blur twice as long is removed. "auto"
            chooses it place by place by the length of the blur (see `choose_scales`), if the
            network measures blur.
        trust: whether a checkpoint in Python's pickle format may be opened (see `open_network`).

    Raises:
        TypeError: for a model of another kind.
        ValueError: for another scale.
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
        scale: Scale = "auto",
        trust: bool = False,
    ) -> None:
        chosen = scale_of(scale)
        if isinstance(model, (str, Path)):
            precision = "float" if best and precision == "auto" else precision
            model = open_network(model, device, precision, trust=trust)
        elif not hasattr(model, "contract"):
            raise TypeError(f"a model's name, its file or a network was expected, not {model!r}")
        self.engine = model
        self.masked: bool = model.contract.change_mask if masked is None else masked
        self.best = best
        self.tile = tile
        self.scale: Scale = chosen

    @property
    def description(self) -> str:
        """Runtime, precision and tile size, as they are for a call made now."""
        passes = ", eight passes" if self.best else ""
        return f"{self.engine.description}, tiles of {self._side()}{passes}"

    @property
    def note(self) -> str:
        """What a user should know of the tiles of a call made now; "" if nothing."""
        return seam_note(self.engine.contract, self._side())

    def __call__(self, image: np.ndarray, strength: float = 1.0) -> np.ndarray:
        """Deblurs an array. Regions that need no deblurring (`change_mask`) stay as they are.

        Args:
            image: (h, w) or (h, w, c) of uint8, uint16, or floats in [0, 1], in either byte order;
                c is 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA. Alpha is not changed.
            strength: 0 returns the input, 1 the full effect; values between blend the two.

        Returns:
            An array of the same shape and dtype.

        Raises:
            ValueError: for another shape, dtype or strength, values that are not finite, or floats
                whose mean is above 1, or some of which are below -0.5.
        """
        check_array(image)
        out = image.copy()
        if out.size:
            pixels = native(image)
            # Of a masked array the samples, whose mask stays as it is.
            samples = np.asarray(out).reshape(pixels.shape)
            for rows, _, after in self.strips(pixels, strength):
                samples[rows] = after
        return out

    def strips(
        self,
        source: Source,
        strength: float = 1.0,
        scales: ScaleMap | None = None,
        report: Callable[[int, int], None] = lambda done, total: None,
    ) -> Iterator[Strip]:
        """Deblurs an image of any size; no more than a row of tiles is held.

        Args:
            scales: as `scales` returns them.
            report: as in `changes`.

        Yields:
            From top to bottom: rows, their pixels before, and after.

        Raises:
            ValueError: if the strength is not 0 to 1.
        """
        if not 0 <= strength <= 1:
            raise ValueError(f"strength must be 0 to 1, not {strength}")
        for rows, change in self.changes(source, report, scales):
            yield from blend(source, rows, change, strength)
            # Else it would be held while the next row of tiles is computed.
            del change

    def scales(self, source: Source) -> ScaleMap:
        """The scales at which `changes` deblurs an image, place by place."""
        network, scale = self.engine, self.scale
        if scale != "auto":
            return ScaleMap.of_one(float(scale))
        if not measures_blur(network) or min(source.shape[:2]) * OVERVIEW < LEAST:
            return ScaleMap.of_one(1.0)
        # Not `blur`: that part alone would be compiled for this alone.
        return choose_scales(network, lambda x: network.with_blur(x)[1], source, self._side())

    def changes(
        self,
        source: Source,
        report: Callable[[int, int], None] = lambda done, total: None,
        scales: ScaleMap | None = None,
    ) -> Iterator[tuple[slice, np.ndarray]]:
        """What the full effect adds to an image of any size, for `blend`.

        Args:
            report: called before each run of the network (one a tile, eight with `best`) with the
                number of runs begun and their total, from several threads; an exception that it
                raises ends the work.
            scales: as `scales` returns them.

        Yields:
            From top to bottom: rows, and float32 (rows, w, colours), full scale = 1.
        """
        scales = scales or self.scales(source)
        how = (self._side(), self.masked, self.best)
        passes = [Pass(self.engine, source, scale, scales, *how) for scale in scales.weights]
        total = sum(one.runs for one in passes)
        begun = itertools.count()

        def count() -> None:
            report(next(begun), total)

        if [one.scale for one in passes] == [1.0]:
            return passes[0].strips(count)
        return summed(source.shape, [one.rows(count) for one in passes])

    def _side(self) -> int:
        contract = self.engine.contract
        return min(self.tile, contract.largest) if self.tile else tile_for_memory(contract)


def check_array(image: np.ndarray) -> None:
    """Raises ValueError unless it is an array that `Deblurrer` takes."""
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] not in (1, 2, 3, 4)):
        raise ValueError(f"an array (h, w) or (h, w, 1 to 4) was expected, not {image.shape}")
    kind = image.dtype.newbyteorder("=")
    if kind not in (np.uint8, np.uint16) and kind.kind != "f":
        raise ValueError(f"uint8, uint16 or floats in [0, 1] were expected, not {image.dtype}")
    if kind.kind == "f" and image.size:
        _check_floats(np.asarray(image))


def _check_floats(image: np.ndarray) -> None:
    if not np.isfinite(image).all():
        raise ValueError("the array holds values that are not finite")
    white = white_of(float(image.mean(dtype=np.float64)), float(image.max()))
    if white > 1:
        raise ValueError(f"floats in [0, 1] were expected: divide the array by {white:g}")
    # No colour is so far out of the gamut (scRGB, IEC 61966-2-2, ends there).
    if image.min() < _LEAST:
        least = f"{image.min():g}"
        raise ValueError(f"floats in [0, 1] were expected, of which 0 is black, not {least}")


def native(image: np.ndarray) -> np.ndarray:
    """The samples (h, w, c) in this machine's byte order, not copied if they are so already."""
    samples = np.asarray(image)
    samples = samples[..., None] if samples.ndim == 2 else samples
    return samples.astype(samples.dtype.newbyteorder("="), copy=False)
