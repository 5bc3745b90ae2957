"""Changes to photos that should be left alone, and gains on degraded input; needs both folders.

Of `--photos` every 13th by name is measured, those that training holds out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyvips
from skimage import data

from benchmarks import BenchmarkError, Figure, Setup, figure
from unblur import Deblurrer
from unblur.datasets import find_data, find_pairs, read_rgb
from unblur.metrics import EQUAL, psnr
from unblur.training.config import DataConfig


def run(setup: Setup) -> Iterator[Figure]:
    """PSNR of sharp photos to themselves, then gains on pairs, clean and degraded."""
    if not setup.photos or not setup.pairs:
        raise BenchmarkError("needs --photos (sharp ones) and --pairs")
    deblurrer = Deblurrer(setup.model, "cpu", precision="f32")
    every, few = DataConfig().hold_out_every, slice(2 if setup.quick else None)
    held = [read_rgb(p) for p in find_data(setup.photos)[1][every - 1 :: every][few]]
    own = [data.astronaut(), data.chelsea(), data.coffee(), data.rocket()][few]
    for name, images in (("held out of --photos", held), ("scikit-image's", own)):
        kept = [min(EQUAL, psnr(deblurrer(image), image)) for image in images]
        if kept:
            group = f"sharp photos, {name}"
            yield figure(group, "mean PSNR to the input", "dB", float(np.mean(kept)))
            yield figure(group, "least", "dB", min(kept))
            yield figure(group, "under 35 dB", f"of {len(kept)}", float(sum(k < 35 for k in kept)))

    found = find_pairs(setup.pairs, "test")[few]
    pairs = [(read_rgb(p.blur), read_rgb(p.sharp)) for p in found]
    clean = measure(deblurrer, pairs)
    gains = [after - before for before, after in clean]
    yield figure("pairs", "mean gain", "dB", float(np.mean(gains)))
    yield figure("pairs", "least gain", "dB", min(gains))
    rng = np.random.default_rng(0)
    for name, degrade in (("noise of sigma 10", lambda x: add_noise(x, rng)), ("JPEG 60", jpeg)):
        degraded = measure(deblurrer, [(degrade(blurred), sharp) for blurred, sharp in pairs])
        cost = np.mean([a[1] - b[1] for a, b in zip(clean, degraded, strict=True)])
        gain = np.mean([after - before for before, after in degraded])
        yield figure(f"pairs, {name} on the input", "costs", "dB", float(cost))
        yield figure(f"pairs, {name} on the input", "gain over it", "dB", float(gain))


def measure(
    deblurrer: Deblurrer, pairs: list[tuple[np.ndarray, np.ndarray]]
) -> list[tuple[float, float]]:
    """PSNR of each pair before and after, in dB."""
    return [(psnr(x, sharp), psnr(deblurrer(x), sharp)) for x, sharp in pairs]


def add_noise(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.rint(image + rng.normal(0, 10, image.shape)).clip(0, 255).astype(np.uint8)


def jpeg(image: np.ndarray) -> np.ndarray:
    source: Any = pyvips.Image.new_from_array(image)
    return pyvips.Image.new_from_buffer(source.jpegsave_buffer(Q=60), "").numpy()
