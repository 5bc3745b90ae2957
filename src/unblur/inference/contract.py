"""What a network states about its input, and what runs one: the interface of all engines."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np

BLUR = "blur"
"""Name of the output of an ONNX file that is the blur, not the restored image."""
METADATA_KEY = "unblur"
"""The ONNX metadata property that holds the contract, as JSON."""
Device = Literal["auto", "cpu", "gpu"]
FLOATS = ("f32", "bf16")
"""Values of `Network.precision` for networks that are not quantised to 8 bits."""
LEAST_SIZE = 32
"""Least side, in pixels, of the images of a network that takes one size alone."""
UNTILED = 2**16
"""A tile side, in pixels, that no photo exceeds: the network is given the whole photo."""


@dataclass(frozen=True)
class Contract:
    """What a network requires of its input, and how it is cut into tiles.

    Files that unblur exports state the first six; what others require is found out by `probe`.
    """

    multiple: int = 8
    """Height and width are multiples of this."""
    smallest: int = 1
    """Least height and width, in pixels."""
    tile: int = 1280
    """Largest side, in pixels, that the network is given at once."""
    overlap: int = 128
    """Pixels that neighbouring tiles share."""
    change_mask: bool = True
    """Whether regions that the network changes invisibly are left as they are."""
    measures_blur: bool = False
    """Whether the network is a `MeasuringNetwork`."""
    low: float = -1.0
    """The value of black in the network's own images."""
    high: float = 1.0
    """The value of white."""
    size: tuple[int, int] | None = None
    """Height and width, in pixels, of a network that takes no other."""
    output: int = 0
    """Which of the network's outputs is the restored image."""
    reach: int | None = None
    """Pixels at a cut edge of a tile that are not used, as the network sees too little there;
    None where this was not measured, or ends nowhere: the network sees the whole picture."""
    seam: float = 0.0
    """Levels of 255 by which neighbouring tiles differ at most where they meet, as measured."""
    memory: int = 600
    """Bytes that a pixel of a tile takes; the default is that of unblur's own networks, measured
    (docs/benchmarks.md) and rounded up."""

    @property
    def largest(self) -> int:
        """Largest side of a tile, in pixels, that the network takes."""
        return min(self.size) if self.size else UNTILED

    def to_json(self) -> str:
        """The contract as ONNX files hold it, where `change_mask` is called "gated"."""
        stated = {name: value for name, value in asdict(self).items() if name in STATED}
        return json.dumps(stated).replace('"change_mask"', '"gated"')

    @classmethod
    def from_json(cls, text: str) -> Contract:
        """Reads what `to_json` writes; ValueError or TypeError for anything else."""
        return cls(**json.loads(text.replace('"gated"', '"change_mask"')))


STATED = ("multiple", "smallest", "tile", "overlap", "change_mask", "measures_blur")
"""Fields that a file states; the others have their defaults in all networks of unblur."""


class Network(Protocol):
    """A loaded network: `network(batch)` takes and returns float32 (1, 3, h, w) in [-1, 1].

    Attributes:
        parallel: number of calls that run at a time; further ones wait.
        digest: SHA-256 of the file that it was loaded from.
        precision: what it computes in: "f32", "bf16" or "int8".
        description: "OpenVINO on the CPU in bf16", for example.
    """

    @property
    def contract(self) -> Contract: ...
    @property
    def parallel(self) -> int: ...
    @property
    def digest(self) -> str: ...
    @property
    def precision(self) -> str: ...
    @property
    def description(self) -> str: ...
    def __call__(self, batch: np.ndarray, /) -> np.ndarray: ...


class MeasuringNetwork(Network, Protocol):
    """A network that also measures blur: float32 (1, 6, i, j), of cells of 16 x 16 pixels.

    The planes are those of `blur_map.PLANES`; i and j are height and width in cells. Measuring
    alone leaves out the part of the network that draws the sharp image.
    """

    def with_blur(self, batch: np.ndarray, /) -> tuple[np.ndarray, np.ndarray]:
        """The restored image and the blur."""
        ...

    def blur(self, batch: np.ndarray, /) -> np.ndarray:
        """The blur alone."""
        ...


def digest_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
