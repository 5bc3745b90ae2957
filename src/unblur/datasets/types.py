"""Pairs of image files, datasets of them, and how datasets are laid out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np

from unblur.errors import DataError

Split = Literal["train", "test"]

Aligned = tuple[np.ndarray, np.ndarray, np.ndarray]
"""A restored image and its truth as they are to be compared, float64 (h, w, 3), 0 to 255 and zero
where they do not overlap; and the mask (h, w) bool of where they do."""
Alignment = Callable[[np.ndarray, np.ndarray], Aligned]
"""Of a restored image and its truth, both uint8 (h, w, 3), RGB."""


@dataclass(frozen=True)
class Pair:
    """Two image files of one scene, and the pair's name in tables.

    Attributes:
        sharp: the ground truth; in a dataset without one, `blur`.
        others: further ground truths; the best score over all counts.
    """

    blur: Path
    sharp: Path
    name: str
    others: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Dataset:
    """Pairs, sorted by name, of a dataset that papers cite by `name`.

    Attributes:
        align: the dataset's published alignment of an image with its truth, if it has one.
        note: what a table of the dataset must say under it.
        has_truth: False for photos without sharp versions.
    """

    name: str
    pairs: list[Pair]
    align: Alignment | None = None
    note: str = ""
    has_truth: bool = True

    @classmethod
    def published(
        cls,
        name: str,
        pairs: list[Pair],
        split: str,
        whole: int,
        align: Alignment | None = None,
        note: str = "",
    ) -> Dataset:
        """A dataset of which `whole` pairs are published; its note says if fewer are there."""
        part = "" if len(pairs) == whole else f"{len(pairs)} of the {whole} {split} pairs of {name}"
        return cls(name, pairs, align, "; ".join(filter(None, [note, part])))

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
            raise DataError(f"{pair.name}: {error.reason}", hint=error.hint) from None


class Layout(Protocol):
    """What reads a dataset, a module or an object; `tree` is shown in error messages.

    `recognises` tells whether a folder has this layout; `blur` names the folders of blurred images.
    `read` gives the pairs of a split, and raises SplitError if only the other split is there,
    DataError if an image or a folder is missing.
    """

    @property
    def tree(self) -> str: ...

    def recognises(self, root: Path, blur: str) -> bool: ...

    def read(self, root: Path, split: Split, blur: str) -> Dataset: ...
