"""The photos of a source, page by page: of a folder, a URL, or a list of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from unblur.bulk.store import Store


@dataclass(frozen=True, slots=True)
class Found:
    """A photo of a source.

    Attributes:
        place: under the source; of an entry of a list its own path. The result's place has the
            same folders.
        url: that `store_of` opens; of a local file its absolute path.
        size: in bytes; -1 if it is not known.
        version: see `Item.version`; "" if it was not looked up.
        reason: why it cannot be deblurred, to be read behind its place; "" if nothing is known.
    """

    place: str
    url: str
    size: int = -1
    version: str = ""
    reason: str = ""


Known = Callable[[Sequence[str]], np.ndarray]
"""Tells of places whether they may have been done before, as an array of bool."""


class Listing:
    """An iterable of `Found`, read once; its counts are complete when it has ended.

    Attributes:
        is_list: whether the source is a list, whose entries may name a photo twice.
        videos: files that are videos, by their ending.
        others: files that are neither.
    """

    is_list: bool
    videos: int
    others: int

    def __iter__(self) -> Iterator[Found]: ...


def listed(source: str, apart: Store | None = None, known: Known | None = None) -> Listing:
    """The photos of a source, in the order of their names or of the list.

    Args:
        source: a folder, a URL, or a `.txt` or `.parquet` file of either kind that lists them.
        apart: a folder that is left out if it lies inside the source.
        known: of the entries of a list only those that it tells of are looked up for their
            version, as that takes a request each; by default all.

    Raises:
        UnblurError: if the source does not exist, cannot be reached, or is no folder or list; while
            it is iterated over, if it cannot be read further.
    """
    raise NotImplementedError
