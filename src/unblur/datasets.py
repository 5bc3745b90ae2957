"""Data on disk: pairs as they are downloaded, and any folder of sharp photos.

A folder of pairs is GoPro's tree (`SEQ/blur`, `SEQ/sharp`, optionally under `train` and `test`)
or a flat pair of folders `blur` and `sharp`; the two images of a pair have the same name, their
types may differ. Any other folder with pictures in it is a folder of sharp photos, to be blurred
synthetically.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from unblur import photo
from unblur.errors import UnblurError

TREE = """expected a folder of pairs, either
  DIR/[train|test/]SEQUENCE/blur/NAME.png   DIR/[train|test/]SEQUENCE/sharp/NAME.png
  DIR/blur/NAME.png                         DIR/sharp/NAME.png"""
PHOTOS = "or a folder with sharp photos in it (JPEG, PNG, TIFF, ...)"


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
