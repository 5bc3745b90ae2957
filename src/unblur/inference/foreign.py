"""Networks of others as `Network`s: those that do not state what they require of images."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from unblur.errors import ModelError
from unblur.inference import contracts
from unblur.inference.blur_map import CELL
from unblur.inference.contract import Contract
from unblur.inference.probe import Known, at_size, probe
from unblur.inference.probe.reach import RAMP

LOG = logging.getLogger("unblur.models")
"""Hears what is done that takes long."""


class Raw(Protocol):
    """A network as its file holds it: images have its own range, and there may be more outputs.

    Attributes:
        known: what its file or its architecture tells.
        digest, parallel, precision, description: as of `Network`.
    """

    @property
    def known(self) -> Known: ...
    @property
    def digest(self) -> str: ...
    @property
    def parallel(self) -> int: ...
    @property
    def precision(self) -> str: ...
    @property
    def description(self) -> str: ...
    def outputs(self, batch: np.ndarray, /) -> list[np.ndarray]:
        """All outputs for float32 (1, 3, h, w)."""
        ...


class Foreign:
    """A network of others as a `Network`. Its contract is found out once, and kept.

    Args:
        raw: the network.
        path: its file.
        reopen: opens it again, with its arguments: what is pickled.

    Attributes:
        raw: as given.
        contract, digest, parallel, precision, description: as of `Network`.

    Raises:
        ModelError: if it is no network from one RGB image to another of the same size.
    """

    def __init__(
        self, raw: Raw, path: Path, reopen: tuple[Callable[..., Any], tuple[Any, ...]]
    ) -> None:
        contract = contracts.find(path, raw.digest)
        if contract is None:
            known = raw.known  # which may be no image at all: told before anything is tried
            LOG.info("%s: finding out what this network takes, once", path)
            contract = probe(raw.outputs, path, known)
            contracts.keep(raw.digest, contract)
        self.raw: Raw = raw
        self.contract: Contract = contract
        self._path = path
        self._reopen = reopen
        self.digest: str = raw.digest
        self.parallel: int = raw.parallel
        self.precision: str = raw.precision
        self._run = at_size(raw.outputs, contract.size)

    @property
    def description(self) -> str:
        contract = self.contract
        return f"{self.raw.description}, images in {contract.low:g}..{contract.high:g}"

    def __reduce__(self) -> tuple[Any, ...]:
        return self._reopen

    def __call__(self, batch: np.ndarray, /) -> np.ndarray:
        low, span = self.contract.low, self.contract.high - self.contract.low
        own = ((batch + 1) * np.float32(span / 2) + np.float32(low)).astype(np.float32)
        try:
            found = self._run(own)[self.contract.output]
            if found.shape != batch.shape:
                raise ValueError(f"it gives {found.shape}")
        except (RuntimeError, ValueError, IndexError) as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[-1]
            taken = f"what it takes is not what is known of it: it fails for {batch.shape}"
            raise ModelError(f"{taken} ({reason})", file=self._path) from None
        return (found.astype(np.float32) - np.float32(low)) * np.float32(2 / span) - 1


def seam_note(contract: Contract, tile: int | None = None) -> str:
    """What is said of a network that sees too much of a tile, so that tiles do not fit; else "".

    Args:
        tile: side, in pixels; by default the contract's.
    """
    tile = tile or contract.tile
    if contract.reach is not None and tile < (least := least_tile(contract)):
        return (
            f"tiles of {tile} pixels are too small for what it sees, and a photo of several does "
            f"not come out as it would at once; it needs tiles of {least}"
        )
    if not contract.seam:
        return ""
    return (
        f"it sees all of a tile, so that a photo of several (of {tile} pixels) does not "
        "come out as it would at once; neighbouring ones differ by up to "
        f"{contract.seam:.1f} levels of 255 where they meet"
    )


def least_tile(contract: Contract) -> int:
    """The least side of a tile, in pixels, of which enough is used on a network's grid."""
    grid = math.lcm(contract.multiple, CELL)
    overlap = 2 * (contract.reach or 0) + RAMP
    overlap += -overlap % grid
    least = overlap + 2 * RAMP + 1
    return least + -least % grid
