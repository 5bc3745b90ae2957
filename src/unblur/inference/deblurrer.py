"""Array in, sharp array out: the engine, the tiling, and every kind of image."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np

from unblur import photo
from unblur.errors import ModelError, PhotoError
from unblur.inference.change_mask import CELL, gate
from unblur.inference.engine import CHECKPOINT, Device, Engine, Network, Precision
from unblur.inference.memory import tile_for_memory
from unblur.inference.tiling import run_padded, run_tiled, spans

Kind = TypeVar("Kind")

IN_MEMORY = 2**25
"""Photos of up to so many pixels are held whole, as that is faster."""
_AT_ONCE = 2**20
"""Pixels to which changes are added at a time."""


class Source(Protocol):
    """An image that is read part by part."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(h, w, c); c is 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """uint8, uint16, or a float whose pixels are in [0, 1]."""
        ...

    def __getitem__(self, key: tuple[slice, slice], /) -> np.ndarray:
        """The pixels in some rows and columns."""
        ...


@dataclass(frozen=True)
class Parts:
    """A photo as a source, each part read from its file when it is asked for."""

    photo: photo.Photo

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.photo.height, self.photo.width, self.photo.channels

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.photo.dtype

    def __getitem__(self, key: tuple[slice, slice], /) -> np.ndarray:
        y, x = key
        return self.photo.region(y.start, x.start, y.stop - y.start, x.stop - x.start)


class Deblurrer:
    """A loaded model: `deblurrer(array)` gives the sharp array. Threads may share one.

    Args:
        model: as `open_network` takes it, or a network that is loaded already (then device and
            precision are its own).
        device: "auto", "cpu" or "gpu".
        tile: largest side that is given to the network at once; by default the model's own, or
            less if memory is short.
        precision: of the computation on a CPU: "auto", "float" (both bf16 where the processor
            has it; "float" never in 8 bits), "f32", "bf16".
        gated: whether what needs no deblurring is left as it was (see `gate`); by default as the
            network's contract says.
        best: whether the mean over the eight turns and flips is taken, which takes eight times as
            long; then "auto" is "float".

    Raises:
        ModelError, CheckpointError: if the model or the device is not to be had.
    """

    def __init__(
        self,
        model: str | Path | Network = "default",
        device: Device = "auto",
        *,
        tile: int | None = None,
        precision: Precision = "auto",
        gated: bool | None = None,
        best: bool = False,
    ) -> None:
        named = isinstance(model, (str, Path))
        precision = "float" if best and precision == "auto" else precision
        self.engine: Network = open_network(model, device, precision) if named else model
        self.tile = tile
        self.gated = self.engine.contract.gated if gated is None else gated
        self.best = best

    @property
    def description(self) -> str:
        """How it computes, for people; without a tile of its own, as memory allows just now."""
        eight = ", eight passes" if self.best else ""
        return f"{self.engine.description}, tiles of {self._side}{eight}"

    def __call__(self, image: np.ndarray, strength: float = 1.0) -> np.ndarray:
        """Deblurs an array. What needs no deblurring (see `gate`) comes back as it was.

        Args:
            image: (h, w) or (h, w, c) of uint8, uint16, or floats in [0, 1]; c is 1 grey, 2 grey
                and alpha, 3 RGB, 4 RGBA. Alpha is handed through.
            strength: 0 gives the input back, 1 is the full effect, between blends.

        Returns:
            An array of the same shape and dtype.

        Raises:
            ValueError: for another shape, dtype or strength.
        """
        _check(image, strength)
        out = image.copy()
        if out.size:
            pixels = image[..., None] if image.ndim == 2 else image
            for rows, _, strip in self.strips(pixels, strength):
                out.reshape(pixels.shape)[rows] = strip
        return out

    def strips(
        self, source: Source, strength: float = 1.0
    ) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
        """Deblurs an image of any size, holding no more than a row of tiles.

        Returns:
            From the top to the bottom: rows, their pixels as they were, and as they are now.
        """
        for rows, change in self.changes(source):
            yield from blend(source, rows, change, strength)
            # Or it would be held while the next row of tiles is made.
            del change

    def changes(
        self, source: Source, report: Callable[[int, int], None] = lambda done, total: None
    ) -> Iterator[tuple[slice, np.ndarray]]:
        """What the full effect adds to an image of any size, to be given to `blend`.

        Args:
            report: called before each run of the network (one a tile, or eight) with how many
                were begun, and of how many; what it raises ends the work. Threads call it.

        Returns:
            From the top to the bottom: rows, and float32 (rows, w, colours), full scale = 1.
        """
        contract = self.engine.contract
        tile = self._side
        # A small tile is better with less overlap than not at all.
        overlap = min(contract.overlap, tile // 4)
        # The gate's cells and the network's strides have the same grid in every tile.
        grid = math.lcm(contract.multiple, CELL)
        height, width = source.shape[:2]
        rows, columns = (list(spans(side, tile, overlap, grid)) for side in (height, width))
        total = len(rows) * len(columns) * (8 if self.best else 1)
        begun = itertools.count()
        # The last tiles may be a little shorter: all of one size, the network is compiled once.
        # Turned, they are padded as little as possible (see `_turned`).
        first = (1, 1) if self.best else (rows[0][0].stop, columns[0][0].stop)
        least = (max(first[0], contract.smallest), max(first[1], contract.smallest))

        def run(picture: np.ndarray) -> np.ndarray:
            report(next(begun), total)
            return run_padded(self.engine, picture, contract.multiple, least)

        return run_tiled(
            partial(self._change, run=_turned(run) if self.best else run),
            lambda y, x: source[y, x],
            (height, width),
            tile,
            overlap,
            grid,
            self.engine.parallel + 1,
        )

    @property
    def _side(self) -> int:
        return self.tile or tile_for_memory(self.engine.contract.tile)

    def _change(self, pixels: np.ndarray, run: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """What the full effect adds to a tile's colours, full scale = 1."""
        if pixels.shape[2] in (2, 4):
            # What lies under full transparency is often black, and would bleed into the rest.
            pixels = photo.fill_transparent(pixels)
        colour = pixels[..., : _colours(pixels)].astype(np.float32)
        colour /= _peak(pixels.dtype)
        rgb = np.repeat(colour, 3, axis=2) if colour.shape[2] == 1 else colour
        # Float pictures may hold lights brighter than 1; the network knows none.
        rgb = rgb.clip(0, 1)
        change = run(rgb * 2 - 1) / 2 + 0.5 - rgb
        if colour.shape[2] == 1:
            change = change.mean(2, keepdims=True)
        share = gate(change) if self.gated else np.float32(1)
        return share * change


def open_network(model: str | Path, device: Device, precision: Precision) -> Network:
    """A network in the engine, or a checkpoint in PyTorch; the arguments are those of `Engine`.

    Args:
        model: the name of a bundled model, an ONNX file, or (where PyTorch is installed) a
            checkpoint of unblur.

    Raises:
        ModelError: as `Engine`, and if a checkpoint is given where there is no PyTorch.
        CheckpointError: if it is no checkpoint of unblur.
    """
    path = Path(model)
    if path.suffix != CHECKPOINT:
        return Engine(model, device, precision)
    if not path.is_file():
        raise ModelError(f"{path}: no such file; a checkpoint was expected")
    try:
        from unblur import torch_engine
    except ImportError as error:
        raise ModelError(
            f"{path}: a checkpoint needs {error.name}, pip install 'unblur[train]'; or take an "
            "ONNX file of it: unblur export, where that is installed"
        ) from None
    return torch_engine.load(path, device, precision)


def blend(
    source: Source, rows: slice, change: np.ndarray, strength: float
) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
    """Adds a part of `Deblurrer.changes` to the image that it was made of, a few rows at a time.

    The strength comes in here, after the tiles are merged, so that the same change gives every
    strength, bit for bit as if it had been made for it.

    Returns:
        From the top to the bottom: rows, their pixels as they were, and as they are now.
    """
    width = source.shape[1]
    some = max(1, _AT_ONCE // width)
    for top in range(rows.start, rows.stop, some):
        few = slice(top, min(top + some, rows.stop))
        pixels = source[few, slice(0, width)]
        here = change[few.start - rows.start : few.stop - rows.start]
        yield few, pixels, _add(pixels, np.float32(strength) * here)


def deblur(
    image: Kind, *, strength: float = 1.0, model: str | Path = "default", best: bool = False
) -> Kind:
    """Deblurs an image and gives back the kind that it was given.

    Args:
        image: an array (see `Deblurrer`), a PIL image, the bytes of a file, or
            the path of one. A path's result is written beside it as NAME-deblurred, and that path
            is returned.
        strength: 0 gives the input back, 1 is the full effect.
        model: as `open_network` takes it.
        best: as `Deblurrer` takes it.

    Raises:
        TypeError: for another kind.
        PhotoError: if a file or its bytes cannot be read, or the result exists already.
    """
    given: Any = image
    deblurrer = Deblurrer(model, best=best)
    if isinstance(given, np.ndarray):
        return deblurrer(given, strength)  # pyright: ignore[reportReturnType]
    if isinstance(given, bytes):
        picture = photo.read(given)
        pixels = deblurrer(picture.pixels, strength)
        same = np.array_equal(pixels, picture.pixels)
        return given if same else photo.encode(picture, pixels)  # pyright: ignore
    if isinstance(given, (str, Path)):
        out = beside(Path(given))
        deblur_file(deblurrer, Path(given), out, strength)
        return type(given)(out)  # pyright: ignore[reportReturnType]
    if hasattr(given, "getbands"):
        return _deblur_pil(deblurrer, given, strength)
    raise TypeError(f"an array, a PIL image, bytes or a path was expected, not {type(image)}")


def deblur_file(
    deblurrer: Deblurrer,
    path: Path,
    out: Path,
    strength: float = 1.0,
    overwrite: bool = False,
    max_pixels: int | None = photo.MAX_PIXELS,
) -> bool:
    """Deblurs a photo into a new file; one that needs no deblurring is copied byte for byte.

    A photo of more than `IN_MEMORY` pixels is read, deblurred and written part by part; what is
    done waits in a file beside the output.

    Returns:
        Whether anything was deblurred.

    Raises:
        PhotoError: if it cannot be read or written; nothing is left half-written.
    """
    if not overwrite:
        photo.check_free(out)
    kind = photo.format_of(out)
    picture = photo.read(path, max_pixels)
    if picture.width * picture.height <= IN_MEMORY:
        pixels = deblurrer(picture.pixels, strength)
        changed = not np.array_equal(pixels, picture.pixels)
        if changed or kind != picture.format:
            photo.save(photo.encode(picture, pixels, kind), out, overwrite)
        else:
            photo.copy(path, out, overwrite)
        return changed
    with photo.scratch(out) as raw:
        changed = False
        try:
            with raw.open("wb") as file:
                for _, before, after in deblurrer.strips(Parts(picture), strength):
                    changed = changed or not np.array_equal(before, after)
                    file.write(after.tobytes())
        except OSError as error:
            raise PhotoError(f"{out} cannot be written ({error.strerror})") from None
        if changed or kind != picture.format:
            photo.write(picture, raw, out, kind, overwrite)
        else:
            photo.copy(path, out, overwrite)
    return changed


def beside(path: Path) -> Path:
    """Where the result goes when nobody says: photo.jpg becomes photo-deblurred.jpg."""
    return path.with_name(f"{path.stem}-deblurred{written_ending(path)}")


def written_ending(path: Path) -> str:
    """The ending of a result's name: the photo's own; .jpg for HEIC, which is read only."""
    return ".jpg" if path.suffix.lower() in photo.READABLE - set(photo.FORMATS) else path.suffix


def _turned(run: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
    """The mean of a network's outputs for the eight turns and flips of a picture, turned back.

    Each is padded by itself, so that the result turns and flips as the picture does, exactly,
    whatever its size. It is summed as it comes: one more picture is held, not eight.
    """

    def mean(picture: np.ndarray) -> np.ndarray:
        total = np.zeros_like(picture)
        for turns, step in itertools.product(range(4), (1, -1)):
            total += np.rot90(run(np.rot90(picture[:, ::step], turns)), -turns)[:, ::step]
        return total / 8

    return mean


def _deblur_pil(deblurrer: Deblurrer, image: Any, strength: float) -> Any:
    if image.mode not in ("L", "LA", "RGB", "RGBA", "I;16"):
        raise ValueError(
            f"PIL images of mode L, LA, RGB, RGBA, I;16 can be taken, not {image.mode}"
        )
    from PIL import Image

    pixels = deblurrer(np.asarray(image), strength)
    out = Image.frombytes(image.mode, image.size, pixels.tobytes())
    out.info = dict(image.info)
    return out


def _add(pixels: np.ndarray, change: np.ndarray) -> np.ndarray:
    """The pixels with their colours changed; where the change is 0, bit for bit the same."""
    colours = _colours(pixels)
    out = pixels.copy()
    peak = _peak(pixels.dtype)
    changed = pixels[..., :colours] + change * peak
    if pixels.dtype.kind == "u":
        np.rint(changed, out=changed)
        changed.clip(0, peak, out=changed)
    out[..., :colours] = changed
    if pixels.shape[2] > colours:
        hidden = pixels[..., -1] == 0
        out[hidden] = pixels[hidden]
    return out


def _colours(pixels: np.ndarray) -> int:
    """Channels that are not alpha."""
    return pixels.shape[2] - 1 + pixels.shape[2] % 2


def _peak(dtype: np.dtype[Any]) -> np.float32:
    return np.float32(np.iinfo(dtype).max if dtype.kind == "u" else 1.0)


def _check(image: np.ndarray, strength: float) -> None:
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] not in (1, 2, 3, 4)):
        raise ValueError(f"an array (h, w) or (h, w, 1 to 4) was expected, not {image.shape}")
    if image.dtype not in (np.uint8, np.uint16) and image.dtype.kind != "f":
        raise ValueError(f"uint8, uint16 or floats in [0, 1] were expected, not {image.dtype}")
    if not 0 <= strength <= 1:
        raise ValueError(f"strength must be 0 to 1, not {strength}")
    if image.dtype.kind == "f" and not np.isfinite(image).all():
        raise ValueError("the array holds values that are not finite")
