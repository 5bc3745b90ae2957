"""Tries a network out before it is added: what it needs, whether it works, how large it is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from unblur.errors import ModelError
from unblur.inference import contracts, counting
from unblur.inference.contract import Contract, Network
from unblur.inference.engine import open_network
from unblur.inference.suffixes import ONNX

_SIDE = 192
"""Height and width, in pixels, of the picture that it is tried on."""
_RUIN = 40.0
"""Levels of 255, on average, by which a network that restores does not change a picture."""


@dataclass(frozen=True)
class Tried:
    """What a network is.

    Attributes:
        contract: what it requires of images.
        change: levels of 255, on average, by which it changed a blurred picture.
        side: height and width of that picture, in pixels.
        parameters, gmac: as of `counting.count`.
    """

    contract: Contract
    change: float
    side: int
    parameters: int | None
    gmac: float | None


def try_out(path: Path, trust: bool) -> Tried:
    """Opens a network, restores a small picture with it, and keeps its contract beside the file.

    Raises:
        ModelError, CheckpointError: as `open_network`, or if it makes a ruin of the picture.
    """
    network = open_network(path, "cpu", "f32", trust=trust)
    contract = network.contract
    contracts.keep(network.digest, contract, path)
    change, side = _change(network)
    return Tried(contract, change, side, *_count(network, path))


def _change(network: Network) -> tuple[float, int]:
    contract = network.contract
    side = math.ceil(max(_SIDE, contract.smallest) / contract.multiple) * contract.multiple
    side = min(side, contract.largest)
    picture = blurred_picture(side)
    restored = network(picture)
    if restored.shape != picture.shape:
        size = "x".join(map(str, restored.shape[:1:-1]))
        raise ModelError(f"it makes {size} pixels of {side}x{side}; the same were expected")
    if not np.isfinite(restored).all():
        raise ModelError("what it makes of a picture is not finite")
    change = float(np.abs(restored.clip(-1, 1) - picture).mean()) * 127.5
    if change > _RUIN:
        raise ModelError(
            f"it makes a ruin of a picture, which it changes by {change:.0f} levels of 255 on "
            "average; a network that restores photos was expected"
        )
    return change, side


def blurred_picture(side: int) -> np.ndarray:
    """A picture of edges and waves, blurred along 9 pixels: float32 (1, 3, h, w) in [-1, 1]."""
    y, x = np.mgrid[:side, :side].astype(np.float32)
    waves = [np.sin(x / (7 + 3 * k) + k) * np.cos(y / (9 + 2 * k)) for k in range(3)]
    sharp = 0.4 * np.stack(waves)
    disc = (x - side / 2) ** 2 + (y - side / 2) ** 2 < (side / 4) ** 2
    sharp[:, disc] += np.array([[0.5], [-0.3], [0.2]], np.float32)
    blurred = np.mean([np.roll(sharp, shift, axis=2) for shift in range(-4, 5)], axis=0)
    return np.ascontiguousarray(blurred[None].clip(-1, 1), np.float32)


def _count(network: Network, path: Path) -> tuple[int | None, float | None]:
    if path.suffix == ONNX:
        return counting.count(path)
    from unblur.torch_engine import counting as torch_counting

    return torch_counting.count(getattr(network, "raw", network), counting.SIDE)
