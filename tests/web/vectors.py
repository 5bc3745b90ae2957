"""Writes what the page's engine in JavaScript must compute, as the package computes it.

    python -m tests.web.vectors FOLDER

`web/tests/*.test.js` read the file `vectors.json` in the folder that the environment variable
UNBLUR_VECTORS names.
"""

from __future__ import annotations

import base64
import itertools
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.inference.fakes import Fake
from unblur.inference import gate
from unblur.inference.blend import blend, colours_of
from unblur.inference.change_mask import change_mask
from unblur.inference.deblurrer import Deblurrer
from unblur.inference.measure import measure
from unblur.inference.resample import Reduced, cells_at, resize
from unblur.inference.scales import choose_scales
from unblur.inference.tiling import spans
from unblur.serve.jobs import words

Cases = list[dict[str, Any]]


def write(folder: Path) -> None:
    """Writes the cases of each function: arrays as base64 of their bytes, with type and shape."""
    cases = {make.__name__: make() for make in MAKERS}
    text = json.dumps(cases, default=_encoded)
    (folder / "vectors.json").write_text(text, encoding="utf-8")


def tiles() -> Cases:
    sizes = itertools.product(
        [1, 15, 63, 64, 65, 100, 129, 500, 1281, 4000], [(64, 16), (100, 25), (1280, 128)], [1, 16]
    )
    wholes: Cases = []
    for length, (tile, overlap), multiple in sizes:
        found = [(s.start, s.stop, w) for s, w in spans(length, tile, overlap, multiple)]
        of = {"length": length, "tile": tile, "overlap": overlap, "multiple": multiple}
        wholes.append({**of, "spans": found})
    return wholes


def colours() -> Cases:
    found: Cases = []
    for height, width, channels in [(1, 1, 2), (33, 47, 4), (64, 50, 2), (20, 20, 3), (5, 9, 1)]:
        pixels = photo(height, width, channels)
        found.append({"pixels": pixels, "colours": colours_of(pixels)})
    return found


def smaller() -> Cases:
    found: Cases = []
    for channels, scale in itertools.product([1, 2, 3, 4], [2 / 3, 1 / 2, 0.37, 1 / 8, 1 / 16]):
        pixels = photo(61, 85, channels)
        image = Reduced(pixels, scale)
        height, width, _ = image.shape
        y, x = slice(height // 3, height), slice(0, max(1, width * 2 // 3))
        found += [
            {"pixels": pixels, "scale": scale, "y": _range(r), "x": _range(c), "found": image[r, c]}
            for r, c in [(slice(0, height), slice(0, width)), (y, x)]
        ]
    return found


def larger() -> Cases:
    sizes = [((7, 5), (15, 9)), ((1, 1), (3, 2)), ((40, 30), (121, 77)), ((12, 4), (12, 5))]
    images = [(RNG.random((*old, 3), np.float32), new) for old, new in sizes]
    return [{"image": image, "found": resize(image, new)} for image, new in images]


def cells() -> Cases:
    found: Cases = []
    for (height, width), y, x, cell in [
        ((3, 4), slice(0, 48), slice(0, 60), 16.0),
        ((1, 1), slice(3, 9), slice(1, 2), 64.0),
        ((5, 7), slice(100, 140), slice(31, 99), 64 / 3),
        ((4, 4), slice(0, 8), slice(0, 7), 2.0),
    ]:
        values = RNG.random((height, width), np.float32)
        of = {"cells": values, "y": _range(y), "x": _range(x), "cell": cell}
        found.append({**of, "found": cells_at(values, y, x, cell)})
    return found


def masks() -> Cases:
    shapes = [(1, 1, 3), (16, 16, 1), (70, 50, 3), (33, 90, 1)]
    levels = [RNG.random((height, width, 1)) ** 4 for height, width, _ in shapes]
    changes = [
        (level * RNG.normal(0, 4 / 255, shape) + level.mean() / 90).astype(np.float32)
        for level, shape in zip(levels, shapes, strict=True)
    ]
    return [{"change": change, "mask": change_mask(change)[..., 0]} for change in changes]


def gates() -> Cases:
    found: Cases = []
    for share in [0.0, 0.2, 0.9]:
        planes = RNG.random((6, 5, 8), np.float32)
        planes[[0, 3]] *= 30
        values = {"share": share, "weights": gate.weights(planes, share)}
        found.append({**values, "planes": planes, "blurred": gate.blurred_share(planes)})
    return found


def noise() -> Cases:
    pictures = [(photo(h, w, c) / 255).astype(np.float32) for h, w, c in SIZES]
    return [{"colours": picture, "found": gate.noisy(picture)} for picture in pictures]


def measures() -> Cases:
    found: Cases = []
    for (height, width, channels), scale, tile in [
        ((500, 410, 3), 1.0, 160),
        ((500, 410, 4), 0.5, 512),
        ((70, 100, 1), 1.0, 64),
    ]:
        pixels, network = photo(height, width, channels), fake()
        planes = measure(network, network.blur, pixels, scale, tile)
        found.append({"pixels": pixels, "scale": scale, "tile": tile, "planes": planes})
    return found


def scales() -> Cases:
    found: Cases = []
    for height, width, tile in [(600, 530, 512), (300, 420, 512), (900, 270, 256), (255, 400, 64)]:
        pixels, network = photo(height, width, 3), fake()
        chosen = Deblurrer(network, tile=tile).scales(pixels)
        if min(height, width) >= 256:
            chosen = choose_scales(network, network.blur, pixels, tile)
        of = {"pixels": pixels, "tile": tile, "weights": list(chosen.weights.items())}
        seen = None if chosen.extent is None else 2**chosen.extent
        found.append({**of, "seen": seen, "blurred": chosen.blurred_share})
    return found


def photos() -> Cases:
    """Whole photos: what the full effect adds, and the result at half of it."""
    kinds: list[tuple[tuple[int, int, int], dict[str, Any]]] = [
        *((size, {"tile": 64}) for size in SIZES),
        *((size, {"tile": 64, "best": True}) for size in SIZES[:4]),
        *(((70, 90, c), {"tile": 64, "scale": 0.37, "best": c == 1}) for c in (1, 2, 3, 4)),
        ((300, 411, 3), {"tile": 512}),
        ((600, 530, 4), {"tile": 256}),
        ((420, 300, 1), {"tile": 192}),
        ((530, 299, 3), {"tile": 128, "scale": 1 / 3}),
        ((150, 130, 3), {"tile": 64, "measured": False}),
    ]
    found: Cases = []
    for size, options in kinds:
        measured = options.pop("measured", True)
        pixels, deblurrer = photo(*size), Deblurrer(fake(measured), **options)
        chosen = deblurrer.scales(pixels)
        runs: list[tuple[int, int]] = []
        strips = deblurrer.changes(pixels, lambda *run, runs=runs: runs.append(run), chosen)
        change = np.concatenate([part for _, part in strips])
        half = [part for _, _, part in blend(pixels, slice(0, size[0]), change, 0.5)]
        of = {"pixels": pixels, "options": options, "measured": measured, "runs": runs[0][1]}
        made = {"change": change, "half": np.concatenate(half)}
        found.append({**of, **made, "shares": list(chosen.shares().items())})
    return found


def said() -> Cases:
    mixtures: list[dict[float, float]] = [
        {1.0: 1.0},
        {1.0: 0.6, 0.5: 0.4},
        {0.5: 1.0},
        {1.0: 0.98, 0.5: 0.02},
        {1.0: 0.005, 2 / 3: 0.2, 1 / 3: 0.795},
        {1.0: 0.575, 1 / 6: 0.3, 1 / 8: 0.125},
    ]
    return [
        {"shares": list(shares.items()), "chosen": chosen, "words": words.scales(shares, chosen)}
        for shares, chosen in itertools.product(mixtures, [False, True])
    ]


RNG = np.random.default_rng(22)
MAKERS: tuple[Callable[[], Cases], ...] = (
    tiles, colours, smaller, larger, cells, masks, gates, noise, measures, scales, photos, said
)  # fmt: skip
SIZES = [(1, 1, 3), (90, 77, 4), (130, 64, 1), (50, 121, 2), (200, 150, 3), (1, 40, 3), (65, 2, 1)]
"""Height, width and channels of photos."""


def photo(height: int, width: int, channels: int) -> np.ndarray:
    """A photo of soft colours, noise that differs from place to place, and holes in the alpha."""
    y, x = np.mgrid[:height, :width]
    waves = [np.sin(y / (9 + 5 * c) + 2 * c) * np.cos(x / (31 - 7 * c)) for c in range(channels)]
    level = 128 + 100 * np.stack(waves, axis=2)
    noisy = RNG.normal(0, 1, level.shape) * (1 + 16 * ((x + y) // 40 % 2))[..., None]
    out = (level + noisy).clip(0, 255).astype(np.uint8)
    if channels % 2 == 0:
        alpha = (150 + 400 * np.sin(y / 11) * np.sin(x / 13 + 1)).clip(0, 255)
        out[..., -1] = alpha
    return out


def fake(measured: bool = True) -> Fake:
    """The network of `web/tests/fake.js`: sharpens towards the left, and measures brightness."""

    def run(batch: np.ndarray) -> np.ndarray:
        left = np.concatenate([batch[..., :1], batch[..., :-1]], axis=3)
        return 1.5 * batch - 0.5 * left

    def planes(mean: np.ndarray) -> np.ndarray:
        length, confidence = 2 ** (9 * mean), 0.5 + 0.5 * np.sin(20 * mean)
        weight = 0.5 + 0.5 * np.cos(13 * mean)
        return np.stack([length, 0 * mean, mean, 6 - 6 * mean, confidence, weight])

    return Fake(run, planes if measured else None)


def _range(part: slice) -> list[int]:
    return [part.start, part.stop]


def _encoded(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        kept = value if value.dtype == np.uint8 else value.astype("<f4")
        data = base64.b64encode(np.ascontiguousarray(kept).tobytes()).decode()
        return {"type": kept.dtype.name, "shape": kept.shape, "data": data}
    raise TypeError(f"{type(value)} was not expected")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
