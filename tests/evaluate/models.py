"""Small networks as files, for tests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from unblur.evaluate.models import Candidate, Spec
from unblur.losses import LossConfig
from unblur.nets import build_generator, checkpoint
from unblur.nets.gated_unet import GatedUNetConfig
from unblur.training import config as configs
from unblur.training.config import PhaseConfig, TrainConfig


def own(path: Path) -> Path:
    """An untrained checkpoint of unblur whose changes are large enough to pass the change mask."""
    torch.manual_seed(0)
    phase = PhaseConfig(steps=1, crop=32, batch=1, loss=LossConfig(adversarial=0))
    config = TrainConfig(phases=(phase,), network=GatedUNetConfig((8, 8, 16), (1, 1, 2)))
    net = build_generator(config.network)
    with torch.no_grad():
        for name, value in net.named_parameters():
            # Equal tensors would be stored once; no trained ones are equal.
            value.add_(0.01 * torch.randn_like(value))
            if name.startswith("tail"):
                value.mul_(40)
    checkpoint.save_weights(path, net.state_dict(), configs.dumps(config), {})
    return path


def stretch_onnx(path: Path, side: int | None = None) -> Path:
    """An ONNX file of another project, of any size or of one: `stretched`, images in [0, 1]."""
    constants = {"gain": 1.1, "offset": -0.0213, "low": 0.0, "high": 1.0}
    nodes = [
        helper.make_node("Mul", ["image", "gain"], ["a"]),
        helper.make_node("Add", ["a", "offset"], ["b"]),
        helper.make_node("Clip", ["b", "low", "high"], ["out"]),
    ]
    return write_onnx(path, nodes, constants, side)


def doubler_onnx(path: Path) -> Path:
    """Gives back more pixels than it is given."""
    return write_onnx(path, [helper.make_node("Concat", ["image", "image"], ["out"], axis=3)], {})


def write_onnx(
    path: Path, nodes: list[Any], constants: Mapping[str, Any], side: int | None = None
) -> Path:
    """A network from `image` to `out`, of any size or of one."""
    shape = [1, 3, side or "h", side or "w"]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)
    out = helper.make_tensor_value_info("out", TensorProto.FLOAT, [1, 3, None, None])
    values = [
        numpy_helper.from_array(np.array(v, np.float32), name) for name, v in constants.items()
    ]
    graph = helper.make_graph(nodes, "net", [image], [out], values)
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), path)
    return path


def stretched(image: np.ndarray) -> np.ndarray:
    """More contrast, pixel by pixel: what tiles cannot change."""
    return np.rint((image / 255 * 1.1 - 0.0213).clip(0, 1) * 255).astype(np.uint8)


def fake(name: str, restore: object) -> Candidate:
    """A model that is only a function of the image."""
    return Candidate(Spec(name, name, "onnx"), restore, name, lambda: (0, None))  # pyright: ignore
