"""HIDE (Shen et al., "Human-Aware Motion Deblurring", ICCV 2019): people in motion.

https://github.com/joanshen0508/HA_deblur: HIDE_dataset.zip. All sharp images lie in one folder,
the blurred test images in two. Its figures are those of both together, 2025 pairs.
"""

from __future__ import annotations

from pathlib import Path

from unblur.datasets.types import Dataset, Pair, Split, by_stem, other_split, pictures, share
from unblur.errors import DataError, SplitError

TREE = """expected HIDE's tree
  DIR/train/NAME.png                  DIR/test/test-close-ups/NAME.png
  DIR/GT/NAME.png (all sharp images)  DIR/test/test-long-shot/NAME.png"""
WHOLE: dict[Split, int] = {"train": 6397, "test": 2025}
BLURRED: dict[Split, tuple[str, ...]] = {
    "train": ("train",),
    "test": ("test/test-close-ups", "test/test-long-shot"),
}


def recognises(root: Path, blur: str) -> bool:
    """Whether it has `GT` and one of the folders of blurred images."""
    home = _home(root)
    folders = (home / name for names in BLURRED.values() for name in names)
    return (home / "GT").is_dir() and any(folder.is_dir() for folder in folders)


def read(root: Path, split: Split, blur: str) -> Dataset:
    """The pairs of a half; `GT` holds both halves' sharp images, so only blurred ones are counted.

    Raises:
        SplitError, DataError: if a folder or a sharp image is missing.
    """
    home = _home(root)
    if not (home / "GT").is_dir():
        raise DataError(f"{home}: has no folder 'GT'; {TREE}")
    folders = [home / name for name in BLURRED[split]]
    missing = [folder for folder in folders if not folder.is_dir()]
    if len(missing) == len(folders) and (home / other_split(split)).is_dir():
        raise SplitError(f"{home}: has {other_split(split)!r} but no {split!r}")
    if missing:
        raise DataError(f"{missing[0]}: no such folder; {TREE}")
    sharp = by_stem(pictures(home / "GT"))
    pairs = []
    for folder in folders:
        for path in pictures(folder):
            if path.stem not in sharp:
                raise DataError(f"{path}: has no partner in {home / 'GT'}; {TREE}")
            name = path.stem if split == "train" else f"{folder.name}/{path.stem}"
            pairs.append(Pair(path, sharp[path.stem], name))
    return Dataset("HIDE", pairs, note=share("HIDE", split, len(pairs), WHOLE[split]))


def _home(root: Path) -> Path:
    """The folder itself, or the one that the archive makes in it."""
    inner = root / "HIDE_dataset"
    return inner if inner.is_dir() else root
