"""Opens what is measured: bundled models, ONNX files, checkpoints of unblur and of others."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import numpy as np

from unblur.errors import Hint, ModelError
from unblur.inference import counting
from unblur.inference.contract import Network
from unblur.inference.deblurrer import Deblurrer
from unblur.inference.engine import open_network
from unblur.inference.foreign import Foreign
from unblur.inference.models import find_model
from unblur.inference.suffixes import ONNX, PICKLES

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
        trust: as in `open_network`.
    """

    name: str
    file: str
    kind: Kind
    tile: int | None = None
    trust: bool = False


@dataclass(frozen=True)
class Candidate:
    """A model that is ready to be measured, on the CPU in float32.

    Attributes:
        spec: what it was opened from.
        restore: (h, w, 3) uint8 in and out.
        about: how it runs, for the lines under the tables.
        count: parameters, and multiplications and additions (1e9) for 256 x 256 pixels, None if
            they cannot be counted.
    """

    spec: Spec
    restore: Callable[[np.ndarray], np.ndarray]
    about: str
    count: Callable[[], tuple[int, float | None]]


@contextmanager
def open_candidates(
    names: Sequence[str], runtime: Runtime = "onnx", tile: int | None = None, trust: bool = False
) -> Iterator[list[Candidate]]:
    """Opens the models of these names, each once, in the order given.

    Args:
        names: of models, or files, as `open_network` takes them.
        runtime: what runs checkpoints of unblur: "onnx" exports them first, so that what is
            measured is what is deployed; "torch" runs them in PyTorch.
        tile: largest side of a tile.
        trust: as in `open_network`.

    Raises:
        ModelError: if there is no such model, or it is none that restores photos.
        CheckpointError, ExportError: if a checkpoint of unblur cannot be used.
    """
    with tempfile.TemporaryDirectory() as folder:
        candidates = []
        for index, name in enumerate(dict.fromkeys(names)):
            spec = Spec(name, name, _kind(name), tile, trust)
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
    network = open_network(spec.file, "cpu", "f32", trust=spec.trust)
    contract = network.contract
    # The model's own tile whatever memory is free: a table must not depend on that.
    tile = min(spec.tile or contract.tile, contract.largest)
    gate = "with unblur's gate" if contract.change_mask else "no gate"
    return Candidate(
        spec,
        _guarded(Deblurrer(network, tile=tile), spec.name),
        f"{spec.name}: {_about(network, spec.kind)}, tiles of {tile}, {gate}",
        lambda: _count(network, spec),
    )


def _about(network: Network, kind: Kind) -> str:
    package = "openvino" if kind == "onnx" else "torch"
    return f"{network.description} ({package} {version(package)})"


def _count(network: Network, spec: Spec) -> tuple[int, float | None]:
    if spec.kind == "onnx":
        return counting.count(find_model(spec.file))
    from unblur.torch_engine import counting as torch_counting

    raw = network.raw if isinstance(network, Foreign) else network
    return torch_counting.count(raw, counting.SIDE)


def _kind(name: str) -> Kind:
    path = find_model(name)
    suffix = path.suffix.lower()
    if suffix == ONNX:
        return "onnx"
    if suffix in PICKLES:
        return "spandrel"
    from unblur import torch_engine

    return "unblur" if torch_engine.is_own(path) else "spandrel"


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
