"""Adds the head that measures blur to an exported network, and reads it back."""

from __future__ import annotations

import json
from pathlib import Path

import onnx
import torch
from onnx import compose, numpy_helper

from unblur.errors import ExportError
from unblur.inference.contract import BLUR, Contract
from unblur.inference.engine import METADATA_KEY
from unblur.nets.blur_head import BlurHead
from unblur.nets.checkpoint import HALF, write_whole
from unblur.training.export import halve_weights, module_to_onnx

PREFIX = "blur_head/"
"""Of the names of the head's tensors and operators in a network's graph."""
_AFTER_FEATURES = "up1.weight"
"""The weights of the convolution that takes the features first."""


def add_blur_head(path: Path, head: BlurHead, out: Path) -> None:
    """Writes an exported network with the output "blur"; its other output and weights are the same.

    Raises:
        ExportError: if it is not an exported `GatedUNet`, or `out` cannot be written.
    """
    model = onnx.load(path)
    try:
        model = graft(model, head)
    except (KeyError, ValueError, StopIteration) as error:
        raise ExportError(f"not an exported gated U-Net ({error!r})", file=path) from None
    for entry in model.metadata_props:
        if entry.key == METADATA_KEY:
            stated = json.loads(entry.value) | {"measures_blur": True}
            entry.value = Contract.from_json(json.dumps(stated)).to_json()
    try:
        write_whole(out, model.SerializeToString())
    except OSError as error:
        raise ExportError(f"cannot be written ({error.strerror})", file=out) from None


def graft(model: onnx.ModelProto, head: BlurHead) -> onnx.ModelProto:
    """The network with the head as a second output; a head that it has is replaced."""
    model = _without_head(model)
    features = _features(model)
    channels = head.down.in_channels
    part = module_to_onnx(head, torch.zeros(2, channels, 8, 10), "features", BLUR)
    halve_weights(part)
    del part.metadata_props[:]
    part.ir_version = model.ir_version
    part = compose.add_prefix(part, PREFIX, rename_inputs=False, rename_outputs=False)
    for node in part.graph.node:
        node.input[:] = [features if name == "features" else name for name in node.input]
    model.graph.node.extend(part.graph.node)
    model.graph.initializer.extend(part.graph.initializer)
    model.graph.output.extend(part.graph.output)
    return model


def read_blur_head(model: onnx.ModelProto) -> BlurHead | None:
    """The head of a network that `graft` made; None if it has none."""
    weights = {
        t.name.removeprefix(PREFIX).removesuffix(HALF): torch.from_numpy(
            numpy_helper.to_array(t).copy()
        ).float()
        for t in model.graph.initializer
        if t.name.startswith(PREFIX)
    }
    if not weights:
        return None
    width, channels = weights["down.weight"].shape[:2]
    head = BlurHead(channels, width)
    head.load_state_dict({name: weights[name] for name in head.state_dict()})
    return head.eval()


def _without_head(model: onnx.ModelProto) -> onnx.ModelProto:
    graph = model.graph
    for items in (graph.node, graph.initializer):
        kept = [item for item in items if not item.name.startswith(PREFIX)]
        del items[:]
        items.extend(kept)
    kept = [output for output in graph.output if output.name != BLUR]
    del graph.output[:]
    graph.output.extend(kept)
    return model


def _features(model: onnx.ModelProto) -> str:
    """The name of the tensor at 1/8 size that the way up starts from."""
    made = {name: node for node in model.graph.node for name in node.output}
    weights = {
        name
        for node in model.graph.node
        for name in (*node.input, *node.output)
        if name.startswith(_AFTER_FEATURES)
    }
    first = next(n for n in model.graph.node if n.op_type == "Conv" and n.input[1] in weights)
    name = first.input[0]
    # In 8 bits it is rounded on the way.
    while made[name].op_type in ("DequantizeLinear", "QuantizeLinear"):
        name = made[name].input[0]
    return name
