"""Data on disk: datasets as they are downloaded, and folders of sharp photos.

One file reads one dataset's tree, `LAYOUTS` names them all, and `find_dataset` recognises them. In
most, the two images of a pair have the same name; their formats may differ. Any other folder with
pictures in it is a folder of sharp photos, to be blurred synthetically.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from unblur import photo
from unblur.datasets import flat, gopro, hide, kohler, realblur, reds, rsblur
from unblur.datasets.folders import other_split, pictures_below
from unblur.datasets.types import Alignment, Dataset, Layout, Pair, Split
from unblur.errors import DataError, PhotoError, SplitError

__all__ = [
    "LAYOUTS", "PHOTOS", "TREE",
    "Alignment", "Dataset", "Layout", "Pair", "Split",
    "evenly", "find_data", "find_dataset", "find_pairs", "find_photos", "has_pairs", "read_rgb",
]  # fmt: skip


# GoPro's layout is loose, and two folders are the loosest: they are tried last.
LAYOUTS: dict[str, Layout] = {
    "kohler": kohler,
    "realblur-j": realblur.J,
    "realblur-r": realblur.R,
    "rsblur": rsblur.LAYOUT,
    "reds": reds,
    "hide": hide,
    "gopro": gopro,
    "flat": flat,
}

TREE = f"""expected a folder of pairs, either
  DIR/[train|test/]SEQUENCE/blur/NAME.png   DIR/[train|test/]SEQUENCE/sharp/NAME.png
  DIR/blur/NAME.png                         DIR/sharp/NAME.png
  or a dataset as it is downloaded (layouts {", ".join(LAYOUTS)}; see docs/datasets.md)"""
PHOTOS = "or a folder with sharp photos in it (JPEG, PNG, TIFF, ...)"

T = TypeVar("T")


def find_dataset(
    root: Path, split: Split = "test", blur: str = "blur", layout: str = "auto"
) -> Dataset:
    """A dataset to measure on.

    Args:
        root: the dataset's folder as it is downloaded, or a split or one sequence of it.
        split: if only the other one is there, that is taken and the note says so.
        blur: the folder of blurred images: "blur", GoPro's "blur_gamma", REDS's "blur_comp".
        layout: a name of `LAYOUTS`, or "auto".

    Raises:
        DataError: if it has no known layout, an image lacks its partner, a file is no picture, or
            the images of a pair differ in size; it shows the tree that was expected.
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
    """The pairs of one split of a dataset; arguments as of `find_dataset`.

    Raises:
        DataError: as `find_dataset`, and if there is only the other split.
    """
    return _find(root, split, blur, layout).pairs


def find_data(root: Path, blur: str = "blur") -> tuple[list[Pair], list[Path]]:
    """Training data of a folder: its pairs (as `find_pairs`), or else its photos.

    Raises:
        DataError: as `find_pairs`, and if there are neither.
    """
    if has_pairs(root, blur):
        return find_pairs(root, "train", blur), []
    photos = pictures_below(root)
    if not photos:
        raise DataError(f"no pairs and no photos found; {TREE}\n{PHOTOS}", file=root)
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
        raise DataError("no such folder of photos", file=root)
    pairs = [Pair(p, p, str(p.relative_to(root).with_suffix(""))) for p in pictures_below(root)]
    if not pairs:
        raise DataError("no photos found; expected JPEG, PNG, TIFF, ...", file=root)
    return Dataset("photos", pairs, note="photos without ground truth", has_truth=False)


def evenly(items: Sequence[T], most: int) -> list[T]:
    """At most so many of the items, evenly spaced, the first among them."""
    kept = min(len(items), most)
    return [items[index * len(items) // kept] for index in range(kept)]


def read_rgb(path: Path) -> np.ndarray:
    """A picture, upright, as (h, w, 3) uint8 in the colours of its file.

    Grey is repeated, of 16 bits the lower 8 are dropped, floats are rounded. Alpha is dropped too,
    and what lies under full transparency is filled, as it is for a photo that is deblurred.

    Raises:
        DataError: if it cannot be read.
    """
    try:
        pixels = photo.fill_transparent(photo.read(path).pixels)
    except PhotoError as error:
        raise DataError(f"{path}: {error}") from None
    if pixels.dtype == np.uint16:
        pixels = (pixels >> 8).astype(np.uint8)
    elif pixels.dtype == np.float32:
        pixels = np.rint(pixels * 255).astype(np.uint8)
    return np.repeat(pixels[..., :1], 3, axis=2) if pixels.shape[2] < 3 else pixels[..., :3]


def _find(root: Path, split: Split, blur: str, layout: str) -> Dataset:
    if layout == "auto":
        names = _recognise(root, blur)
        if not names:
            raise DataError(f"no pairs found; {TREE}", file=root)
        layout = names[0]
        if set(names) >= {"realblur-j", "realblur-r"}:
            raise DataError("has both RealBlur-J and RealBlur-R; name one layout", file=root)
    elif layout not in LAYOUTS:
        raise DataError(f"no layout {layout!r}; expected auto, {', '.join(LAYOUTS)}")
    elif not root.is_dir():
        raise DataError(f"no such folder; {LAYOUTS[layout].tree}", file=root)
    dataset = LAYOUTS[layout].read(root, split, blur)
    if not dataset.pairs:
        raise DataError(f"no pairs found; {LAYOUTS[layout].tree}", file=root)
    _check_sizes(dataset.pairs)
    return dataset


def _recognise(root: Path, blur: str) -> list[str]:
    if not root.is_dir():
        raise DataError(f"no such folder; {TREE}", file=root)
    return [name for name, layout in LAYOUTS.items() if layout.recognises(root, blur)]


def _check_sizes(pairs: list[Pair]) -> None:
    with ThreadPoolExecutor() as pool:
        list(pool.map(_check_size, pairs))


def _check_size(pair: Pair) -> None:
    size = _size(pair.blur)
    for path in (pair.sharp, *pair.others):
        other = _size(path)
        if other != size:
            raise DataError(
                f"{size}, but its partner {path} is {other}; the images of a pair have one size",
                file=pair.blur,
            )


def _size(path: Path) -> str:
    try:
        return "{}x{}".format(*photo.read_size(path))
    except PhotoError as error:
        raise DataError(f"{path}: {error}") from None
