"""REDS (Nah et al., "NTIRE 2019 Challenge on Video Deblurring and Super-Resolution", CVPRW 2019).

https://seungjunnah.github.io/Datasets/reds: train_blur.zip, train_sharp.zip, val_blur.zip,
val_sharp.zip and others. The sharp test frames are not published, so "test" is `val` here.
"""

from __future__ import annotations

from pathlib import Path

from unblur.datasets.folders import other_split, partners, subfolders
from unblur.datasets.types import Dataset, Pair, Split
from unblur.errors import DataError, SplitError

tree = """expected REDS's tree (the archives put theirs into a folder `train` or `val`)
  DIR/[train/]train_blur/000/00000000.png   DIR/[train/]train_sharp/000/00000000.png
  DIR/[val/]val_blur/000/00000000.png       DIR/[val/]val_sharp/000/00000000.png"""
_WHOLE: dict[Split, int] = {"train": 24000, "test": 3000}
_NAMES: dict[Split, str] = {"train": "train", "test": "val"}


def recognises(root: Path, blur: str) -> bool:
    """Whether it has blurred frames; sharp ones alone are photos to be blurred."""
    return any(_home(root, name, blur) for name in _NAMES.values())


def read(root: Path, split: Split, blur: str) -> Dataset:
    """All frames of a split, with `blur` "blur_comp" or "blur_jpeg" the compressed ones.

    Raises as `Layout.read`.
    """
    name, other = _NAMES[split], _NAMES[other_split(split)]
    home = _home(root, name, blur)
    if home is None:
        missing = f"has no {name}_{blur}"
        if _home(root, other, blur):
            raise SplitError(f"{missing}, only {other}_{blur}", file=root)
        raise DataError(f"{missing}; {tree}", file=root)
    blurred, sharp = home / f"{name}_{blur}", home / f"{name}_sharp"
    if not sharp.is_dir():
        raise DataError(f"has no folder {sharp.name!r}; {tree}", file=home)
    sequences = [{p.name for p in subfolders(side)} for side in (blurred, sharp)]
    for sequence in sorted(sequences[0] ^ sequences[1]):
        lacking = sharp if sequence in sequences[0] else blurred
        raise DataError(f"has no folder {sequence!r}; {tree}", file=lacking)
    pairs: list[Pair] = []
    for sequence in sorted(sequences[0]):
        pairs += partners(blurred / sequence, sharp / sequence, tree, f"{sequence}/")
    return Dataset.published("REDS", pairs, name, _WHOLE[split], note=f"REDS's {name}_{blur}")


def _home(root: Path, name: str, blur: str) -> Path | None:
    homes = (root, root / name)
    return next((home for home in homes if (home / f"{name}_{blur}").is_dir()), None)
