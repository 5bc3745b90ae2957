"""GoPro (Nah et al., "Deep Multi-scale Convolutional Neural Network for Dynamic Scene
Deblurring", CVPR 2017) and anything laid out like it.

https://seungjunnah.github.io/Datasets/gopro: GOPRO_Large.zip. `blur` is the average of sharp frames
as they are and the benchmark; `blur_gamma` the average in linear light.
"""

from __future__ import annotations

from pathlib import Path

from unblur.datasets.types import Dataset, Split, half, partners, share
from unblur.errors import DataError

TREE = """expected GoPro's tree
  DIR/[train|test/]SEQUENCE/blur/NAME.png   DIR/[train|test/]SEQUENCE/sharp/NAME.png"""
WHOLE: dict[Split, int] = {"train": 2103, "test": 1111}


def recognises(root: Path, blur: str) -> bool:
    """Whether a folder in it, or in its `train` or `test`, has blurred or sharp images."""
    homes = [root, root / "train", root / "test"]
    sides = (blur, "sharp")
    return any(
        (home / side).is_dir()
        for parent in homes
        if parent.is_dir()
        for home in parent.iterdir()
        if home not in homes
        for side in sides
    )


def read(root: Path, split: Split, blur: str) -> Dataset:
    """All pairs of a half. Only sequences named as GoPro's (GOPR...) make the dataset "GoPro".

    Raises:
        SplitError, DataError: if the half is missing or an image has no partner.
    """
    top = half(root, split)
    pairs = []
    sequences = set()
    for home in (top, *sorted(p for p in top.iterdir() if p.is_dir())):
        has = {name: (home / name).is_dir() for name in (blur, "sharp")}
        if all(has.values()):
            prefix = "" if home == top else f"{home.name}/"
            pairs += partners(home / blur, home / "sharp", TREE, prefix)
            sequences.add(home.name)
        elif any(has.values()):
            missing = blur if has["sharp"] else "sharp"
            raise DataError(f"{home}: has no folder {missing!r}; {TREE}")
    if not all(name.startswith("GOPR") for name in sequences):
        return Dataset("pairs", pairs)
    # A half that is named itself is what its folder says, whatever was asked for.
    name = top.resolve().name
    actual: Split = name if name in ("train", "test") else split
    return Dataset("GoPro", pairs, note=share("GoPro", actual, len(pairs), WHOLE[actual]))
