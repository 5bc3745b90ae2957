"""Opens what is to be measured: bundled models, ONNX files, checkpoints of unblur and of others."""

from __future__ import annotations

import dataclasses
import math
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from unblur.errors import ModelError
from unblur.inference.change_mask import CELL
from unblur.inference.contract import Contract
from unblur.inference.deblurrer import Deblurrer
from unblur.inference.models import find_model

CHECKPOINTS = (".safetensors", ".pth", ".pt", ".ckpt")
SIDE = 256
"""Height and width, in pixels, that multiplications are counted for."""

Runtime = Literal["onnx", "torch"]


@dataclass(frozen=True)
class Source:
    """All that it takes to open a model, in another process too."""

    name: str
    """As the user named it; so it stands in tables."""
    file: str
    """A bundled name, or the file that is opened."""
    kind: Literal["onnx", "unblur", "spandrel"]
    """An ONNX network, a checkpoint of unblur in PyTorch, or one of somebody else's."""
    tile: int | None = None
    """Largest side worked on at once; by default the model's own."""


@dataclass(frozen=True)
class Model:
    """A model that is ready to restore images, on the CPU in float32."""

    source: Source
    restore: Callable[[np.ndarray], np.ndarray]
    """(h, w, 3) uint8 in and out."""
    about: str
    """How it runs, for the lines under the tables."""
    count: Callable[[], tuple[int, float | None]]
    """Parameters, and multiplications and additions (1e9) for `SIDE` x `SIDE` pixels."""


@contextmanager
def opened(
    names: Sequence[str], runtime: Runtime = "onnx", tile: int | None = None
) -> Iterator[list[Model]]:
    """The models of these names, each once, in the order given.

    Args:
        names: of bundled models, or files: .onnx, a checkpoint of unblur (.safetensors), or any
            PyTorch checkpoint that spandrel recognises (.pth, .pt, .ckpt, .safetensors).
        runtime: what runs checkpoints of unblur: "onnx" exports them first, so that what is
            measured is what people run; "torch" takes them as they are.
        tile: largest side worked on at once.

    Raises:
        ModelError: if there is no such model, or it is none that restores photos.
        CheckpointError, ExportError: if a checkpoint of unblur cannot be used.
    """
    with tempfile.TemporaryDirectory() as folder:
        models = []
        for index, name in enumerate(dict.fromkeys(names)):
            source = Source(name, name, _kind(name), tile)
            if source.kind == "unblur" and runtime == "onnx":
                from unblur.training.export import export

                file = Path(folder) / f"{index}.onnx"
                export(Path(name), file)
                source = dataclasses.replace(source, file=str(file), kind="onnx")
            models.append(open_model(source))
        yield models


def open_model(source: Source) -> Model:
    """Opens one model; errors as `opened`.

    unblur's own networks run as people run them, with the gate that leaves sharp regions alone.
    Others, the paper's and DeblurGAN's among them, run as their authors publish them: without it,
    cut into the same tiles.
    """
    if source.kind == "onnx":
        from unblur.evaluate import onnx_files as opener

        network, gated, about = opener.load(find_model(source.file))
    else:
        from unblur.evaluate import checkpoints as opener

        load = opener.load_own if source.kind == "unblur" else opener.load_foreign
        network, gated, about = load(Path(source.file))
    # The tile is the model's own whatever memory is free: a table must not depend on that.
    tile = min(source.tile or network.contract.tile, network.largest)
    _check_tile(source.name, tile, network.contract)
    deblurrer = Deblurrer(network, tile=tile, masked=gated)
    gate = "with unblur's gate" if gated else "no gate"
    numbers = "8-bit convolutions" if network.precision == "int8" else "float32"
    return Model(
        source,
        _guarded(deblurrer, source.name),
        f"{source.name}: {about}, {numbers} on the CPU, tiles of {tile}, {gate}",
        lambda: opener.count(network),
    )


def _kind(name: str) -> Literal["onnx", "unblur", "spandrel"]:
    path = Path(name)
    if path.suffix.lower() not in CHECKPOINTS:
        find_model(name)
        return "onnx"
    if not path.is_file():
        raise ModelError(f"{name}: no such file; a checkpoint was expected")
    if path.suffix.lower() != ".safetensors":
        return "spandrel"
    from unblur.evaluate import checkpoints

    return "unblur" if checkpoints.is_own(path) else "spandrel"


def _check_tile(name: str, tile: int, contract: Contract) -> None:
    """Raises ModelError if tiles are too small for their overlap, as `Deblurrer` makes it."""
    grid = math.lcm(contract.multiple, CELL)
    overlap = min(contract.overlap, tile // 4)
    overlap += -overlap % grid
    if tile - tile % grid <= 2 * overlap:
        raise ModelError(f"{name}: tiles of {tile} are too small; {3 * grid} at least")


def _guarded(deblurrer: Deblurrer, name: str) -> Callable[[np.ndarray], np.ndarray]:
    def restore(image: np.ndarray) -> np.ndarray:
        try:
            return deblurrer(image)
        except (RuntimeError, MemoryError) as error:
            reason = str(error).strip().splitlines() or ["out of memory"]
            height, width = image.shape[:2]
            raise ModelError(
                f"{name}: cannot restore {width}x{height} pixels ({reason[0]}); "
                "smaller tiles need less memory: --tile 512"
            ) from None

    return restore
