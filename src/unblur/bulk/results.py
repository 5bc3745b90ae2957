"""Which results are in a target: a photo that is done is done again if its result is gone."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import islice

import numpy as np

from unblur.bulk.fingerprints import are_at, fingerprints
from unblur.bulk.store import Store
from unblur.photo import FORMATS

_BATCH = 1000


class Results:
    """The files of a target, 8 bytes each."""

    def __init__(self, target: Store) -> None:
        """Lists the target; raises UnblurError if it cannot be listed."""
        found, numbers = target.list(), bytearray()
        while places := [item.place for item in islice(found, _BATCH)]:
            numbers += fingerprints(places).data
        self._numbers = np.frombuffer(numbers, np.uint64)
        self._numbers.sort()

    def has(self, places: Sequence[str]) -> np.ndarray:
        """Whether the results of photos are there; an array of bool.

        True too of a photo whose result has another name than its own, as a HEIC's has.
        """
        wanted = fingerprints(places)
        there = are_at(np.searchsorted(self._numbers, wanted), wanted, self._numbers)
        return there | [_ending(place) not in FORMATS for place in places]


def _ending(place: str) -> str:
    return os.path.splitext(place)[1].lower()  # noqa: PTH122 (fast: of millions)
