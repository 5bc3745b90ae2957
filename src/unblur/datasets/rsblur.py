"""RSBlur (Rim et al., "Realistic Blur Synthesis for Learning Image Deblurring", ECCV 2022).

https://github.com/rimchang/RSBlur: RSBlur.zip; the lists of the halves are not in it but in that
repository, under datalist/RSBlur. Only the real blur is read, not the averaged frames. Its
evaluation aligns as RealBlur's and then clips.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from unblur.datasets import list_files
from unblur.datasets.alignment import by_homography
from unblur.datasets.types import Dataset, Split, share

FILE = "RSBlur_real_{split}.txt"
TREE = """expected RSBlur's tree, and its lists from github.com/rimchang/RSBlur, datalist/RSBlur
  DIR/RSBlur/0001/000001/real_blur/real_blur.png   DIR/RSBlur_real_train.txt
  DIR/RSBlur/0001/000001/gt/gt_sharp.png           DIR/RSBlur_real_test.txt"""
WHOLE: dict[Split, int] = {"train": 8878, "test": 3360}
NOTE = "aligned as published: intensity scale, ECC homography, clipped, only what overlaps"


def recognises(root: Path, blur: str) -> bool:
    """Whether it has scenes as RSBlur's, or a list."""
    home = _home(root)
    scenes = (home / "RSBlur").glob("*/*/real_blur")
    return any(scenes) or any(list(place.glob("RSBlur_real_*.txt")) for place in _places(home))


def read(root: Path, split: Split, blur: str) -> Dataset:
    """The pairs that a half's list names.

    Raises:
        SplitError, DataError: if the list or an image is missing.
    """
    home = _home(root)
    pairs = list_files.read(home, _places(home), FILE, split, _name, TREE)
    note = "; ".join(filter(None, [NOTE, share("RSBlur", split, len(pairs), WHOLE[split])]))
    return Dataset("RSBlur", pairs, partial(by_homography, clip=True), note)


def _home(root: Path) -> Path:
    root = root.resolve()
    return root.parent if root.name == "RSBlur" and not (root / "RSBlur").is_dir() else root


def _places(home: Path) -> tuple[Path, ...]:
    return home, home / "RSBlur", home / "datalist" / "RSBlur"


def _name(blurred: Path) -> str:
    return "/".join(blurred.parts[-4:-2])
