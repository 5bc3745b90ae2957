"""What tiles cost: seconds, peak memory and pixels through the network, against the whole at once.

Smaller tiles overlap more for the same photo, and hold less memory.
"""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import Figure, Setup, engines, side_by_side
from benchmarks.workers import in_turn

SIZE, TILES = (1920, 2560), (2560, 1280, 768, 512)
QUICK_SIZE, QUICK_TILES = (384, 512), (512, 256)


def run(setup: Setup) -> Iterator[Figure]:
    """The whole comes first: ratios are to it."""
    (height, width), tiles = (QUICK_SIZE, QUICK_TILES) if setup.quick else (SIZE, TILES)
    group = f"{width}x{height}"
    names = {"whole" if tile >= max(height, width) else f"tiles of {tile}": tile for tile in tiles}
    versions = {name: (engines.make, engines.OPENVINO, setup.model, height, width, tile)
                for name, tile in names.items()}  # fmt: skip
    seconds, peaks = in_turn(versions, 2 if setup.quick else 5)
    yield from side_by_side(f"{group}, seconds", "s", seconds)
    yield from side_by_side(f"{group}, peak memory", "GB", peaks)
    seen = {name: [megapixels(setup.model, height, width, tile)] for name, tile in names.items()}
    yield from side_by_side(f"{group}, megapixels through the network", "MP", seen)


def megapixels(model: str, height: int, width: int, tile: int) -> float:
    """Given to the network for a photo of that size."""
    own = engines.deblurrer(engines.OPENVINO, model, tile)
    given = engines.batches(own, engines.photo(height, width))
    return sum(batch.shape[2] * batch.shape[3] for batch in given) / 1e6
