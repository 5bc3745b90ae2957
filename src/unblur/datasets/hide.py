"""HIDE (Shen et al., "Human-Aware Motion Deblurring", ICCV 2019): people in motion.

https://github.com/joanshen0508/HA_deblur: HIDE_dataset.zip. All sharp images are in one folder,
the blurred test images in two. Published figures are of both together, 2025 pairs.
"""

from __future__ import annotations

from pathlib import Path

from unblur.datasets.folders import by_stem, match, other_split, pictures
from unblur.datasets.types import Dataset, Pair, Split
from unblur.errors import DataError, SplitError

tree = """expected HIDE's tree
  DIR/train/NAME.png                  DIR/test/test-close-ups/NAME.png
  DIR/GT/NAME.png (all sharp images)  DIR/test/test-long-shot/NAME.png"""
_WHOLE: dict[Split, int] = {"train": 6397, "test": 2025}
_BLURRED: dict[Split, tuple[str, ...]] = {
    "train": ("train",),
    "test": ("test/test-close-ups", "test/test-long-shot"),
}


def recognises(root: Path, blur: str) -> bool:
    """Whether it has `GT` and one of the folders of blurred images."""
    home = _home(root)
    folders = (home / name for names in _BLURRED.values() for name in names)
    return (home / "GT").is_dir() and any(folder.is_dir() for folder in folders)


def read(root: Path, split: Split, blur: str) -> Dataset:
    """The pairs of a split's blurred images; raises as `Layout.read`."""
    home = _home(root)
    if not (home / "GT").is_dir():
        raise DataError(f"has no folder 'GT'; {tree}", file=home)
    folders = [home / name for name in _BLURRED[split]]
    missing = [folder for folder in folders if not folder.is_dir()]
    other = other_split(split)
    if missing == folders and (home / other).is_dir():
        raise SplitError(f"has {other!r} but no {split!r}", file=home)
    if missing:
        raise DataError(f"no such folder; {tree}", file=missing[0])
    sharp = by_stem(pictures(home / "GT"))
    pairs = []
    for folder in folders:
        blurred = pictures(folder)
        partner = match([path.stem for path in blurred], sharp)
        for path in blurred:
            if path.stem not in partner:
                raise DataError(f"has no partner in {home / 'GT'}; {tree}", file=path)
            name = path.stem if split == "train" else f"{folder.name}/{path.stem}"
            pairs.append(Pair(path, sharp[partner[path.stem]], name))
    return Dataset.published("HIDE", pairs, split, _WHOLE[split])


def _home(root: Path) -> Path:
    """The folder itself, or the one in it that the archive makes."""
    inner = root / "HIDE_dataset"
    return inner if inner.is_dir() else root
