"""Shapes in annotations are checked in tests: every annotated function of these modules."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from jaxtyping import install_import_hook

install_import_hook(
    ["unblur.nets", "unblur.losses", "unblur.blur", "unblur.metrics"], "beartype.beartype"
)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def picture() -> np.ndarray:
    """A (96, 120, 3) uint8 picture with edges and texture."""
    y, x = np.mgrid[:96, :120]
    waves = [np.sin(x / 3 + k) * np.cos(y / (2 + k)) * 60 + 128 for k in range(3)]
    image = np.stack(waves, axis=-1)
    image[30:60, 40:80] = (250, 20, 90)
    return image.astype(np.uint8)


@pytest.fixture
def pairs_dir(tmp_path: Path, picture: np.ndarray) -> Path:
    """Four pairs in GoPro's layout: train/SEQ/blur and train/SEQ/sharp."""
    from tests.files import write

    for index in range(4):
        sharp = np.roll(picture, 7 * index, axis=1)
        blurred = np.mean([np.roll(sharp, k, axis=1) for k in range(-2, 3)], axis=0)
        home = tmp_path / "pairs" / "train" / "SEQ"
        write(home / "blur" / f"{index:06d}.png", blurred.astype(np.uint8))
        write(home / "sharp" / f"{index:06d}.png", sharp)
    return tmp_path / "pairs"


@pytest.fixture
def inverter(monkeypatch: pytest.MonkeyPatch) -> None:
    """`unblur deblur` inverts photos, without a network."""
    from tests.folders import Inverter
    from unblur.folders import run

    monkeypatch.setattr(run, "Deblurrer", Inverter)
    monkeypatch.setattr(Inverter, "calls", 0)
