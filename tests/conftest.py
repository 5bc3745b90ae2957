"""What holds for all tests: they check shapes, and no machine's habits nor luck decides in them."""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path

import hypothesis
import numpy as np
import pytest
from jaxtyping import install_import_hook

# Shapes in annotations: of every annotated function of these modules.
install_import_hook(
    ["unblur.nets", "unblur.losses", "unblur.blur", "unblur.metrics"], "beartype.beartype"
)
# The same examples each time, however slow the machine.
hypothesis.settings.register_profile(
    "unblur",
    deadline=None,
    derandomize=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("unblur")
# What a machine's owner has set for a server of his own, for colours and for a proxy.
for name in {"FORCE_COLOR", *(name for name in os.environ if name.startswith("UNBLUR_"))}:
    os.environ.pop(name, None)
# Nor what was found out about networks before.
os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp(prefix="unblur-tests-")
atexit.register(shutil.rmtree, os.environ["XDG_CACHE_HOME"], ignore_errors=True)
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"


@pytest.fixture(autouse=True)
def same_numbers() -> None:
    """PyTorch's random numbers do not depend on which tests ran before."""
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


@pytest.fixture(scope="session")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small checkpoint of unblur, own.safetensors; beside it own.onnx, exported from it."""
    from tests.evaluate import models
    from unblur.training.export import export

    path = models.own(tmp_path_factory.mktemp("models") / "own.safetensors")
    export(path, path.with_suffix(".onnx"))
    return path


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def sharp_picture() -> np.ndarray:
    """A (96, 120, 3) uint8 picture with edges and texture."""
    y, x = np.mgrid[:96, :120]
    waves = [np.sin(x / 3 + k) * np.cos(y / (2 + k)) * 60 + 128 for k in range(3)]
    image = np.stack(waves, axis=-1)
    image[30:60, 40:80] = (250, 20, 90)
    return image.astype(np.uint8)


@pytest.fixture
def picture(sharp_picture: np.ndarray) -> np.ndarray:
    """The same moved along 9 pixels, so that there is something to deblur."""
    moved = np.mean([np.roll(sharp_picture, shift, axis=1) for shift in range(-4, 5)], axis=0)
    return np.rint(moved).astype(np.uint8)


@pytest.fixture
def pairs_dir(tmp_path: Path, sharp_picture: np.ndarray) -> Path:
    """Four pairs in GoPro's layout: train/SEQ/blur and train/SEQ/sharp."""
    from tests.files import write

    for index in range(4):
        sharp = np.roll(sharp_picture, 7 * index, axis=1)
        blurred = np.mean([np.roll(sharp, k, axis=1) for k in range(-2, 3)], axis=0)
        home = tmp_path / "pairs" / "train" / "SEQ"
        write(home / "blur" / f"{index:06d}.png", blurred.astype(np.uint8))
        write(home / "sharp" / f"{index:06d}.png", sharp)
    return tmp_path / "pairs"


@pytest.fixture
def inverter(monkeypatch: pytest.MonkeyPatch) -> None:
    """`unblur deblur` inverts photos, without a network."""
    from tests.batch.folders import Inverter
    from unblur.batch import folder
    from unblur.inference import deblurrer

    for module in (deblurrer, folder):
        monkeypatch.setattr(module, "Deblurrer", Inverter)
    # As if there were memory enough.
    monkeypatch.setattr(folder, "tile_for_memory", lambda contract: contract.tile)
    monkeypatch.setattr(Inverter, "calls", 0)
