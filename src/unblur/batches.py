"""What a training run is fed: batches of real pairs and of photos blurred on the fly."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from unblur import metrics
from unblur.blur import synthesize
from unblur.config import BlurConfig, DataConfig
from unblur.datasets import PHOTOS, TREE, DataError, Pair, find_data, find_pairs, read_rgb

T = TypeVar("T")


@dataclass(frozen=True)
class ValidationImage:
    """A held-out pair: two uint8 tensors (3, h, w) and the name that tables show."""

    name: str
    blurred: Tensor
    sharp: Tensor


class TrainingData:
    """Batches as a pure function of the step, so a resumed run needs no other position.

    Args:
        config: the folders and how to draw from them.
        blur: what photos go through.
        seed: of every random choice.
        device: where the blur is made and the batches go.
        rank: of this process; processes draw different samples.

    Raises:
        DataError: if a folder cannot be used.
    """

    def __init__(
        self, config: DataConfig, blur: BlurConfig, seed: int, device: torch.device, rank: int = 0
    ) -> None:
        self.config, self.blur, self.seed, self.device, self.rank = (
            config, blur, seed, device, rank,
        )  # fmt: skip
        if not config.dirs:
            raise DataError(f"no data: name folders with --data; {TREE}\n{PHOTOS}")
        pairs: list[Pair] = []
        photos: list[Path] = []
        for root in config.dirs:
            more_pairs, more_photos = find_data(Path(root), config.blur_folder)
            pairs += more_pairs
            photos += more_photos
        self.pairs, held_pairs = _hold_out(pairs, config.hold_out_every)
        self.photos, held_photos = _hold_out(photos, config.hold_out_every)
        if config.val_dirs:
            held_pairs = [
                pair
                for root in config.val_dirs
                for pair in find_pairs(Path(root), "test", config.blur_folder)
            ]
            held_photos = []
        self._held = held_pairs, held_photos
        self._cache: dict[tuple[Path, int], np.ndarray] = {}
        self._cache_left = config.cache_gib * 2**30

    def batch(self, step: int, size: int, count: int) -> tuple[Tensor, Tensor]:
        """The blurred and the sharp images of a step, each (count, 3, size, size) in [-1, 1]."""
        rng = np.random.default_rng([self.seed, step, self.rank])
        generator = torch.Generator(self.device).manual_seed(int(rng.integers(2**62)))
        share = self.config.pair_share if self.photos else 1.0
        from_pairs = int((rng.random(count) < share).sum()) if self.pairs else 0
        tries = self.config.candidates
        parts = []
        if from_pairs:
            drawn = [self._draw_pair(rng, size) for _ in range(from_pairs * tries)]
            stacks = (torch.from_numpy(np.stack(side)) for side in zip(*drawn, strict=True))
            parts.append([s.to(self.device).permute(0, 3, 1, 2).float() / 255 for s in stacks])
        if from_pairs < count:
            parts.append(self._synthesize(rng, generator, size, (count - from_pairs) * tries))
        blurred, sharp = (torch.cat(side) * 2 - 1 for side in zip(*parts, strict=True))
        if tries > 1:
            error = (blurred - sharp).square().mean((1, 2, 3)).view(count, tries)
            kept = error.argmax(1) + torch.arange(count, device=error.device) * tries
            blurred, sharp = blurred[kept], sharp[kept]
        if self.config.augment:
            turns = rng.integers(4, size=count)
            turns = (turns if self.config.quarter_turns else turns // 2 * 2).tolist()
            flips = rng.integers(2, size=count).tolist()
            blurred, sharp = (_turn(images, turns, flips) for images in (blurred, sharp))
        layout = torch.channels_last
        return blurred.contiguous(memory_format=layout), sharp.contiguous(memory_format=layout)

    def validation(self) -> list[ValidationImage]:
        """Held-out images: real pairs and, where there are photos too, as many blurred ones."""
        pairs, photos = self._held
        limit = self.config.val_images
        from_photos = min(len(photos), max(limit // 2, limit - len(pairs)))
        images = []
        for pair in _spread(pairs, limit - from_photos):
            blurred, sharp = (self._resized(read_rgb(p)) for p in (pair.blur, pair.sharp))
            images.append(ValidationImage(pair.name, _chw(blurred), _chw(sharp)))
        for index, path in enumerate(_spread(photos, from_photos)):
            blurred, sharp = self._blur_centre(path, index)
            images.append(ValidationImage(path.stem, blurred, sharp))
        return images

    def _draw_pair(self, rng: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
        pair = self.pairs[int(rng.integers(len(self.pairs)))]
        images = self._read(pair.blur), self._read(pair.sharp)
        height, width = images[0].shape[:2]
        if min(height, width) < size:
            raise DataError(f"{pair.blur}: {width}x{height} is smaller than the crop of {size}")
        blurred, sharp, *_ = _crop(rng, images, size, self._scale(rng))
        return blurred, sharp

    def _scale(self, rng: np.random.Generator) -> float:
        """1 for half of the samples, below that evenly down to the smallest for the others."""
        return 1.0 if rng.random() < 0.5 else float(rng.uniform(self.config.min_scale, 1))

    def _synthesize(
        self, rng: np.random.Generator, generator: torch.Generator, size: int, count: int
    ) -> tuple[Tensor, Tensor]:
        margin = self.blur.margin
        side = size + 2 * margin
        crops, centres, focal = [], [], []
        for _ in range(count):
            image = self._read(self.photos[int(rng.integers(len(self.photos)))], margin)
            image = _at_least(image, side)
            crop, centre, scale = _crop(rng, (image,), side, self._scale(rng))
            crops.append(crop)
            centres.append(centre)
            focal.append(max(image.shape) * scale * rng.uniform(0.7, 1.5))
        photos = torch.from_numpy(np.stack(crops)).to(self.device).permute(0, 3, 1, 2)
        return synthesize(
            photos, torch.tensor(centres), torch.tensor(focal), margin, self.blur, generator
        )

    def _blur_centre(self, path: Path, index: int) -> tuple[Tensor, Tensor]:
        margin = self.blur.margin
        image = self._resized(read_rgb(path), margin)
        side = min(512 + 2 * margin, *(n // 8 * 8 for n in image.shape[:2]))
        y, x = ((n - side) // 2 for n in image.shape[:2])
        crop = _chw(image[y : y + side, x : x + side])[None]
        generator = torch.Generator().manual_seed(index)
        focal = torch.tensor([float(max(image.shape[:2]))])
        # A sharp one among few, at 50 dB and more, would drown the others in the mean.
        blur = replace(self.blur, sharp_share=0.0)
        images = synthesize(crop, torch.zeros(1, 2), focal, margin, blur, generator)
        blurred, sharp = ((x[0] * 255).round().to(torch.uint8) for x in images)
        return blurred, sharp

    def _read(self, path: Path, margin: int = 0) -> np.ndarray:
        image = self._cache.get((path, margin))
        if image is None:
            image = self._resized(read_rgb(path), margin)
            if image.nbytes <= self._cache_left:
                self._cache_left -= image.nbytes
                self._cache[path, margin] = image
        return image

    def _resized(self, image: np.ndarray, margin: int = 0) -> np.ndarray:
        """The whole image as `config.resize` says, with so many pixels more on every side."""
        if not self.config.resize:
            return image
        side = self.config.resize + 2 * margin
        return metrics.resize_by_area(image, side, side)


def _hold_out(items: list[T], every: int) -> tuple[list[T], list[T]]:
    if every == 0 or len(items) < 2:
        return items, []
    every = min(every, len(items))
    held = items[every - 1 :: every]
    return [x for i, x in enumerate(items) if (i + 1) % every], held


def _spread(items: list[T], count: int) -> list[T]:
    if count >= len(items):
        return items
    return [items[i * len(items) // count] for i in range(count)]


def _crop(
    rng: np.random.Generator, images: tuple[np.ndarray, ...], side: int, scale: float
) -> tuple[Any, ...]:
    """The same random square of each image, down-scaled to `side`.

    After the squares come where the images' middle is, in pixels (x, y) from the square's, and
    the scale, which is raised if the images are too small for it.
    """
    height, width = images[0].shape[:2]
    wide = min(round(side / scale), height, width)
    y, x = (int(rng.integers(n - wide + 1)) for n in (height, width))
    scale = side / wide
    middle = [((width - wide) / 2 - x) * scale, ((height - wide) / 2 - y) * scale]
    squares = [_shrink(image[y : y + wide, x : x + wide], side) for image in images]
    return *squares, middle, scale


def _shrink(image: np.ndarray, side: int) -> np.ndarray:
    if image.shape[0] == side:
        return image
    chw = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None]
    small = F.interpolate(chw, size=(side, side), mode="bilinear", antialias=True)
    return small[0].permute(1, 2, 0).numpy()


def _at_least(image: np.ndarray, side: int) -> np.ndarray:
    short = [max(0, side - n) for n in image.shape[:2]]
    if not any(short):
        return image
    return np.pad(image, [(0, short[0]), (0, short[1]), (0, 0)], mode="symmetric")


def _turn(images: Tensor, turns: list[int], flips: list[int]) -> Tensor:
    out = []
    for image, turn, flip in zip(images, turns, flips, strict=True):
        image = torch.rot90(image, turn, (1, 2))
        out.append(image.flip(2) if flip else image)
    return torch.stack(out)


def _chw(image: np.ndarray) -> Tensor:
    return torch.from_numpy(image.copy()).permute(2, 0, 1)
