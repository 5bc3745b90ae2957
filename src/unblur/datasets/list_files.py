"""Datasets whose pairs are listed in text files, two paths a line: ground truth, blurred."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from unblur.datasets.folders import other_split
from unblur.datasets.types import Alignment, Dataset, Pair, Split
from unblur.errors import DataError, SplitError


@dataclass(frozen=True)
class Listed:
    """The layout of such a dataset.

    Attributes:
        folder: the folder of images, beside or in which the lists are. The paths in them start
            from its parent.
        scenes: glob pattern, from that parent, of what distinguishes the dataset.
        file: name of a list, with `{split}` for "train" or "test".
        pair_name: name of a pair, from the path of its blurred image.
        whole: number of pairs of each split.
    """

    name: str
    tree: str
    folder: str
    scenes: str
    file: str
    pair_name: Callable[[Path], str]
    whole: dict[Split, int]
    align: Alignment
    note: str

    def recognises(self, root: Path, blur: str) -> bool:
        """Whether it is the folder, or has it or a list."""
        home = self._home(root)
        return any(home.glob(self.scenes)) or bool(self._lists(home, "*"))

    def read(self, root: Path, split: Split, blur: str) -> Dataset:
        """The pairs of a split, sorted by name.

        Raises:
            SplitError: if only the list of the other split is there.
            DataError: if the folder or both lists are missing, a line has not two paths, or an
                image is missing.
        """
        home = self._home(root)
        if not (home / self.folder).is_dir():
            raise DataError(f"has no folder {self.folder}; {self.tree}", file=root)
        lists = self._lists(home, split)
        if not lists:
            missing = f"has no {self.file.format(split=split)}, which names the {split} pairs"
            others = self._lists(home, other_split(split))
            if others:
                raise SplitError(f"{missing}, only {others[0].name}", file=home)
            raise DataError(f"{missing}; {self.tree}", file=home)
        pairs = sorted(self._pairs(home, lists[0]), key=lambda pair: pair.name)
        return Dataset.published(self.name, pairs, split, self.whole[split], self.align, self.note)

    def _home(self, root: Path) -> Path:
        root = root.resolve()
        return root.parent if root.name == self.folder and not (root / root.name).is_dir() else root

    def _lists(self, home: Path, split: str) -> list[Path]:
        places = (home, home / self.folder, home / "datalist" / self.folder)
        return [path for place in places for path in place.glob(self.file.format(split=split))]

    def _pairs(self, home: Path, path: Path) -> list[Pair]:
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"cannot be read ({error})", file=path) from None
        pairs = []
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            images = [home / column for column in line.split()]
            if len(images) != 2:
                reason = "expected two paths, ground truth and blurred"
                raise DataError(f"{path}, line {number}: {reason}")
            for image in images:
                if not image.is_file():
                    raise DataError(f"{path}, line {number}: {image} is missing; {self.tree}")
            sharp, blurred = images
            pairs.append(Pair(blurred, sharp, self.pair_name(blurred)))
        return pairs
