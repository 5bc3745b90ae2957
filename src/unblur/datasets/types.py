"""What every reader returns: pairs of image files, and how they are to be compared."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np

from unblur import photo
from unblur.errors import DataError, SplitError

T = TypeVar("T")
Split = Literal["train", "test"]

Alignment = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]
"""(restored uint8 (h, w, 3), truth uint8 (h, w, 3)) -> both as they are to be compared, 0 to 255
and zero where they do not overlap, and the mask (h, w) bool of where they do."""


@dataclass(frozen=True)
class Pair:
    """Two image files of one scene, and the name that the pair goes by in tables.

    Where a scene has further ground truths (`others`), the best score over all of them counts. In
    a dataset without ground truth, both files are the one photo.
    """

    blur: Path
    sharp: Path
    name: str
    others: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Dataset:
    """Pairs, sorted by name, of a dataset that people cite by `name`.

    `align` is the dataset's published way to make two images comparable, if it has one; `note`
    is what a reader of a table of it must know. `has_truth` is False for photos of which no sharp
    version is known.
    """

    name: str
    pairs: list[Pair]
    align: Alignment | None = None
    note: str = ""
    has_truth: bool = True

    def comparable(
        self, pair: Pair, restored: np.ndarray, truth: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Both images (h, w, 3) as metrics take them, and the mask of what counts (None: all).

        Raises:
            DataError: if they cannot be aligned; it names the pair.
        """
        if self.align is None:
            return restored, truth, None
        try:
            return self.align(restored, truth)
        except DataError as error:
            raise DataError(f"{pair.name}: {error}") from None


def pictures(folder: Path) -> list[Path]:
    """The picture files of a folder, sorted by name."""
    return sorted(path for path in folder.iterdir() if is_picture(path))


def is_picture(path: Path) -> bool:
    return path.suffix.lower() in photo.FORMATS and path.is_file()


def partners(blurred: Path, sharp: Path, tree: str, prefix: str = "") -> list[Pair]:
    """The pictures of two folders, matched by name without ending; both must have the same.

    Raises:
        DataError: for one without a partner, and for two of one name; it ends with `tree`.
    """
    first, second = by_stem(pictures(blurred)), by_stem(pictures(sharp))
    for stem in sorted(first.keys() ^ second.keys()):
        path = first.get(stem) or second[stem]
        other = sharp if stem in first else blurred
        raise DataError(f"{path}: has no partner in {other}; {tree}")
    return [Pair(first[stem], second[stem], prefix + stem) for stem in sorted(first)]


def by_stem(paths: Iterable[Path]) -> dict[str, Path]:
    """Files by name without ending.

    Raises:
        DataError: if two have the same.
    """
    files: dict[str, Path] = {}
    for path in paths:
        if path.stem in files:
            raise DataError(f"{path}: {files[path.stem].name} has the same name")
        files[path.stem] = path
    return files


def evenly(items: Sequence[T], most: int) -> list[T]:
    """So many of the items, or all that there are: spread evenly, the first among them."""
    kept = min(len(items), most)
    return [items[index * len(items) // kept] for index in range(kept)]


def half(root: Path, split: Split) -> Path:
    """Where a half of a tree is: `root/split`, or `root` where it has no halves.

    Raises:
        SplitError: if `root` has only the other half.
    """
    if (root / split).is_dir():
        return root / split
    other = other_split(split)
    if (root / other).is_dir():
        raise SplitError(
            f"{root}: has {other!r} but no {split!r}; name {root / other} itself to take it"
        )
    return root


def other_split(split: Split) -> Split:
    return "train" if split == "test" else "test"


def share(name: str, split: str, found: int, whole: int) -> str:
    """The note for a part of a dataset; empty if all of it is there."""
    return "" if found == whole else f"{found} of the {whole} {split} pairs of {name}"
