"""Pairs from folders: pictures with the same names, and the folders of splits."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from unblur import photo
from unblur.datasets.types import Pair, Split
from unblur.errors import DataError, SplitError


def is_picture(path: Path) -> bool:
    """Whether a path is a file with the ending of a format that is read and written."""
    return path.suffix.lower() in photo.FORMATS and path.is_file()


def pictures(folder: Path) -> list[Path]:
    """The picture files of a folder, sorted by name."""
    return sorted(path for path in folder.iterdir() if is_picture(path))


def partners(blurred: Path, sharp: Path, tree: str, prefix: str = "") -> list[Pair]:
    """The pairs of two folders whose pictures have the same names but for their endings.

    Args:
        tree: what ends the error's message.
        prefix: of the pairs' names.

    Raises:
        DataError: for a picture without a partner, and for two of one name.
    """
    first, second = by_stem(pictures(blurred)), by_stem(pictures(sharp))
    for stem in sorted(first.keys() ^ second.keys()):
        path = first.get(stem) or second[stem]
        other = sharp if stem in first else blurred
        raise DataError(f"has no partner in {other}; {tree}", file=path)
    return [Pair(first[stem], second[stem], prefix + stem) for stem in sorted(first)]


def by_stem(paths: Iterable[Path]) -> dict[str, Path]:
    """Files by name without ending.

    Raises:
        DataError: if two have the same.
    """
    files: dict[str, Path] = {}
    for path in paths:
        if path.stem in files:
            raise DataError(f"{files[path.stem].name} has the same name", file=path)
        files[path.stem] = path
    return files


def split_folder(root: Path, split: Split) -> Path:
    """`root/split`, or `root` where it has no folders of splits.

    Raises:
        SplitError: if `root` has only the other split.
    """
    if (root / split).is_dir():
        return root / split
    other = other_split(split)
    if (root / other).is_dir():
        reason = f"has {other!r} but no {split!r}; name {root / other} itself to take it"
        raise SplitError(reason, file=root)
    return root


def other_split(split: Split) -> Split:
    """The other split."""
    return "train" if split == "test" else "test"
