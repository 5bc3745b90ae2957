"""Blurred 256 x 256 pairs a second for the preset `real`, and how far from the memory's speed.

    python benchmarks/blur.py [--batch N] [--batches N]

A bilinear sample reads two coordinates and four values of each of three channels, and writes
three: 68 bytes of float32 if nothing stayed in a cache. Their rate is set against that of a copy.
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch

from unblur.blur import scene, synthesize
from unblur.config import PRESETS

SIZE = 256
BYTES_A_SAMPLE = 4 * (2 + 4 * 3 + 3)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--batches", type=int, default=24)
    arguments = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    margin = PRESETS["real"].margin
    shape = (arguments.batch, 3, SIZE + 2 * margin, SIZE + 2 * margin)
    generator = torch.Generator().manual_seed(0)
    photos = torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8).to(device)
    centres, focal = torch.zeros(arguments.batch, 2), torch.full((arguments.batch,), 1200.0)
    samples = count_samples()
    times = []
    for index in range(arguments.batches + 2):
        if index == 2:
            samples.clear()
        began = time.perf_counter()
        synthesize(photos, centres, focal, margin, PRESETS["real"], generator)
        if device.type == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - began)
    seconds = statistics.median(times[2:])
    pairs = arguments.batch / seconds
    a_pair = sum(samples) / (arguments.batches * arguments.batch)
    moved = a_pair * pairs * BYTES_A_SAMPLE
    copy = copy_rate(device)
    print(f"{device}, {torch.get_num_threads()} threads: {pairs:.1f} pairs a second")
    print(f"{a_pair / SIZE**2:.1f} sub-frames a pair, objects' included")
    print(f"{moved / 1e9:.1f} GB/s in samples; a copy moves {copy / 1e9:.1f} GB/s")


def count_samples() -> list[int]:
    """Pixels sampled, noted at each call of grid_sample from now on."""
    counts: list[int] = []
    plain = scene.F.grid_sample

    def counted(picture: torch.Tensor, grid: torch.Tensor, **options: object) -> torch.Tensor:
        counts.append(grid.shape[1] * grid.shape[2])
        return plain(picture, grid, **options)  # pyright: ignore[reportArgumentType]

    scene.F.grid_sample = counted
    return counts


def copy_rate(device: torch.device) -> float:
    """Bytes read and written a second by a large copy, the median of nine."""
    source = torch.zeros(2**26, device=device)
    target = torch.empty_like(source)
    times = []
    for _ in range(10):
        began = time.perf_counter()
        target.copy_(source)
        if device.type == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - began)
    return 2 * source.nbytes / statistics.median(times[1:])


if __name__ == "__main__":
    main()
