"""Photos that are done, as numbers: 16 bytes each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b

import numpy as np


def fingerprints(texts: Iterable[str]) -> np.ndarray:
    """A number of 64 bits for each text, the same on any machine; an array of uint64.

    Texts are not told apart that differ in bytes that are no text.
    """
    digests = b"".join(
        blake2b(text.encode("utf-8", "replace"), digest_size=8).digest() for text in texts
    )
    return np.frombuffer(digests, ">u8").astype(np.uint64)


def of_versions(places: Iterable[str], versions: Iterable[str], settings: str) -> np.ndarray:
    """Fingerprints of places together with the photos' versions and the settings."""
    pairs = zip(places, versions, strict=True)
    return fingerprints(f"{place}\0{version}\0{settings}" for place, version in pairs)


class Finished:
    """The photos that are done with some settings. `len()` is their number.

    A photo is known by two numbers of 64 bits, that of its place and that of place, version and
    settings. That two photos of 10 million have both in common has a probability of 10^-25; that
    their places' numbers are the same, of 10^-6, which does no harm.
    """

    def __init__(self, places: np.ndarray, versions: np.ndarray, settings: str) -> None:
        """Takes the fingerprints of the places, which rise, and of the versions."""
        self._places, self._versions, self._settings = places, versions, settings

    def __len__(self) -> int:
        return len(self._places)

    def knows(self, places: Sequence[str]) -> np.ndarray:
        """Whether each place is done in some version; an array of bool."""
        wanted = fingerprints(places)
        return self._are(wanted, np.searchsorted(self._places, wanted))

    def contains(self, places: Sequence[str], versions: Sequence[str]) -> np.ndarray:
        """Whether each place is done in this version; an array of bool."""
        wanted, exactly = fingerprints(places), of_versions(places, versions, self._settings)
        at = np.searchsorted(self._places, wanted)
        found = np.zeros(len(wanted), bool)
        # Again where another place has the same number.
        while (there := self._are(wanted, at)).any():
            found[there] |= self._versions[at[there]] == exactly[there]
            at = at + 1
        return found

    def _are(self, wanted: np.ndarray, at: np.ndarray) -> np.ndarray:
        inside = at < len(self._places)
        there = np.zeros(len(wanted), bool)
        there[inside] = self._places[at[inside]] == wanted[inside]
        return there
