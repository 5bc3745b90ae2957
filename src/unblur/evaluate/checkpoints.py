"""PyTorch checkpoints as networks: unblur's, and those of others through spandrel."""

from __future__ import annotations

import importlib
import pickle
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor

from unblur import torch_engine
from unblur.errors import Hint, ModelError, TorchvisionError
from unblur.inference.contract import UNTILED, Contract, digest_of
from unblur.torch_engine import TorchNetwork
from unblur.torchvision_compat import import_torchvision


def is_own(path: Path) -> bool:
    """Whether a .safetensors file is a checkpoint of unblur.

    Raises:
        ModelError: if it is no .safetensors file.
    """
    try:
        with safe_open(path, "pt") as file:
            return {"config", "provenance"} <= (file.metadata() or {}).keys()
    except (OSError, SafetensorError) as error:
        raise ModelError(f"not a safetensors file ({error})", file=path) from None


def load_own(path: Path) -> tuple[TorchNetwork, bool, str]:
    """A checkpoint of unblur in float32, whether it is gated, and how it runs.

    Raises:
        CheckpointError: if it cannot be read.
    """
    network = torch_engine.load(path)
    return network, network.contract.change_mask, f"PyTorch {torch.__version__}"


def load_foreign(path: Path) -> tuple[TorchNetwork, bool, str]:
    """A checkpoint whose architecture spandrel recognises by its weights; returns as `load_own`.

    Only weights are read: no code in the file is run. spandrel's images are in [0, 1].

    Raises:
        ModelError: if spandrel is missing or does not recognise the network, or the network does
            not take and return RGB images of one size.
    """
    spandrel = import_spandrel()
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
    tile = Contract.tile if found.tiling is spandrel.ModelTiling.SUPPORTED else UNTILED
    contract = Contract(multiple=found.size_requirements.multiple_of, tile=tile)

    def run(batch: Tensor) -> Tensor:
        return found((batch + 1) / 2) * 2 - 1

    network = TorchNetwork(found.model, run, contract, digest_of(path))
    about = f"{name} in PyTorch {torch.__version__} by spandrel {spandrel.__version__}"
    return network, False, about


def count(network: Any, side: int) -> tuple[int, float | None]:
    """Parameters, and multiplications and additions (1e9) for `side` x `side` pixels.

    The latter are None if the network has an operator that cannot be counted.
    """
    parameters = sum(p.numel() for p in network.net.parameters())
    try:
        return parameters, gmacs(network.run, side)
    except (RuntimeError, NotImplementedError):
        return parameters, None


def gmacs(run: Callable[[Tensor], Tensor], side: int = 256) -> float:
    """Multiplications and additions (1e9) of a network for one image of `side` x `side` pixels.

    Convolutions, matrix products and attention are counted, as is usual.
    """
    from torch.utils.flop_counter import FlopCounterMode

    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        run(torch.zeros(1, 3, side, side))
    return counter.get_total_flops() / 2e9


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
