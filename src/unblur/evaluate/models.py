"""Opens what is measured: bundled models, ONNX files, checkpoints of unblur and of others."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from unblur.errors import Hint, ModelError
from unblur.inference.deblurrer import Deblurrer
from unblur.inference.models import find_model

CHECKPOINTS = (".safetensors", ".pth", ".pt", ".ckpt")
SIDE = 256
"""Height and width, in pixels, that multiplications are counted for."""

Runtime = Literal["onnx", "torch"]
Kind = Literal["onnx", "unblur", "spandrel"]


@dataclass(frozen=True)
class Spec:
    """All that it takes to open a model, in another process too.

    Attributes:
        name: what the user gave and tables show.
        file: a bundled name, or the file that is opened.
        kind: an ONNX network, a checkpoint of unblur in PyTorch, or one of others by spandrel.
        tile: largest side of a tile; by default the model's own.
    """

    name: str
    file: str
    kind: Kind
    tile: int | None = None


@dataclass(frozen=True)
class Candidate:
    """A model that is ready to be measured, on the CPU in float32.

    Attributes:
        spec: what it was opened from.
        restore: (h, w, 3) uint8 in and out.
        about: how it runs, for the lines under the tables.
        count: parameters, and multiplications and additions (1e9) for `SIDE` x `SIDE` pixels,
            None if they cannot be counted.
    """

    spec: Spec
    restore: Callable[[np.ndarray], np.ndarray]
    about: str
    count: Callable[[], tuple[int, float | None]]


@contextmanager
def open_candidates(
    names: Sequence[str], runtime: Runtime = "onnx", tile: int | None = None
) -> Iterator[list[Candidate]]:
    """Opens the models of these names, each once, in the order given.

    Args:
        names: of bundled models, or files: .onnx, a checkpoint of unblur (.safetensors), or any
            PyTorch checkpoint that spandrel recognises (.pth, .pt, .ckpt, .safetensors).
        runtime: what runs checkpoints of unblur: "onnx" exports them first, so that what is
            measured is what is deployed; "torch" runs them in PyTorch.
        tile: largest side of a tile.

    Raises:
        ModelError: if there is no such model, or it is none that restores photos.
        CheckpointError, ExportError: if a checkpoint of unblur cannot be used.
    """
    with tempfile.TemporaryDirectory() as folder:
        candidates = []
        for index, name in enumerate(dict.fromkeys(names)):
            spec = Spec(name, name, _kind(name), tile)
            if spec.kind == "unblur" and runtime == "onnx":
                from unblur.training.export import export

                file = Path(folder) / f"{index}.onnx"
                export(Path(name), file)
                spec = dataclasses.replace(spec, file=str(file), kind="onnx")
            candidates.append(open_candidate(spec))
        yield candidates


def open_candidate(spec: Spec) -> Candidate:
    """Opens one model; raises as `open_candidates`.

    unblur's networks run with the change mask that leaves sharp regions as they are; others, the
    paper's and DeblurGAN's among them, without it, as their authors publish them.
    """
    if spec.kind == "onnx":
        from unblur.evaluate import onnx_files as opener

        network, gated, about = opener.load(find_model(spec.file))
    else:
        from unblur.evaluate import checkpoints as opener

        load = opener.load_own if spec.kind == "unblur" else opener.load_foreign
        network, gated, about = load(Path(spec.file))
    # The model's own tile whatever memory is free: a table must not depend on that.
    tile = min(spec.tile or network.contract.tile, network.largest)
    gate = "with unblur's gate" if gated else "no gate"
    numbers = "8-bit convolutions" if network.precision == "int8" else "float32"
    return Candidate(
        spec,
        _guarded(Deblurrer(network, tile=tile, masked=gated), spec.name),
        f"{spec.name}: {about}, {numbers} on the CPU, tiles of {tile}, {gate}",
        lambda: opener.count(network, SIDE),
    )


def _kind(name: str) -> Kind:
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


def _guarded(deblurrer: Deblurrer, name: str) -> Callable[[np.ndarray], np.ndarray]:
    def restore(image: np.ndarray) -> np.ndarray:
        try:
            return deblurrer(image)
        except ValueError as error:
            raise ModelError(f"{name}: {error}") from None
        except (RuntimeError, MemoryError) as error:
            reason = str(error).strip().splitlines() or ["out of memory"]
            height, width = image.shape[:2]
            raise ModelError(
                f"{name}: cannot restore {width}x{height} pixels ({reason[0]})",
                hint=Hint("tile", ("512",)),
            ) from None

    return restore
