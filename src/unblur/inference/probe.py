"""Finds out, by trying, what a network of others requires of images, and how to tile them."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import psutil

from unblur.errors import ModelError
from unblur.inference.blur_map import CELL
from unblur.inference.contract import UNTILED, Contract
from unblur.inference.memory import available

Run = Callable[[np.ndarray], list[np.ndarray]]
"""All outputs of a network for float32 (1, 3, h, w), in its own range."""

Change = Callable[[np.ndarray, float, float], np.ndarray]
"""What a network adds to a picture (h, w, 3), full scale = 1, taken in a range."""
ENOUGH = 0.1
"""Levels of 255 that are no difference: of another photo it may be some times more."""
RAMP = 16
"""Pixels over which neighbouring tiles fade into each other, where both are right."""
RANGES = ((-1.0, 1.0), (0.0, 1.0), (0.0, 255.0))
_MULTIPLES = (1, 2, 4, 8, 16, 32, 64)
_SMALL = 128
"""Side, in pixels, of the picture by which the range is found out."""
_LENGTHS = (256, 512, 1024)
"""Lengths, in pixels, of the strips by which the reach is measured, until one is long enough."""
_BREADTH = 128


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
      `ENOUGH`), a tile is used. A network that pools over the whole picture has no such distance;
      its tiles are as large as others', and what they differ by is kept.

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
    if size and min(size) < CELL:
        raise ValueError(f"it takes {size[0]}x{size[1]} pixels; at least {CELL} were expected")
    sized = at_size(run, size)
    output = _restored(sized, min(64, *size) if size else 64)

    def restored(own: np.ndarray) -> np.ndarray:
        return sized(own)[output]

    memory = _memory(restored, size)
    side = min(_SMALL, *size) if size else _SMALL
    low, high = known.scale or _scale(restored, side)
    contract = Contract(
        multiple=1 if size else known.multiple or _multiple(run, output),
        smallest=1 if size else 64,
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

    return _with_reach(one, contract)


def _restored(run: Run, side: int) -> int:
    """Which output is the restored image: the first that has its size."""
    picture = np.full((1, 3, side, side), 0.5, np.float32)
    shapes = [x.shape for x in run(picture)]
    if picture.shape not in shapes:
        given = ", ".join(map(str, shapes)) or "nothing"
        raise ValueError(f"it gives {given} for {picture.shape}; the same was expected")
    return shapes.index(picture.shape)


def _scale(run: Callable[[np.ndarray], np.ndarray], side: int) -> tuple[float, float]:
    """The range in which a network changes a smooth picture least.

    A network in [-1, 1] takes a picture in [0, 1] for a bright one, and restores it about as well:
    it is found by [0, 1] being no better. To be taken for one in [-1, 1] a network must also keep
    to that range, or sharpen in it; of one that does neither, [0, 1] is as good a guess as any, and
    what most networks take.
    """
    y, x = np.mgrid[:side, :side].astype(np.float32) / side
    smooth = np.stack([0.15 + 0.7 * x, 0.15 + 0.7 * y, 0.5 + 0.3 * np.sin(3 * x - 2 * y)], axis=2)

    def change(picture: np.ndarray, low: float, high: float) -> np.ndarray:
        """Of a picture (h, w, 3), full scale = 1."""
        own = (low + (high - low) * picture).astype(np.float32).transpose(2, 0, 1)[None]
        found = run(np.ascontiguousarray(own)).astype(np.float32) - own
        return found[0].transpose(1, 2, 0) / (high - low)

    def error(low: float, high: float) -> float:
        found = float(np.abs(change(smooth, low, high)).mean())
        return found if math.isfinite(found) else math.inf

    signed, unit, levels = (error(*scale) for scale in RANGES)
    # In another range, one in [0, 255] makes a mess, and there it adds next to nothing.
    if levels < 0.02 and min(signed, unit) > 10 * levels + 0.05:
        return RANGES[2]
    # Half is what it comes to where the same is added whatever the range.
    fits = signed < 0.4 * unit and _leaves(change, smooth, RANGES[1])
    if signed <= 1.25 * unit + 1e-4 and (
        fits or _ends_at_minus_one(run, side) or _sharpens(change, side)
    ):
        return RANGES[0]
    return RANGES[1]


def _leaves(change: Change, picture: np.ndarray, scale: tuple[float, float]) -> bool:
    """Whether a picture of middle tones comes back with some darker than black or over white."""
    found = picture + change(picture, *scale)
    return bool(found.min() < -0.05 or found.max() > 1.05)


def _ends_at_minus_one(run: Callable[[np.ndarray], np.ndarray], side: int) -> bool:
    """Whether a network gives no values beyond -1 and 1, but some near -1."""
    ramp = np.linspace(-3, 3, side, dtype=np.float32)
    found = run(np.broadcast_to(ramp, (1, 3, side, side)).copy())
    return bool(-1.02 <= found.min() < -0.5 and found.max() <= 1.02)


def _sharpens(change: Change, side: int) -> bool:
    """Whether what a network adds in [-1, 1] to a blurred picture is like what it has lost.

    And more so than in [0, 1]. The correlation is above 0.45 for networks of unblur and of the
    paper, and 0.0 for networks of random weights.
    """
    sharp = 0.3 * _cells((side, side), 32, 16, 8) + 0.5
    blurred = np.mean([np.roll(sharp, shift, axis=1) for shift in range(-3, 4)], axis=0)
    inner = slice(side // 8, -(side // 8))
    lost = (sharp - blurred)[inner, inner]

    def likeness(scale: tuple[float, float]) -> float:
        added = change(blurred, *scale)[inner, inner]
        size = math.sqrt(float(np.square(added).sum() * np.square(lost).sum()))
        return float((added * lost).sum()) / size if size else 0.0

    return likeness(RANGES[0]) > max(0.2, likeness(RANGES[1]))


def _multiple(run: Run, output: int) -> int:
    for multiple in _MULTIPLES:
        shape = (1, 3, 64 + multiple, 64 + 3 * multiple)
        try:
            if run(np.full(shape, 0.5, np.float32))[output].shape == shape:
                return multiple
        except (RuntimeError, ValueError, IndexError):
            continue
    raise ValueError("it takes no image of the sizes that were tried, multiples of 64")


def _memory(run: Callable[[np.ndarray], np.ndarray], size: tuple[int, int] | None) -> int:
    """Bytes that a pixel of a tile takes, a quarter more than measured; at least the default."""
    most = 0.0
    # Each side's share over the one before, which is held already.
    steps = [(0, size)] if size else [(64, (128, 128)), (128, (256, 256))]
    for smaller, larger in steps:
        pixels = math.prod(larger) - smaller**2
        if most * pixels > available() / 2:
            break
        batch = np.ascontiguousarray(picture_of(larger).transpose(2, 0, 1)[None])
        with _peak() as grown:
            run(batch)
        most = max(most, grown[0] / pixels)
    return max(Contract.memory, math.ceil(1.25 * most))


@contextmanager
def _peak() -> Iterator[list[int]]:
    """The bytes by which this process grows at most, in a list of one once it is over."""
    process, grown, over = psutil.Process(), [0], threading.Event()
    before = process.memory_info().rss

    def watch() -> None:
        while not over.wait(0.002):
            grown[0] = max(grown[0], process.memory_info().rss - before)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield grown
    finally:
        over.set()
        thread.join()
        grown[0] = max(grown[0], process.memory_info().rss - before)


def _with_reach(one: Callable[[np.ndarray], np.ndarray], contract: Contract) -> Contract:
    """The contract with the reach, what follows for tiles, and the grid that they need."""
    lengths = [min(contract.size)] if contract.size else _LENGTHS
    profile = np.zeros(1)
    for length in lengths:
        if length * _BREADTH * contract.memory > available() / 2 and length != lengths[0]:
            break
        profile, grid = _seam_profile(one, contract.size, length)
        wrong = np.flatnonzero(profile > ENOUGH)
        reach = int(wrong[-1]) + 1 if len(wrong) else 0
        if reach < len(profile):
            multiple = contract.multiple if grid <= CELL else math.lcm(grid, contract.multiple)
            overlap = 2 * reach + RAMP
            return replace(contract, multiple=multiple, overlap=overlap, reach=reach)
        flat = profile[len(profile) // 2 :].mean() > profile[: len(profile) // 2].mean() / 4
        if flat and length != lengths[0]:
            break  # whatever the tile: it pools over the whole picture
    used = profile[min(contract.overlap // 3, len(profile) - 1) :]
    return replace(contract, seam=float(used.max()))


def _seam_profile(
    one: Callable[[np.ndarray], np.ndarray], size: tuple[int, int] | None, length: int
) -> tuple[np.ndarray, int]:
    """How much overlapping tiles differ at each distance from a cut edge, in levels of 255.

    Tiles are compared with others that are shifted to the right, and down; they have the network's
    one size, or are strips.

    Args:
        length: of the strips, in pixels; else the shorter side.

    Returns:
        The largest difference at each distance; and the least shift, at least `CELL`, at which
        the tiles are equal in their middle: the grid that they need.
    """
    # Powers of two, as the network's strides are.
    step = max(CELL, 2 ** int(math.log2(length / 3)))
    shapes = size or (_BREADTH, length), size or (length, _BREADTH)
    pictures = [picture_of((height + step, width + step)) for height, width in shapes]

    def tile(axis: int, shift: int) -> np.ndarray:
        height, width = shapes[axis]
        y, x = (0, shift) if axis == 0 else (shift, 0)
        return one(pictures[axis][y : y + height, x : x + width])

    firsts = [tile(0, 0), tile(1, 0)]
    across = np.abs(firsts[0][:, step:] - tile(0, step)[:, :-step]).max((0, 2)) * 255
    along = np.abs(firsts[1][step:] - tile(1, step)[:-step]).max((1, 2)) * 255
    count = min(len(across), len(along)) // 2
    sides = [across[:count], across[::-1][:count], along[:count], along[::-1][:count]]
    profile = np.max(sides, axis=0)
    if profile[-1] > ENOUGH:
        return profile, step
    for grid in (CELL, 2 * CELL, 4 * CELL):
        if grid >= step:
            break
        differs = np.abs(firsts[0][:, grid:] - tile(0, grid)[:, :-grid]).max((0, 2)) * 255
        middle = differs[count : -count or None]
        if len(middle) and middle.max() <= ENOUGH:
            return profile, grid
    return profile, step


def picture_of(size: tuple[int, int]) -> np.ndarray:
    """A picture of full contrast, float32 (h, w, 3) in [0, 1]: blurred and sharp edges, texture.

    From the left to the right its contrast rises, downwards it becomes brighter: as in a photo, no
    tile is like the next one.
    """
    y, x = (np.linspace(0.2, 1, side, dtype=np.float32) for side in size)
    picture = _cells(size, 64, 16, 4) * x[:, None] + 0.8 * y[:, None, None]
    left = picture[:, : size[1] // 2]
    left[:] = np.mean([np.roll(left, shift, axis=0) for shift in range(9)], axis=0)
    return picture.clip(0, 1)


def _cells(size: tuple[int, int], *sides: int) -> np.ndarray:
    """The sum of squares of random colours, from -0.5 to 0.5, of these sides; float32 (h, w, 3)."""
    height, width = size
    total = np.zeros((height, width, 3), np.float32)
    for side in sides:
        random = np.random.default_rng(side)
        colours = random.random((height // side + 1, width // side + 1, 3), np.float32) - 0.5
        total += colours.repeat(side, 0).repeat(side, 1)[:height, :width]
    return total
