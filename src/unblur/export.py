"""A checkpoint becomes an ONNX file of any height and width, checked against PyTorch."""

from __future__ import annotations

import dataclasses
import json
import logging
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from unblur import __version__, checkpoint
from unblur import config as configs
from unblur.engine import METADATA_KEY, Contract, Engine
from unblur.errors import UnblurError
from unblur.nets import GatedUNet
from unblur.nets.folded import folded
from unblur.pytorch import contract_of

SIZES = ((64, 64), (96, 160), (101, 75))
"""Heights and widths of the parity check; the odd one is padded as photos are."""
TOLERANCE = 2e-3
"""Largest difference allowed: a quarter of a grey level of 8 bit, in [-1, 1]."""


class ExportError(UnblurError):
    """The exported network does not do what the trained one does."""


def export(path: Path, out: Path) -> dict[str, float]:
    """Writes a trained generator as ONNX: float16 weights, dynamic batch, height and width.

    Of a `GatedUNet`, what is constant is folded first (see `nets.folded`).
    The file's metadata hold the contract (what `engine.Contract` says), the config and the
    provenance, so that it can serve as `unblur train --init` too.

    Args:
        path: a checkpoint of `unblur train`.
        out: the ONNX file, replaced whole.

    Returns:
        The largest absolute difference from PyTorch at each of `SIZES`, in [-1, 1], both with
        the float16 weights, in float32 arithmetic.

    Raises:
        CheckpointError: if it cannot be read.
        ExportError: if a difference is larger than `TOLERANCE`; nothing is written then.
    """
    net, config, provenance = checkpoint.load_generator(path)
    net = folded(net) if isinstance(net, GatedUNet) else net
    with torch.no_grad():
        for value in net.state_dict().values():
            if value.is_floating_point():
                value.copy_(value.half())
    contract = contract_of(net)
    model = to_onnx(net)
    _halve_weights(model)
    model.producer_name, model.producer_version = "unblur", __version__
    properties = {
        METADATA_KEY: json.dumps(dataclasses.asdict(contract)),
        "provenance": json.dumps(provenance),
        "config": configs.dumps(config),
    }
    for key, value in properties.items():
        model.metadata_props.add(key=key, value=value)
    data = model.SerializeToString()
    differences = _compare(net, data, contract)
    worst = max(differences.values())
    if not worst <= TOLERANCE:
        raise ExportError(f"{path}: ONNX differs from PyTorch by {worst:.2g}; nothing was written")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        checkpoint.write_whole(out, data)
    except OSError as error:
        raise ExportError(f"{out}: cannot be written ({error.strerror})") from None
    return differences


def to_onnx(net: nn.Module) -> onnx.ModelProto:
    dynamic = torch.export.Dim.DYNAMIC
    # The exporter reports on its own progress, and on operators of packages that are not here.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program: Any = torch.onnx.export(
            net,
            (torch.zeros(2, 3, 64, 80),),
            dynamo=True,
            verbose=False,
            input_names=["image"],
            output_names=["restored"],
            dynamic_shapes=({0: dynamic, 2: dynamic, 3: dynamic},),
        )
    model = program.model_proto
    for node in model.graph.node:
        # What the exporter tells of each, half a megabyte of stack traces.
        del node.metadata_props[:]
    return model


def _halve_weights(model: onnx.ModelProto) -> None:
    """Stores large float32 constants as float16, each with a Cast back to float32."""
    graph = model.graph
    casts = []
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or values.size < 64:
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), name + checkpoint.HALF))
        casts.append(helper.make_node("Cast", [tensor.name], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    del graph.value_info[:]


def _compare(net: nn.Module, data: bytes, contract: Contract) -> dict[str, float]:
    from unblur.tiling import run_padded

    rng = np.random.default_rng(0)
    differences = {}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.onnx"
        file.write_bytes(data)
        engine = Engine(file, "cpu", "f32")

    def run_torch(batch: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return net(torch.from_numpy(batch)).numpy()

    for height, width in SIZES:
        image = rng.uniform(-1, 1, (height, width, 3)).astype(np.float32)
        outputs = [run_padded(run, image, contract.multiple) for run in (engine, run_torch)]
        differences[f"{width}x{height}"] = float(np.abs(outputs[0] - outputs[1]).max())
    return differences
