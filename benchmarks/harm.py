"""What the bundled model does to photos that it should leave alone, and to bad input.

    python benchmarks/harm.py PHOTOS PAIRS [--model NAME|FILE]

PHOTOS is a folder of sharp photos, of which every 13th by name is taken: those that training with
the committed configs holds out. PAIRS is a folder of real pairs, as `unblur evaluate` takes it.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pyvips
from skimage import data

from unblur.config import DataConfig
from unblur.datasets import find_data, find_pairs, read_rgb
from unblur.metrics import psnr
from unblur.restore import Deblurrer


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("pairs", type=Path)
    parser.add_argument("--model", default="default")
    arguments = parser.parse_args()
    deblurrer = Deblurrer(arguments.model, "cpu", precision="f32")

    every = DataConfig().hold_out_every
    held = [read_rgb(path) for path in find_data(arguments.photos)[1][every - 1 :: every]]
    own = [data.astronaut(), data.chelsea(), data.coffee(), data.rocket()]
    for name, images in (("held-out photos", held), ("scikit-image's", own)):
        # Equal images count as 100 dB, as `unblur evaluate` has it.
        kept = [min(100.0, psnr(deblurrer(image), image)) for image in images]
        print(f"sharp, {len(kept)} {name}: PSNR(out, in) mean {np.mean(kept):.1f} dB, "
              f"least {min(kept):.1f}, {sum(k < 35 for k in kept)} under 35")  # fmt: skip

    pairs = [(read_rgb(p.blur), read_rgb(p.sharp)) for p in find_pairs(arguments.pairs, "test")]
    clean = measure(deblurrer, pairs)
    gains = [after - before for before, after in clean]
    print(f"pairs: mean gain {np.mean(gains):+.2f} dB, least {min(gains):+.2f}")
    rng = np.random.default_rng(0)
    for name, spoil in (("noise of sigma 10", lambda x: add_noise(x, rng)), ("JPEG 60", jpeg)):
        spoilt = measure(deblurrer, [(spoil(blurred), sharp) for blurred, sharp in pairs])
        cost = np.mean([a[1] - b[1] for a, b in zip(clean, spoilt, strict=True)])
        gain = np.mean([after - before for before, after in spoilt])
        print(f"{name} on the input: costs {cost:.2f} dB, gain over that input {gain:+.2f} dB")


def measure(
    deblurrer: Deblurrer, pairs: list[tuple[np.ndarray, np.ndarray]]
) -> list[tuple[float, float]]:
    """PSNR before and after, in dB."""
    return [(psnr(x, sharp), psnr(deblurrer(x), sharp)) for x, sharp in pairs]


def add_noise(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.rint(image + rng.normal(0, 10, image.shape)).clip(0, 255).astype(np.uint8)


def jpeg(image: np.ndarray) -> np.ndarray:
    source: Any = pyvips.Image.new_from_array(image)
    return pyvips.Image.new_from_buffer(source.jpegsave_buffer(Q=60), "").numpy()


if __name__ == "__main__":
    main()
