"""Blurred pairs a second by preset, and how near `real` is to the memory's bandwidth.

A bilinear sample reads two coordinates and four values of each of three channels, and writes three:
68 bytes of float32 without a cache. Compare their rate with `yardstick`'s copy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from benchmarks import Figure, Setup, figure, side_by_side
from benchmarks.timing import interleave, timed
from benchmarks.yardstick import default_device, wait_for
from unblur.blur import scene, synthesize
from unblur.blur.config import PRESETS

BYTES_A_SAMPLE = 4 * (2 + 4 * 3 + 3)


def run(setup: Setup) -> Iterator[Figure]:
    """Batches of eight 256x256 pairs; the presets run in turns."""
    size, batch, rounds = (64, 2, 2) if setup.quick else (256, 8, 24)
    device = default_device()
    group = f"{device}, batches of {batch}, {size}x{size}"
    makers = {name: maker(name, size, batch, device) for name in ("real", "mild", "severe")}
    times = interleave({name: timed(make) for name, make in makers.items()}, rounds, warm=2)
    rates = {name: [batch / seconds for seconds in own] for name, own in times.items()}
    yield from side_by_side(group, "pairs/s", rates)
    with samples_counted() as samples:
        for _ in range(rounds):
            makers["real"]()
    a_pair = sum(samples) / (rounds * batch)
    yield figure(group, "sub-frames of a pair, objects' included", "", a_pair / size**2)
    moved = [a_pair * rate * BYTES_A_SAMPLE / 1e9 for rate in rates["real"]]
    yield figure(group, "real, in samples", "GB/s", moved)


def maker(preset: str, size: int, batch: int, device: torch.device) -> Callable[[], None]:
    """A function that blurs the same photos again at each call."""
    blur = PRESETS[preset]
    side = size + 2 * blur.margin
    generator = torch.Generator(device).manual_seed(0)
    shape = (batch, 3, side, side)
    photos = torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8, device=device)
    centres, focal = torch.zeros(batch, 2), torch.full((batch,), 1200.0)

    def make() -> None:
        synthesize(photos, centres, focal, blur.margin, blur, generator)
        wait_for(device)

    return make


@contextmanager
def samples_counted() -> Iterator[list[int]]:
    """The number of pixels that each call of grid_sample samples."""
    counts: list[int] = []
    plain = scene.F.grid_sample

    def counted(picture: torch.Tensor, grid: torch.Tensor, **options: object) -> torch.Tensor:
        counts.append(grid.shape[0] * grid.shape[1] * grid.shape[2])
        return plain(picture, grid, **options)  # pyright: ignore[reportArgumentType]

    scene.F.grid_sample = counted
    try:
        yield counts
    finally:
        scene.F.grid_sample = plain
