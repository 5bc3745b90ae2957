"""RealBlur-J and -R (Rim et al., "Real-World Blur Dataset for Learning and Benchmarking Deblurring
Algorithms", ECCV 2020): real blur, two cameras behind a beam splitter.

https://github.com/rimchang/RealBlur: RealBlur.tar.gz. J is the camera's JPEG, R the developed raw
image. The lists name the pairs of each half. Both are measured after `alignment.by_homography`.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from unblur.datasets import list_files
from unblur.datasets.alignment import by_homography
from unblur.datasets.types import Dataset, Split, share
from unblur.errors import DataError

FOLDERS = {
    "J": "RealBlur-J_ECC_IMCORR_centroid_itensity_ref",
    "R": "RealBlur-R_BM3D_ECC_IMCORR_centroid_itensity_ref",
}
TREE = f"""expected RealBlur's tree (and as much with R for J)
  DIR/RealBlur_J_train_list.txt   DIR/RealBlur_J_test_list.txt
  DIR/{FOLDERS["J"]}/scene001/{{blur/blur_1.png,gt/gt_1.png}}"""
WHOLE: dict[Split, int] = {"train": 3758, "test": 980}
NOTE = "aligned as published: intensity scale, ECC homography, only what overlaps"


def recognises(root: Path, blur: str, kind: str) -> bool:
    """Whether it is the folder of a kind ("J" or "R"), or has it or its lists."""
    root = root.resolve()
    home = root.parent if root.name == FOLDERS[kind] else root
    return (home / FOLDERS[kind]).is_dir() or any(home.glob(f"RealBlur_{kind}_*_list.txt"))


def read(root: Path, split: Split, blur: str, kind: str) -> Dataset:
    """The pairs that a half's list names.

    Raises:
        SplitError, DataError: if the list or an image is missing.
    """
    root = root.resolve()
    folder = root if root.name == FOLDERS[kind] else root / FOLDERS[kind]
    if not folder.is_dir():
        raise DataError(f"{root}: has no folder {folder.name}; {TREE}")
    base = folder.parent
    pairs = list_files.read(
        base, (base, folder), f"RealBlur_{kind}_{{split}}_list.txt", split, _name, TREE
    )
    name = f"RealBlur-{kind}"
    note = "; ".join(filter(None, [NOTE, share(name, split, len(pairs), WHOLE[split])]))
    return Dataset(name, pairs, by_homography, note)


recognises_j, recognises_r = partial(recognises, kind="J"), partial(recognises, kind="R")
read_j, read_r = partial(read, kind="J"), partial(read, kind="R")


def _name(blurred: Path) -> str:
    """`scene001/1`; numbers of one digit are padded, so that names sort as numbers do."""
    return f"{blurred.parents[1].name}/{blurred.stem.removeprefix('blur_'):0>2}"
