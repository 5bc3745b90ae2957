"""Pairs named by a text file of two paths a line: ground truth, blurred (RealBlur, RSBlur)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from unblur.datasets.types import Pair, Split, other_split
from unblur.errors import DataError, SplitError


def read(
    base: Path,
    places: Sequence[Path],
    file: str,
    split: Split,
    name: Callable[[Path], str],
    tree: str,
) -> list[Pair]:
    """The pairs of a half, sorted by name.

    Args:
        base: the folder that the paths in the file start from.
        places: folders in which the file may be.
        file: its name with `{split}` for "train" or "test".
        split: the half.
        name: the name of a pair, from the path of its blurred image.
        tree: shown at the end of errors.

    Raises:
        SplitError: if only the file of the other half is there.
        DataError: if there is neither, a line has not two paths or an image is missing.
    """
    path = _find(places, file.format(split=split))
    if path is None:
        other = file.format(split=other_split(split))
        wanted = f"{base}: has no {file.format(split=split)}, which names the {split} pairs"
        if _find(places, other):
            raise SplitError(f"{wanted}, only {other}")
        raise DataError(f"{wanted}; {tree}")
    pairs = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({error})") from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        columns = line.split()
        if len(columns) != 2:
            raise DataError(f"{path}, line {number}: expected two paths, ground truth and blurred")
        sharp, blurred = (base / column for column in columns)
        for image in (sharp, blurred):
            if not image.is_file():
                raise DataError(f"{path}, line {number}: {image} is missing; {tree}")
        pairs.append(Pair(blurred, sharp, name(blurred)))
    return sorted(pairs, key=lambda pair: pair.name)


def _find(places: Sequence[Path], file: str) -> Path | None:
    return next((place / file for place in places if (place / file).is_file()), None)
