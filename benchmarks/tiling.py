"""The cost of tiles: seconds, peak memory and pixels through the network, against the whole photo.

Smaller tiles hold less memory, and overlap more for the same photo.
"""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import Figure, Setup, engines, side_by_side
from benchmarks.workers import compare

SIZE, TILES = (1920, 2560), (2560, 1280, 768, 512)
QUICK_SIZE, QUICK_TILES = (384, 512), (512, 256)


def run(setup: Setup) -> Iterator[Figure]:
    """Each tile size, with ratios to the whole photo."""
    (height, width), tiles = (QUICK_SIZE, QUICK_TILES) if setup.quick else (SIZE, TILES)
    group = f"{width}x{height}"
    names = {"whole" if tile >= max(height, width) else f"tiles of {tile}": tile for tile in tiles}
    versions = {name: (engines.make, engines.OPENVINO, setup.model, height, width, tile)
                for name, tile in names.items()}  # fmt: skip
    yield from compare(group, versions, 2 if setup.quick else 5)
    image = engines.noise(height, width)
    seen = {}
    for name, tile in names.items():
        batches = engines.batches(engines.deblurrer(engines.OPENVINO, setup.model, tile), image)
        seen[name] = [sum(batch.shape[2] * batch.shape[3] for batch in batches) / 1e6]
    yield from side_by_side(f"{group}, megapixels through the network", "MP", seen)
