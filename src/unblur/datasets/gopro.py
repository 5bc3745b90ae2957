"""GoPro (Nah et al., "Deep Multi-scale Convolutional Neural Network for Dynamic Scene
Deblurring", CVPR 2017) and other datasets of its layout.

https://seungjunnah.github.io/Datasets/gopro: GOPRO_Large.zip. `blur` is the average of sharp frames
as they are and the benchmark; `blur_gamma` the average in linear light.
"""

from __future__ import annotations

from pathlib import Path

from unblur.datasets.folders import partners, split_folder, subfolders
from unblur.datasets.types import Dataset, Split
from unblur.errors import DataError

tree = """expected GoPro's tree
  DIR/[train|test/]SEQUENCE/blur/NAME.png   DIR/[train|test/]SEQUENCE/sharp/NAME.png"""
_WHOLE: dict[Split, int] = {"train": 2103, "test": 1111}


def recognises(root: Path, blur: str) -> bool:
    """Whether a folder in it, or in its `train` or `test`, has blurred or sharp images."""
    splits = (root / "train", root / "test")
    homes = (home for top in (root, *splits) if top.is_dir() for home in subfolders(top))
    return any(
        (home / blur).is_dir() or (home / "sharp").is_dir() for home in homes if home not in splits
    )


def read(root: Path, split: Split, blur: str) -> Dataset:
    """All pairs of a split; raises as `Layout.read`.

    The dataset is "GoPro" if all its sequences are named as GoPro's (GOPR...).
    """
    top = split_folder(root, split)
    pairs, sequences = [], []
    for home in (top, *subfolders(top)):
        missing = [name for name in (blur, "sharp") if not (home / name).is_dir()]
        if len(missing) == 1:
            raise DataError(f"has no folder {missing[0]!r}; {tree}", file=home)
        if not missing:
            prefix = "" if home == top else f"{home.name}/"
            pairs += partners(home / blur, home / "sharp", tree, prefix)
            sequences.append(home.name)
    if not all(name.startswith("GOPR") for name in sequences):
        return Dataset("pairs", pairs)
    # The name of the folder of a split, if it was given itself, tells which split it is.
    name = top.resolve().name
    actual: Split = name if name in ("train", "test") else split
    return Dataset.published("GoPro", pairs, actual, _WHOLE[actual])
