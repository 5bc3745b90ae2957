"""Two folders of images, as `unblur synth` writes them and as other projects repack datasets:
`blur` and `sharp`, or `input` and `target`."""

from __future__ import annotations

from pathlib import Path

from unblur.datasets.folders import partners, split_folder
from unblur.datasets.types import Dataset, Split
from unblur.errors import DataError

tree = """expected two folders of images with the same names
  DIR/[train|test/]blur/NAME.png    DIR/[train|test/]sharp/NAME.png
  DIR/[train|test/]input/NAME.png   DIR/[train|test/]target/NAME.png"""


def recognises(root: Path, blur: str) -> bool:
    """Whether one of `blur` and `sharp` is there, or both of `input` and `target`."""
    return any(
        (top / blur).is_dir() or (top / "sharp").is_dir() or _is_repacked(top)
        for top in (root, root / "train", root / "test")
    )


def read(root: Path, split: Split, blur: str) -> Dataset:
    """The pairs of the two folders; raises as `Layout.read`."""
    top = split_folder(root, split)
    names = ("input", "target") if _is_repacked(top) else (blur, "sharp")
    for name in names:
        if not (top / name).is_dir():
            raise DataError(f"has no folder {name!r}; {tree}", file=top)
    return Dataset("pairs", partners(top / names[0], top / names[1], tree))


def _is_repacked(top: Path) -> bool:
    return (top / "input").is_dir() and (top / "target").is_dir()
