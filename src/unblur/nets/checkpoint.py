"""Weights in safetensors, with the configuration that made them and their provenance."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from unblur.errors import CheckpointError
from unblur.nets import NETWORKS, GatedUNet, Generator, build_generator, table_of
from unblur.nets.folded import unfolded
from unblur.photo.files import atomic

HALF = ".half"
"""Ending of the names of weights that an exported network stores as float16."""


def save_weights(
    path: Path, weights: Mapping[str, Tensor], config: str, provenance: dict[str, Any]
) -> None:
    """Writes a generator's weights atomically.

    Args:
        config: TOML text; `generator` names the network, and the table of that name is its shape.
        provenance: JSON-able facts: steps, data, minutes, hardware, what they started from.
    """
    metadata = {"config": config, "provenance": json.dumps(provenance)}
    tensors = {name: t.detach().cpu().contiguous() for name, t in weights.items()}
    write_whole(path, save(tensors, metadata))


def load_weights(path: Path) -> tuple[dict[str, Tensor], str, dict[str, Any]]:
    """Weights, TOML config and provenance of a file of `save_weights` or `unblur export`.

    An exported paper network has lost its batch norms' own values and cannot be read back.

    Raises:
        CheckpointError: if it is missing or no such file.
    """
    try:
        weights, metadata = _read_onnx(path) if path.suffix == ".onnx" else _read(path)
        return weights, metadata["config"], json.loads(metadata["provenance"])
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        what = "no such file" if isinstance(error, FileNotFoundError) else repr(error)
        reason = f"not a checkpoint of unblur ({what}); last.safetensors or best.safetensors of a "
        reason += "run folder, or an exported .onnx, was expected"
        raise CheckpointError(reason, file=path) from None


def load_generator(path: Path) -> tuple[Generator, str, dict[str, Any]]:
    """The trained generator in evaluation mode, its TOML config and its provenance.

    Raises:
        CheckpointError: as `load_weights`, and if the weights do not fit the config.
    """
    weights, config, provenance = load_weights(path)
    try:
        net = _generator_of(config)
    except (KeyError, ValueError) as error:
        raise CheckpointError(f"no network of unblur ({error!r})", file=path) from None
    load_into(net, weights, path)
    return net.eval(), config, provenance


def load_into(net: nn.Module, weights: Mapping[str, Tensor], path: Path) -> None:
    """Sets a network's weights.

    Raises:
        CheckpointError: naming `path`, if they are of another network.
    """
    try:
        net.load_state_dict(weights)
    except RuntimeError:
        reason = f"the weights are of another network than {type(net).__name__} as configured"
        raise CheckpointError(reason, file=path) from None


def write_whole(path: Path, data: bytes) -> None:
    """Writes a file atomically."""
    with atomic(path) as file:
        file.write(data)


def _generator_of(config: str) -> Generator:
    tables = tomllib.loads(config)
    name = tables["generator"]
    return build_generator(msgspec.convert(tables[table_of(name)], NETWORKS[name][0]))


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    with safe_open(path, "pt") as file:
        weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return weights, file.metadata() or {}


def _read_onnx(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    import onnx
    from google.protobuf.message import DecodeError
    from onnx import numpy_helper

    try:
        model = onnx.load(path)
    except DecodeError as error:
        raise ValueError(str(error)) from None
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    net = _generator_of(metadata["config"])
    weights = {
        t.name.removesuffix(HALF): torch.from_numpy(numpy_helper.to_array(t).copy()).float()
        for t in model.graph.initializer
    }
    if isinstance(net, GatedUNet):
        return unfolded(weights, net.state_dict()), metadata
    if not net.state_dict().keys() <= weights.keys():
        raise ValueError("weights of it were merged at export")
    return {n: weights[n].to(v.dtype) for n, v in net.state_dict().items()}, metadata
