"""REDS (Nah et al., "NTIRE 2019 Challenge on Video Deblurring and Super-Resolution", CVPRW 2019).

https://seungjunnah.github.io/Datasets/reds: train_blur.zip, train_sharp.zip, val_blur.zip,
val_sharp.zip and others. The sharp test frames are not published, so "test" means `val` here.
"""

from __future__ import annotations

from pathlib import Path

from unblur.datasets.types import Dataset, Pair, Split, partners, share
from unblur.errors import DataError, SplitError

TREE = """expected REDS's tree (the archives put theirs into a folder `train` or `val`)
  DIR/[train/]train_blur/000/00000000.png   DIR/[train/]train_sharp/000/00000000.png
  DIR/[val/]val_blur/000/00000000.png       DIR/[val/]val_sharp/000/00000000.png"""
WHOLE: dict[Split, int] = {"train": 24000, "test": 3000}
FOLDER: dict[Split, str] = {"train": "train", "test": "val"}


def recognises(root: Path, blur: str) -> bool:
    """Whether it has blurred frames: sharp ones alone are photos to be blurred."""
    return any(_home(root, name, blur) for name in FOLDER.values())


def read(root: Path, split: Split, blur: str) -> Dataset:
    """All frames of a half; with `blur` "blur_comp" or "blur_jpeg" the compressed ones.

    Raises:
        SplitError, DataError: if a folder is missing or a frame has no partner.
    """
    name = FOLDER[split]
    home = _home(root, name, blur)
    if home is None:
        other = FOLDER["train" if split == "test" else "test"]
        missing = f"{root}: has no {name}_{blur}"
        if _home(root, other, blur):
            raise SplitError(f"{missing}, only {other}_{blur}")
        raise DataError(f"{missing}; {TREE}")
    blurred, sharp = home / f"{name}_{blur}", _sharp(home, name)
    sequences = [{p.name for p in side.iterdir() if p.is_dir()} for side in (blurred, sharp)]
    for sequence in sorted(sequences[0] ^ sequences[1]):
        lacking = sharp if sequence in sequences[0] else blurred
        raise DataError(f"{lacking}: has no folder {sequence!r}; {TREE}")
    pairs: list[Pair] = []
    for sequence in sorted(sequences[0]):
        pairs += partners(blurred / sequence, sharp / sequence, TREE, f"{sequence}/")
    note = share("REDS", name, len(pairs), WHOLE[split])
    return Dataset("REDS", pairs, note="; ".join(filter(None, [f"REDS's {name}_{blur}", note])))


def _home(root: Path, name: str, blur: str) -> Path | None:
    homes = (root, root / name)
    return next((home for home in homes if (home / f"{name}_{blur}").is_dir()), None)


def _sharp(home: Path, name: str) -> Path:
    folder = home / f"{name}_sharp"
    if not folder.is_dir():
        raise DataError(f"{home}: has no folder {folder.name!r}; {TREE}")
    return folder
