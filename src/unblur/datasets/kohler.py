"""Köhler (Köhler et al., "Recording and Playback of Camera Shake: Benchmarking Blind Deconvolution
with a Real-World Database", ECCV 2012): four pictures, each under twelve recorded camera shakes.

https://webdav.tuebingen.mpg.de/pixel/benchmark4camerashake: BlurryImages.zip and
GroundTruth_pngs_Image1.zip to ..._Image4.zip. The truths of an image are some 199 frames along the
camera's path; the best score over them counts. It has no splits: all of it is test.
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

from unblur import photo
from unblur.datasets.alignment import by_shift
from unblur.datasets.folders import pictures_below, subfolders
from unblur.datasets.types import Dataset, Pair, Split
from unblur.errors import DataError

tree = """expected Köhler's files (picture 1 to 4, shake 1 to 12), in folders of any name
  DIR/Blurry1_1.png   DIR/Image1/Kernel1/GroundTruth1_1_1.png ... GroundTruth1_1_199.png"""
_NOTE = "aligned as published: intensity scale, whole-pixel shift; the best of the frames counts"

_BLURRY = re.compile(r"Blurry(\d+)_(\d+)")
_TRUTH = re.compile(r"GroundTruth(\d+)_(\d+)_(\d+)")


def recognises(root: Path, blur: str) -> bool:
    """Whether a blurred image is in it or one folder further down."""
    homes = (root, *subfolders(root))
    files = (path for home in homes for path in home.glob("Blurry*"))
    return any(_BLURRY.fullmatch(path.stem) and photo.is_photo(path) for path in files)


def read(root: Path, split: Split, blur: str) -> Dataset:
    """The pairs, whatever the split; the middle frame is `sharp`, the rest are `others`.

    Raises:
        DataError: if there is no blurred image, or one without a truth.
    """
    blurry = _numbered(root, _BLURRY)
    frames: dict[tuple[int, ...], list[Path]] = defaultdict(list)
    for (*image, _), path in sorted(_numbered(root, _TRUTH).items()):
        frames[tuple(image)].append(path)
    if not blurry:
        raise DataError(f"has no blurred image; {tree}", file=root)
    pairs = []
    for (picture, shake), path in sorted(blurry.items()):
        ordered = frames[picture, shake]
        if not ordered:
            wanted = f"GroundTruth{picture}_{shake}_1.png"
            raise DataError(f"has no ground truth, {wanted} and on; {tree}", file=path)
        sharp = ordered.pop((len(ordered) - 1) // 2)
        pairs.append(Pair(path, sharp, f"{picture}_{shake:02}", tuple(ordered)))
    return Dataset.published("Köhler", pairs, "test", 48, by_shift, _NOTE)


def _numbered(root: Path, pattern: re.Pattern[str]) -> dict[tuple[int, ...], Path]:
    """The pictures under a folder whose names match, by the numbers in them."""
    files: dict[tuple[int, ...], Path] = {}
    for path in pictures_below(root):
        match = pattern.fullmatch(path.stem)
        if not match:
            continue
        numbers = tuple(int(number) for number in match.groups())
        if numbers in files:
            raise DataError(f"the same image as {files[numbers]}", file=path)
        files[numbers] = path
    return files
