"""Köhler (Köhler et al., "Recording and Playback of Camera Shake: Benchmarking Blind Deconvolution
with a Real-World Database", ECCV 2012): four pictures, each under twelve recorded camera shakes.

https://webdav.tuebingen.mpg.de/pixel/benchmark4camerashake: BlurryImages.zip and
GroundTruth_pngs_Image1.zip to ..._Image4.zip. No one frame is the truth of a long exposure: the
camera was stepped along its path, some 199 frames, and the best score over them counts. It has no
halves: all of it is test.
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

from unblur.datasets.alignment import by_shift
from unblur.datasets.types import Dataset, Pair, Split, is_picture, share
from unblur.errors import DataError

TREE = """expected Köhler's files (picture 1 to 4, shake 1 to 12), in folders of any name
  DIR/Blurry1_1.png   DIR/Image1/Kernel1/GroundTruth1_1_1.png ... GroundTruth1_1_199.png"""
WHOLE = 48
NOTE = "aligned as published: intensity scale, whole-pixel shift; the best of the frames counts"

BLURRY = re.compile(r"Blurry(\d+)_(\d+)")
TRUTH = re.compile(r"GroundTruth(\d+)_(\d+)_(\d+)")


def recognises(root: Path, blur: str) -> bool:
    """Whether a blurred image is in it or one folder further down."""
    files = (path for pattern in ("Blurry*", "*/Blurry*") for path in root.glob(pattern))
    return any(BLURRY.fullmatch(path.stem) and is_picture(path) for path in files)


def read(root: Path, split: Split, blur: str) -> Dataset:
    """The pairs, whatever half is asked for; the middle frame is `sharp`, all the rest `others`.

    Raises:
        DataError: if there is no blurred image, or one without a frame.
    """
    blurry = _numbered(root, BLURRY)
    frames: dict[tuple[int, ...], list[Path]] = defaultdict(list)
    for (*image, _), path in sorted(_numbered(root, TRUTH).items()):
        frames[tuple(image)].append(path)
    if not blurry:
        raise DataError(f"{root}: has no blurred image; {TREE}")
    pairs = []
    for (picture, shake), path in sorted(blurry.items()):
        ordered = frames[picture, shake]
        if not ordered:
            wanted = f"GroundTruth{picture}_{shake}_1.png"
            raise DataError(f"{path}: has no ground truth, {wanted} and on; {TREE}")
        sharp = ordered.pop((len(ordered) - 1) // 2)
        pairs.append(Pair(path, sharp, f"{picture}_{shake:02}", tuple(ordered)))
    note = "; ".join(filter(None, [NOTE, share("Köhler", "test", len(pairs), WHOLE)]))
    return Dataset("Köhler", pairs, by_shift, note)


def _numbered(root: Path, pattern: re.Pattern[str]) -> dict[tuple[int, ...], Path]:
    """The pictures under a folder whose names match, by the numbers in them."""
    files: dict[tuple[int, ...], Path] = {}
    for path in sorted(root.rglob("*_*.*")):
        match = pattern.fullmatch(path.stem)
        if not match or not is_picture(path):
            continue
        numbers = tuple(int(number) for number in match.groups())
        if numbers in files:
            raise DataError(f"{path}: the same image as {files[numbers]}")
        files[numbers] = path
    return files
