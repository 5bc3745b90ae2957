"""Training and test data: pairs as they are downloaded, and any folder of sharp photos.

A folder of pairs is GoPro's tree (`SEQ/blur`, `SEQ/sharp`, optionally under `train` and `test`)
or a flat pair of folders `blur` and `sharp`; the two images of a pair have the same name, their
types may differ. Any other folder with pictures in it is a folder of sharp photos, to be blurred
synthetically.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from unblur import metrics, photo
from unblur.blur import synthesize
from unblur.config import BlurConfig, DataConfig
from unblur.errors import UnblurError

TREE = """expected a folder of pairs, either
  DIR/[train|test/]SEQUENCE/blur/NAME.png   DIR/[train|test/]SEQUENCE/sharp/NAME.png
  DIR/blur/NAME.png                         DIR/sharp/NAME.png"""
PHOTOS = "or a folder with sharp photos in it (JPEG, PNG, WebP)"


T = TypeVar("T")


class DataError(UnblurError):
    """Data that cannot be used; the message names the file and shows what was expected."""


@dataclass(frozen=True)
class Pair:
    """Two image files of one scene, and the name that the pair goes by in tables."""

    blur: Path
    sharp: Path
    name: str


def find_pairs(root: Path, split: str, blur: str = "blur") -> list[Pair]:
    """The pairs of a folder, sorted by name.

    Args:
        root: GoPro's root, its `train` or `test`, one sequence, or a flat pair of folders.
        split: "train" or "test": which half to take where `root` has both.
        blur: the folder of blurred images: "blur", or GoPro's "blur_gamma".

    Raises:
        DataError: if there are none, an image lacks its partner, a file is no picture, or the
            two images of a pair differ in size.
    """
    pairs = _find_pairs(root, split, blur)
    if not pairs:
        raise DataError(f"{root}: no pairs found; {TREE}")
    _check_sizes(pairs)
    return pairs


def find_data(root: Path, blur: str = "blur") -> tuple[list[Pair], list[Path]]:
    """Training data of a folder: its pairs (as `find_pairs`), or else its photos.

    Raises:
        DataError: as `find_pairs`, and if there are neither.
    """
    pairs = _find_pairs(root, "train", blur)
    if pairs:
        _check_sizes(pairs)
        return pairs, []
    photos = sorted(p for p in root.rglob("*") if _is_picture(p))
    if not photos:
        raise DataError(f"{root}: no pairs and no photos found; {TREE}\n{PHOTOS}")
    return [], photos


def read_rgb(path: Path) -> np.ndarray:
    """A picture as (h, w, 3) uint8: grey is repeated, alpha and a 16-bit tail are dropped.

    Raises:
        DataError: if it cannot be read.
    """
    try:
        pixels = photo.read(path).pixels
    except photo.PhotoError as error:
        raise DataError(f"{path}: {error}") from None
    if pixels.dtype == np.uint16:
        pixels = (pixels >> 8).astype(np.uint8)
    return np.repeat(pixels[..., :1], 3, axis=2) if pixels.shape[2] < 3 else pixels[..., :3]


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
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        share = self.config.pair_share if self.photos else 1.0
        from_pairs = int((rng.random(count) < share).sum()) if self.pairs else 0
        parts = []
        if from_pairs:
            drawn = [self._draw_pair(rng, size) for _ in range(from_pairs)]
            stacks = (torch.from_numpy(np.stack(side)) for side in zip(*drawn, strict=True))
            parts.append([s.to(self.device).permute(0, 3, 1, 2).float() / 255 for s in stacks])
        if from_pairs < count:
            parts.append(self._synthesize(rng, generator, size, count - from_pairs))
        blurred, sharp = (torch.cat(side) * 2 - 1 for side in zip(*parts, strict=True))
        if self.config.augment:
            turns = rng.integers(4, size=count).tolist()
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
            blurred, sharp = (self._fit(read_rgb(p)) for p in (pair.blur, pair.sharp))
            images.append(ValidationImage(pair.name, _chw(blurred), _chw(sharp)))
        for index, path in enumerate(_spread(photos, from_photos)):
            blurred, sharp = self._blur_centre(path, index)
            images.append(ValidationImage(path.stem, blurred, sharp))
        return images

    def _draw_pair(self, rng: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
        pair = self.pairs[int(rng.integers(len(self.pairs)))]
        resize = size if self.config.fit == "resize" else 0
        images = self._read(pair.blur, resize), self._read(pair.sharp, resize)
        height, width = images[0].shape[:2]
        if min(height, width) < size:
            raise DataError(f"{pair.blur}: {width}x{height} is smaller than the crop of {size}")
        blurred, sharp, *_ = _crop(rng, images, size, self._scale(rng))
        return blurred, sharp

    def _scale(self, rng: np.random.Generator) -> float:
        """1 for half of the samples, below that evenly down to the smallest for the others."""
        smallest = 1.0 if self.config.fit == "resize" else self.config.min_scale
        return 1.0 if rng.random() < 0.5 else float(rng.uniform(smallest, 1))

    def _synthesize(
        self, rng: np.random.Generator, generator: torch.Generator, size: int, count: int
    ) -> tuple[Tensor, Tensor]:
        margin = math.ceil(self.blur.max_length / 2) + 4
        side = size + 2 * margin
        crops, centres, focal = [], [], []
        for _ in range(count):
            image = self._read(self.photos[int(rng.integers(len(self.photos)))])
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
        margin = math.ceil(self.blur.max_length / 2) + 4
        image = read_rgb(path)
        side = min(512 + 2 * margin, *(n // 8 * 8 for n in image.shape[:2]))
        y, x = ((n - side) // 2 for n in image.shape[:2])
        crop = _chw(image[y : y + side, x : x + side])[None]
        generator = torch.Generator().manual_seed(index)
        focal = torch.tensor([float(max(image.shape[:2]))])
        images = synthesize(crop, torch.zeros(1, 2), focal, margin, self.blur, generator)
        blurred, sharp = ((x[0] * 255).round().to(torch.uint8) for x in images)
        return blurred, sharp

    def _fit(self, image: np.ndarray) -> np.ndarray:
        if self.config.fit == "crop":
            return image
        return metrics.resize_by_area(image, metrics.PAPER_SIZE, metrics.PAPER_SIZE)

    def _read(self, path: Path, resize: int = 0) -> np.ndarray:
        image = self._cache.get((path, resize))
        if image is None:
            image = read_rgb(path)
            if resize:
                image = metrics.resize_by_area(image, resize, resize)
            if image.nbytes <= self._cache_left:
                self._cache_left -= image.nbytes
                self._cache[path, resize] = image
        return image


def _find_pairs(root: Path, split: str, blur: str) -> list[Pair]:
    if not root.is_dir():
        raise DataError(f"{root}: no such folder; {TREE}")
    if (root / split).is_dir():
        root = root / split
    homes = [root, *sorted(p for p in root.iterdir() if p.is_dir())]
    pairs: list[Pair] = []
    for home in homes:
        has = {name: (home / name).is_dir() for name in (blur, "sharp")}
        if all(has.values()):
            pairs += _match(home, root, blur)
        elif any(has.values()):
            missing = blur if has["sharp"] else "sharp"
            raise DataError(f"{home}: has no folder {missing!r}; {TREE}")
    return pairs


def _match(home: Path, root: Path, blur: str) -> list[Pair]:
    sides = []
    for folder in (blur, "sharp"):
        files: dict[str, Path] = {}
        for path in sorted(p for p in (home / folder).iterdir() if _is_picture(p)):
            if path.stem in files:
                raise DataError(f"{path}: {files[path.stem].name} has the same name")
            files[path.stem] = path
        sides.append(files)
    blurred, sharp = sides
    for stem in sorted(blurred.keys() ^ sharp.keys()):
        path = blurred.get(stem) or sharp[stem]
        other = home / ("sharp" if stem in blurred else blur)
        raise DataError(f"{path}: has no partner in {other}; {TREE}")
    prefix = "" if home == root else f"{home.name}/"
    return [Pair(blurred[stem], sharp[stem], prefix + stem) for stem in sorted(blurred)]


def _check_sizes(pairs: list[Pair]) -> None:
    with ThreadPoolExecutor() as pool:
        paths = [path for pair in pairs for path in (pair.blur, pair.sharp)]
        sizes = list(pool.map(_size, paths))
    for index, pair in enumerate(pairs):
        first, second = sizes[2 * index : 2 * index + 2]
        if first != second:
            raise DataError(
                f"{pair.blur}: {first[0]}x{first[1]}, but its partner {pair.sharp} is "
                f"{second[0]}x{second[1]}; the two images of a pair have one size"
            )


def _size(path: Path) -> tuple[int, int]:
    try:
        return photo.read_size(path)
    except photo.PhotoError as error:
        raise DataError(f"{path}: {error}") from None


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in photo.FORMATS and path.is_file()


def _hold_out(items: list[T], every: int) -> tuple[list[T], list[T]]:
    if every == 0:
        return items, []
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
