"""Training data: batches of real pairs and of photos blurred on the fly."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from msgspec.structs import replace
from torch import Tensor

from unblur.blur import synthesize
from unblur.blur.config import BlurConfig
from unblur.datasets import PHOTOS, TREE, Pair, evenly, find_data, find_pairs
from unblur.errors import DataError, Hint
from unblur.training.config import DataConfig
from unblur.training.pictures import Pictures, chw

T = TypeVar("T")
Batch = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class ValidationImage:
    """A held-out pair: two uint8 tensors (3, h, w) and the name that tables show."""

    name: str
    blurred: Tensor
    sharp: Tensor


@dataclass(frozen=True)
class Crops:
    """The crops of a batch, uint8 views of whole pictures, and its random choices on the host."""

    pairs: list[tuple[Tensor, Tensor]]
    photos: list[Tensor]
    """With the blur's margin on every side."""
    centres: Tensor
    """Where the optical axis meets each photo, in pixels (x, y) from the crop's centre."""
    focal: Tensor
    """Focal length of each photo, in pixels."""
    turns: Tensor | None
    """(3, count): whether each sample is flipped left to right, top to bottom, transposed."""
    seed: int
    """Seed of the blur."""


class TrainingData:
    """Batches as a pure function of seed, rank and step, so that resuming needs only the step.

    Args:
        config: the folders and how to draw from them.
        blur: of the photos.
        seed: of every random choice.
        device: where pictures are kept, the blur is computed and the batches are.
        rank: of this process; ranks draw different samples.

    Raises:
        DataError: if a folder cannot be used.
    """

    def __init__(
        self, config: DataConfig, blur: BlurConfig, seed: int, device: torch.device, rank: int = 0
    ) -> None:
        self.config: DataConfig = config
        self.blur: BlurConfig = blur
        self.seed: int = seed
        self.device: torch.device = device
        self.rank: int = rank
        if not config.dirs:
            raise DataError(f"no data: no folder is given; {TREE}\n{PHOTOS}", hint=Hint("data"))
        found = [find_data(Path(root), config.blur_folder) for root in config.dirs]
        self.pairs: list[Pair]
        self.photos: list[Path]
        self.pairs, held_pairs = _hold_out([x for some, _ in found for x in some], config)
        self.photos, held_photos = _hold_out([x for _, some in found for x in some], config)
        if config.val_dirs:
            held = (find_pairs(Path(d), "test", config.blur_folder) for d in config.val_dirs)
            held_pairs, held_photos = [*chain(*held)], []
        self._held = held_pairs, held_photos
        self._pictures = Pictures(config, device)

    @contextmanager
    def ahead(
        self, plan: Iterable[tuple[int, int, int]], say: Callable[[str], None]
    ) -> Iterator[Iterator[Callable[[], Batch]]]:
        """The batches of a plan of (step, crop, batch), as functions that wait for them.

        A thread prepares the next batch meanwhile, or draws its crops if a GPU computes it.
        Before the first one, pictures are loaded onto the GPU.

        Args:
            say: called with a line on the memory that the pictures take.
        """
        cuda = self.device.type == "cuda"
        pool = ThreadPoolExecutor(1)
        wanted = [(path, self.blur.margin) for path in self.photos]
        wanted += [(path, 0) for pair in self.pairs for path in (pair.blur, pair.sharp)]
        filled = pool.submit(self._pictures.fill_gpu, wanted)

        def finish(ready: Future[Any]) -> Batch:
            return self.make(ready.result()) if cuda else ready.result()

        def results() -> Iterator[Callable[[], Batch]]:
            say(filled.result())
            begun = (pool.submit(self.draw if cuda else self.batch, *step) for step in plan)
            for ready, _ in pairwise(chain(begun, [None])):
                assert ready is not None
                yield partial(finish, ready)

        try:
            yield results()
        finally:
            pool.shutdown(cancel_futures=True)

    def batch(self, step: int, size: int, count: int) -> Batch:
        """The blurred and the sharp images of a step, each (count, 3, size, size) in [-1, 1]."""
        return self.make(self.draw(step, size, count))

    def draw(self, step: int, size: int, count: int) -> Crops:
        """All random choices of a batch but those of the blur."""
        rng = np.random.default_rng([self.seed, step, self.rank])
        seed = int(rng.integers(2**62))
        share = self.config.pair_share if self.photos else 1.0
        from_pairs = int((rng.random(count) < share).sum()) if self.pairs else 0
        tries, margin = self.config.candidates, self.blur.margin
        pairs, photos, centres, focal = [], [], [], []
        for _ in range(from_pairs * tries):
            pair = _one(rng, self.pairs)
            levels = [*zip(self._pictures(pair.blur), self._pictures(pair.sharp), strict=True)]
            fitting = [level for level in levels if min(level[0].shape[1:]) >= size]
            if not fitting:
                height, width = levels[0][0].shape[1:]
                raise DataError(f"{pair.blur}: {width}x{height} is smaller than the crop of {size}")
            level = _one(rng, fitting)
            y, x = _corner(rng, level[0], size)
            pairs.append(tuple(side[:, y : y + size, x : x + size] for side in level))
        side = size + 2 * margin
        for _ in range((count - from_pairs) * tries):
            levels = self._pictures(_one(rng, self.photos), margin)
            fitting = [level for level in levels if min(level.shape[1:]) >= side]
            level = _one(rng, fitting or [_at_least(levels[0], side)])
            y, x = _corner(rng, level, side)
            photos.append(level[:, y : y + side, x : x + side])
            height, width = level.shape[1:]
            centres.append([(width - side) / 2 - x, (height - side) / 2 - y])
            focal.append(max(height, width) * rng.uniform(0.7, 1.5))
        turns = None
        if self.config.augment:
            turns = torch.from_numpy(rng.integers(2, size=(3, count))).bool()
            turns[2] &= self.config.quarter_turns
        return Crops(pairs, photos, torch.tensor(centres), torch.tensor(focal), turns, seed)

    def make(self, crops: Crops) -> Batch:
        """The batch of these crops, computed without waiting for the device."""

        def there(tensor: Tensor) -> Tensor:
            return tensor.to(self.device, non_blocking=True)

        parts = []
        if crops.pairs:
            sides = zip(*crops.pairs, strict=True)
            parts.append([torch.stack([there(x) for x in side]).float() / 255 for side in sides])
        if crops.photos:
            photos = torch.stack([there(x) for x in crops.photos])
            generator = torch.Generator(self.device).manual_seed(crops.seed)
            where = crops.centres, crops.focal
            parts.append(synthesize(photos, *where, self.blur.margin, self.blur, generator))
        blurred, sharp = (torch.cat(side) * 2 - 1 for side in zip(*parts, strict=True))
        if (tries := self.config.candidates) > 1:
            error = (blurred - sharp).square().mean((1, 2, 3)).view(-1, tries)
            kept = error.argmax(1) + torch.arange(len(error), device=self.device) * tries
            blurred, sharp = blurred[kept], sharp[kept]
        if crops.turns is not None:
            turns = there(crops.turns)[..., None, None, None]
            blurred, sharp = (_turn(images, turns) for images in (blurred, sharp))
        layout = torch.channels_last
        return blurred.contiguous(memory_format=layout), sharp.contiguous(memory_format=layout)

    def validation(self) -> list[ValidationImage]:
        """Held-out images: real pairs and, where there are photos too, as many blurred ones."""
        pairs, photos = self._held
        limit = self.config.val_images
        from_photos = min(len(photos), max(limit // 2, limit - len(pairs)))
        images = []
        for pair in evenly(pairs, limit - from_photos):
            blurred, sharp = (chw(self._pictures.read(p)) for p in (pair.blur, pair.sharp))
            images.append(ValidationImage(pair.name, blurred, sharp))
        for index, path in enumerate(evenly(photos, from_photos)):
            blurred, sharp = self._blur_centre(path, index)
            images.append(ValidationImage(path.stem, blurred, sharp))
        return images

    def _blur_centre(self, path: Path, index: int) -> Batch:
        margin = self.blur.margin
        image = chw(self._pictures.read(path, margin))
        height, width = image.shape[1:]
        side = min(512 + 2 * margin, height // 8 * 8, width // 8 * 8)
        y, x = (height - side) // 2, (width - side) // 2
        crop = image[None, :, y : y + side, x : x + side]
        generator = torch.Generator().manual_seed(index)
        focal = torch.tensor([float(max(height, width))])
        # A sharp one, at 50 dB and more, would dominate the mean of few.
        blur = replace(self.blur, sharp_share=0.0)
        images = synthesize(crop, torch.zeros(1, 2), focal, margin, blur, generator)
        blurred, sharp = ((x[0] * 255).round().to(torch.uint8) for x in images)
        return blurred, sharp


def _hold_out(items: list[T], config: DataConfig) -> tuple[list[T], list[T]]:
    """The items to train on, and those held out for validation."""
    every = min(config.hold_out_every, len(items))
    if every == 0 or len(items) < 2:
        return items, []
    return [x for i, x in enumerate(items) if (i + 1) % every], items[every - 1 :: every]


def _one(rng: np.random.Generator, items: Sequence[T]) -> T:
    return items[int(rng.integers(len(items)))]


def _corner(rng: np.random.Generator, picture: Tensor, side: int) -> list[int]:
    return [int(rng.integers(n - side + 1)) for n in picture.shape[1:]]


def _at_least(picture: Tensor, side: int) -> Tensor:
    """The picture, extended by mirroring where it is smaller than `side`."""
    for dim in (1, 2):
        length = max(side, picture.shape[dim])
        while picture.shape[dim] < length:
            picture = torch.cat([picture, picture.flip(dim)], dim)
        picture = picture.narrow(dim, 0, length)
    return picture


def _turn(images: Tensor, turns: Tensor) -> Tensor:
    across, down, over = turns
    images = torch.where(across, images.flip(3), images)
    images = torch.where(down, images.flip(2), images)
    return torch.where(over, images.transpose(2, 3), images)
