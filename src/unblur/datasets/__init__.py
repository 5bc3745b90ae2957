"""Data on disk: datasets as they are downloaded, and any folder of sharp photos.

One file reads one dataset's tree, `LAYOUTS` names them all, and `find_dataset` recognises which it
has before it. The two images of a pair have the same name in most; their types may differ. A
folder that is none of these but has pictures in it is a folder of sharp photos, to be blurred
synthetically.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from unblur import photo
from unblur.datasets import flat, gopro, hide, kohler, realblur, reds, rsblur
from unblur.datasets.types import Alignment, Dataset, Pair, Split, evenly, is_picture, other_split
from unblur.errors import DataError, PhotoError, SplitError

__all__ = [
    "LAYOUTS", "PHOTOS", "TREE",
    "Alignment", "Dataset", "Layout", "Pair", "Split",
    "evenly", "find_data", "find_dataset", "find_pairs", "find_photos", "has_pairs", "read_rgb",
]  # fmt: skip


@dataclass(frozen=True)
class Layout:
    """How a dataset lies on disk: the tree that errors show, and two functions of a folder."""

    tree: str
    recognises: Callable[[Path, str], bool]
    read: Callable[[Path, Split, str], Dataset]


# GoPro's tree is the loosest, and a pair of folders the loosest of all: they come last.
LAYOUTS = {
    "kohler": Layout(kohler.TREE, kohler.recognises, kohler.read),
    "realblur-j": Layout(realblur.TREE, realblur.recognises_j, realblur.read_j),
    "realblur-r": Layout(realblur.TREE, realblur.recognises_r, realblur.read_r),
    "rsblur": Layout(rsblur.TREE, rsblur.recognises, rsblur.read),
    "reds": Layout(reds.TREE, reds.recognises, reds.read),
    "hide": Layout(hide.TREE, hide.recognises, hide.read),
    "gopro": Layout(gopro.TREE, gopro.recognises, gopro.read),
    "flat": Layout(flat.TREE, flat.recognises, flat.read),
}

TREE = f"""expected a folder of pairs, either
  DIR/[train|test/]SEQUENCE/blur/NAME.png   DIR/[train|test/]SEQUENCE/sharp/NAME.png
  DIR/blur/NAME.png                         DIR/sharp/NAME.png
  or a dataset as it is downloaded (layouts {", ".join(LAYOUTS)}; see docs/datasets.md)"""
PHOTOS = "or a folder with sharp photos in it (JPEG, PNG, TIFF, ...)"


def find_dataset(
    root: Path, split: Split = "test", blur: str = "blur", layout: str = "auto"
) -> Dataset:
    """A dataset to measure on.

    If only the other half is there, its pairs are taken and the note says so.

    Args:
        root: the dataset's folder as it is downloaded, or a half or one sequence of it.
        split: which half to take where it has both.
        blur: the folder of blurred images: "blur", GoPro's "blur_gamma", REDS's "blur_comp".
        layout: a name of `LAYOUTS`, or "auto".

    Raises:
        DataError: if it is of no layout or not whole, an image lacks its partner, a file is no
            picture, or the images of a pair differ in size; it shows the tree that was expected.
    """
    try:
        return _find(root, split, blur, layout)
    except SplitError:
        dataset = _find(root, other_split(split), blur, layout)
        note = f"there is no {split} half here: these are {other_split(split)} pairs"
        if split == "test":
            note += ", which a model may have been trained on"
        return replace(dataset, note="; ".join(filter(None, [note, dataset.note])))


def find_pairs(root: Path, split: Split, blur: str = "blur", layout: str = "auto") -> list[Pair]:
    """The pairs of one half of a dataset, sorted by name; arguments as of `find_dataset`.

    Raises:
        DataError: as `find_dataset`, and if there is only the other half.
    """
    return _find(root, split, blur, layout).pairs


def find_data(root: Path, blur: str = "blur") -> tuple[list[Pair], list[Path]]:
    """Training data of a folder: its pairs (as `find_pairs`), or else its photos.

    Raises:
        DataError: as `find_pairs`, and if there are neither.
    """
    if has_pairs(root, blur):
        return find_pairs(root, "train", blur), []
    photos = _photos(root)
    if not photos:
        raise DataError(f"{root}: no pairs and no photos found; {TREE}\n{PHOTOS}")
    return [], photos


def has_pairs(root: Path, blur: str = "blur") -> bool:
    """Whether a folder has the tree of a dataset of pairs; raises DataError if there is none."""
    return bool(_recognise(root, blur))


def find_photos(root: Path) -> Dataset:
    """All pictures of a folder and those in it, as a dataset without ground truth.

    Raises:
        DataError: if there are none.
    """
    if not root.is_dir():
        raise DataError(f"{root}: no such folder of photos")
    photos = _photos(root)
    if not photos:
        raise DataError(f"{root}: no photos found; expected JPEG, PNG, TIFF, ...")
    pairs = [Pair(p, p, str(p.relative_to(root).with_suffix(""))) for p in photos]
    return Dataset("photos", pairs, note="photos without ground truth", has_truth=False)


def read_rgb(path: Path) -> np.ndarray:
    """A picture as (h, w, 3) uint8: grey is repeated, alpha and a 16-bit tail are dropped.

    Raises:
        DataError: if it cannot be read.
    """
    try:
        pixels = photo.read(path).pixels
    except PhotoError as error:
        raise DataError(f"{path}: {error}") from None
    if pixels.dtype == np.uint16:
        pixels = (pixels >> 8).astype(np.uint8)
    return np.repeat(pixels[..., :1], 3, axis=2) if pixels.shape[2] < 3 else pixels[..., :3]


def _photos(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if is_picture(path))


def _find(root: Path, split: Split, blur: str, layout: str) -> Dataset:
    if layout == "auto":
        names = _recognise(root, blur)
        if not names:
            raise DataError(f"{root}: no pairs found; {TREE}")
        layout = names[0]
        if set(names) >= {"realblur-j", "realblur-r"}:
            raise DataError(f"{root}: has both RealBlur-J and RealBlur-R; name one by its layout")
    elif layout not in LAYOUTS:
        raise DataError(f"no layout {layout!r}; expected auto, {', '.join(LAYOUTS)}")
    elif not root.is_dir():
        raise DataError(f"{root}: no such folder; {LAYOUTS[layout].tree}")
    dataset = LAYOUTS[layout].read(root, split, blur)
    if not dataset.pairs:
        raise DataError(f"{root}: no pairs found; {LAYOUTS[layout].tree}")
    _check_sizes(dataset.pairs)
    return dataset


def _recognise(root: Path, blur: str) -> list[str]:
    if not root.is_dir():
        raise DataError(f"{root}: no such folder; {TREE}")
    return [name for name, layout in LAYOUTS.items() if layout.recognises(root, blur)]


def _check_sizes(pairs: list[Pair]) -> None:
    files = [(pair.blur, pair.sharp, *pair.others) for pair in pairs]
    with ThreadPoolExecutor() as pool:
        sizes = iter(list(pool.map(_size, (path for paths in files for path in paths))))
    for first, *others in files:
        size = next(sizes)
        for path in others:
            other = next(sizes)
            if other != size:
                raise DataError(
                    f"{first}: {size[0]}x{size[1]}, but its partner {path} is "
                    f"{other[0]}x{other[1]}; the images of a pair have one size"
                )


def _size(path: Path) -> tuple[int, int]:
    try:
        return photo.read_size(path)
    except PhotoError as error:
        raise DataError(f"{path}: {error}") from None
