"""The cache of decoded pictures that training crops are drawn from."""

from __future__ import annotations

import os
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from unblur import metrics
from unblur.datasets import read_rgb
from unblur.training.config import DataConfig


class Pictures:
    """Files as tensors, uint8 (3, h, w), at all the scales that crops are drawn at.

    They are kept on the GPU up to `config.gpu_gib`, then in memory up to `config.cache_gib`; the
    others are decoded each time.
    """

    def __init__(self, config: DataConfig, device: torch.device) -> None:
        self.config: DataConfig = config
        self.device: torch.device = device
        self._kept: dict[tuple[Path, int], list[Tensor]] = {}
        self._room = {torch.device("cpu"): int(config.cache_gib * 2**30)}
        if device.type == "cuda":
            free, _ = torch.cuda.mem_get_info(device)
            self._room = {device: min(int(config.gpu_gib * 2**30), free // 2), **self._room}
        self._lock = Lock()

    def __call__(self, path: Path, margin: int = 0) -> list[Tensor]:
        """A picture's scales, the largest first; may be called from several threads.

        Args:
            margin: extra pixels on every side if the picture is resized to `config.resize`.

        Raises:
            DataError: if it cannot be read.
        """
        levels = self._kept.get((path, margin))
        if levels is None:
            levels = self._levels(chw(self.read(path, margin)))
            place = self._take(sum(level.numel() for level in levels))
            if place is not None:
                levels = self._kept[path, margin] = [level.to(place) for level in levels]
        return levels

    def fill_gpu(self, wanted: Collection[tuple[Path, int]]) -> str:
        """Fills a GPU's share of the cache, with all cores; a line on what is kept where."""
        rest = f"in memory as they are drawn, {self.config.cache_gib:g} GiB at most"
        if self.device.type != "cuda":
            return f"{len(wanted)} pictures, kept {rest}"
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(lambda one: self._room[self.device] and self(*one), wanted))
        there = [levels for levels in self._kept.values() if levels[0].is_cuda]
        size = sum(level.numel() for levels in there for level in levels) / 2**30
        said = f"{len(there)} of {len(wanted)} pictures on the GPU, {size:.1f} GiB"
        return said if len(there) == len(wanted) else f"{said}; the others {rest}"

    def read(self, path: Path, margin: int = 0) -> np.ndarray:
        """A picture (h, w, 3), resized as `config.resize` says, with a margin on every side."""
        image = read_rgb(path)
        if not self.config.resize:
            return image
        side = self.config.resize + 2 * margin
        return metrics.resize_by_area(image, side, side)

    def _take(self, size: int) -> torch.device | None:
        with self._lock:
            for place, room in self._room.items():
                if size <= room:
                    self._room[place] -= size
                    return place
                # Full from now on: the thread that draws crops must not allocate on the GPU.
                self._room[place] = 0
        return None

    def _levels(self, image: Tensor) -> list[Tensor]:
        levels, scale = [image], 0.5**0.5
        while scale >= self.config.min_scale:
            size = [max(1, round(n * scale)) for n in image.shape[1:]]
            levels.append(F.interpolate(image[None], size, mode="bilinear", antialias=True)[0])
            scale *= 0.5**0.5
        return levels


def chw(image: np.ndarray) -> Tensor:
    return torch.from_numpy(image.copy()).permute(2, 0, 1).contiguous()
