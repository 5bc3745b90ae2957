"""Checkpoints of other projects as networks, through spandrel."""

from __future__ import annotations

import importlib
import pickle
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from unblur.errors import Hint, ModelError, TorchvisionError
from unblur.inference.contract import Device
from unblur.inference.models import checked_digest
from unblur.inference.options import Precision
from unblur.inference.probe import Known
from unblur.torch_engine.network import Computed, computed_on
from unblur.torchvision_compat import import_torchvision


@dataclass(frozen=True)
class RawCheckpoint:
    """A network that spandrel recognised, as `inference.foreign.Raw`; one batch at a time."""

    net: torch.nn.Module
    found: Any
    computed: Computed
    digest: str
    known: Known
    architecture: str
    parallel: int = 1
    _lock: Lock = field(default_factory=Lock)

    @property
    def precision(self) -> str:
        return self.computed.precision

    @property
    def description(self) -> str:
        return f"{self.architecture} in {self.computed.where}"

    def run(self, batch: Tensor) -> Tensor:
        """The restored image for (1, 3, h, w) in [0, 1]."""
        return self.computed(self.found, batch)

    def outputs(self, batch: np.ndarray, /) -> list[np.ndarray]:
        with self._lock, torch.inference_mode():
            return [self.run(torch.from_numpy(batch)).numpy()]


def load_foreign(path: Path, device: Device = "cpu", precision: Precision = "f32") -> RawCheckpoint:
    """A checkpoint whose architecture spandrel recognises by its weights.

    Only weights are read: no code in the file is run. spandrel's images are in [0, 1].

    Args:
        device: "auto" takes a GPU if there is one, else the CPU.
        precision: f32 unless it is "bf16".

    Raises:
        ModelError: if spandrel is missing or does not recognise the network, or the network does
            not take and return RGB images of one size, or there is no such device.
    """
    spandrel = import_spandrel()
    computed = computed_on(device, lambda where: precision == "bf16")
    weights = _read(path)
    try:
        weights = spandrel.canonicalize_state_dict(weights)
        found: Any = spandrel.ModelLoader().load_from_state_dict(weights)
    except (spandrel.UnsupportedModelError, RuntimeError, KeyError, ValueError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelError(
            f"no network that spandrel {spandrel.__version__} recognises ({reason}); "
            "it takes the weights of NAFNet, Restormer and others as their authors publish them",
            file=path,
        ) from None
    name, scale = found.architecture.name, found.scale
    taken, given = found.input_channels, found.output_channels
    if (scale, taken, given) != (1, 3, 3) or not isinstance(found, spandrel.ImageModelDescriptor):
        raise ModelError(
            f"{name} takes {taken} channels and gives {given} at {scale} times the size; "
            "a network from RGB to RGB of the same size was expected",
            file=path,
        )
    found.float().eval()
    found.to(computed.device)
    known = Known(
        scale=(0.0, 1.0),
        multiple=found.size_requirements.multiple_of,
        tiled=found.tiling is spandrel.ModelTiling.SUPPORTED,
    )
    return RawCheckpoint(found.model, found, computed, checked_digest(path), known, name)


def import_spandrel() -> Any:
    """The module spandrel, with its extra architectures if they are installed.

    Raises:
        ModelError: if it or torchvision, which it needs, is not installed or does not import.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations in other packages
        try:
            import_torchvision()
            spandrel = importlib.import_module("spandrel")
        except (ImportError, TorchvisionError) as error:
            reason = f"checkpoints of other projects need spandrel ({error})"
            raise ModelError(reason, hint=Hint("install", ("compare",))) from None
        try:
            extra = importlib.import_module("spandrel_extra_arches")
        except ImportError:
            return spandrel
    extra.install(ignore_duplicates=True)
    return spandrel


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.suffix.lower() == ".safetensors":
            return load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, SafetensorError, pickle.UnpicklingError) as error:
        unsafe = "weights only" in str(error).lower().replace("_", " ")
        reason = "it holds more than weights" if unsafe else "damaged, or another kind of file"
        raise ModelError(
            f"no weights can be read from it safely ({reason}); save the network's "
            "state_dict() alone with torch.save",
            file=path,
        ) from None
