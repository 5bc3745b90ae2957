"""Pairs from folders: pictures with the same names, and the folders of splits."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path

from unblur import photo
from unblur.datasets.types import Pair, Split
from unblur.errors import DataError, SplitError


def pictures(folder: Path) -> list[Path]:
    """The photos of a folder by the rules of `photo.walk`, sorted by path.

    Not in its order, in which numbers count by value: what a split holds out would change.
    """
    return sorted(path for path in _listed(folder) if photo.is_photo(path))


def pictures_below(folder: Path) -> list[Path]:
    """The photos of a folder and of those in it, as `photo.walk` finds them, sorted by path.

    Raises:
        DataError: if one of them cannot be read.
    """
    found = []
    for entry in photo.walk(folder):
        if entry.kind == "unreadable":
            raise DataError(entry.reason, file=Path(entry.path))
        if entry.kind == "photo":
            found.append(Path(entry.path))
    return sorted(found)


def subfolders(folder: Path) -> list[Path]:
    """The folders in a folder, without hidden ones, sorted by path."""
    return sorted(path for path in _listed(folder) if path.is_dir())


def partners(blurred: Path, sharp: Path, tree: str, prefix: str = "") -> list[Pair]:
    """The pairs of two folders whose pictures have the same names but for their endings.

    Args:
        tree: what ends the error's message.
        prefix: of the pairs' names.

    Raises:
        DataError: for a picture without a partner, and for two of one name.
    """
    first, second = by_stem(pictures(blurred)), by_stem(pictures(sharp))
    matched = match(first, second)
    lonely = [(stem, first[stem], sharp) for stem in first.keys() - matched.keys()]
    lonely += [(stem, second[stem], blurred) for stem in second.keys() - set(matched.values())]
    for _, path, other in sorted(lonely):
        raise DataError(f"has no partner in {other}; {tree}", file=path)
    return [Pair(path, second[matched[stem]], prefix + stem) for stem, path in first.items()]


def match(names: Iterable[str], others: Iterable[str]) -> dict[str, str]:
    """The partner of each name among others: equal, or but for Unicode's normal form or for case.

    Copies differ so that were made by other file systems. A name without a partner is left out, as
    is one that could have several.
    """
    found: dict[str, str] = {}
    same: Callable[[str], str]
    for same in (str, _composed, lambda name: _composed(name).casefold()):
        left = _alike(set(names) - found.keys(), same)
        right = _alike(set(others) - set(found.values()), same)
        for key in left.keys() & right.keys():
            if len(left[key]) == len(right[key]) == 1:
                found[left[key][0]] = right[key][0]
    return found


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


def _listed(folder: Path) -> list[Path]:
    try:
        return [folder / entry.name for entry in photo.listed(folder)]
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror})", file=folder) from None


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _alike(names: Iterable[str], same: Callable[[str], str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(same(name), []).append(name)
    return found
