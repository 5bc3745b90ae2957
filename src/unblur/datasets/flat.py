"""Two folders side by side, as `unblur synth` writes them and as restoration projects repack
datasets: `blur` and `sharp`, or `input` and `target`."""

from __future__ import annotations

from pathlib import Path

from unblur.datasets.types import Dataset, Split, half, partners
from unblur.errors import DataError

TREE = """expected two folders of images with the same names
  DIR/[train|test/]blur/NAME.png    DIR/[train|test/]sharp/NAME.png
  DIR/[train|test/]input/NAME.png   DIR/[train|test/]target/NAME.png"""


def recognises(root: Path, blur: str) -> bool:
    """Whether one of `blur` and `sharp` is there, or both of `input` and `target`."""
    for top in (root, root / "train", root / "test"):
        if any((top / side).is_dir() for side in (blur, "sharp")):
            return True
        if all((top / side).is_dir() for side in ("input", "target")):
            return True
    return False


def read(root: Path, split: Split, blur: str) -> Dataset:
    """The pairs of the two folders.

    Raises:
        SplitError, DataError: if a half or a folder is missing or an image has no partner.
    """
    top = half(root, split)
    repacked = (top / "input").is_dir() and (top / "target").is_dir()
    names = ("input", "target") if repacked else (blur, "sharp")
    for name in names:
        if not (top / name).is_dir():
            raise DataError(f"{top}: has no folder {name!r}; {TREE}")
    return Dataset("pairs", partners(top / names[0], top / names[1], TREE))
