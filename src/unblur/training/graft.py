"""Adds the head that measures blur to an exported network, and reads it back."""

from __future__ import annotations

import errno
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import onnx
import torch
from onnx import compose, numpy_helper

from unblur.errors import ExportError
from unblur.inference.contract import BLUR, METADATA_KEY, Contract
from unblur.nets.blur_head import BlurHead
from unblur.nets.checkpoint import HALF
from unblur.training.onnx_graph import halve_weights, load_onnx, module_to_onnx, write_onnx

PREFIX = "blur_head/"
"""Of the names of the head's tensors and operators in a network's graph."""
_AFTER_FEATURES = "up1.weight"
"""The weights of the convolution that takes the features first."""


def add_blur_head(path: Path, head: BlurHead, out: Path) -> None:
    """Writes an exported network with the output "blur"; its other output and weights are the same.

    Raises:
        ExportError: if it is not an exported `GatedUNet` that the head fits, or `out` cannot be
            written.
    """
    model = load_onnx(path)
    with _exported(path):
        _state(model)
        model = graft(model, head)
    write_onnx(out, model.SerializeToString())


def check(path: Path, out: Path) -> None:
    """Raises ExportError where `add_blur_head` would, whatever the head."""
    model = load_onnx(path)
    with _exported(path):
        _state(model)
        _features(model)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out.parent):
            pass
        if out.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    except OSError as error:
        raise ExportError(f"cannot be written ({error.strerror})", file=out) from None


@contextmanager
def _exported(path: Path) -> Iterator[None]:
    """Says that a file is of another kind where its graph is."""
    try:
        yield
    except (IndexError, KeyError, ValueError, TypeError, StopIteration) as error:
        why = "other operators" if isinstance(error, StopIteration) else str(error)
        reason = f"not a gated U-Net that unblur exported, as was expected ({why})"
        raise ExportError(reason, file=path) from None


def _state(model: onnx.ModelProto) -> None:
    """Sets the contract: blur is measured."""
    stated = next((entry for entry in model.metadata_props if entry.key == METADATA_KEY), None)
    if stated is None:
        raise ValueError("it states no contract")
    contract = json.loads(stated.value) | {"measures_blur": True}
    stated.value = Contract.from_json(json.dumps(contract)).to_json()


def load_blur_head(path: Path) -> BlurHead:
    """The head of a network's file; ExportError if it has none."""
    head = read_blur_head(load_onnx(path))
    if head is None:
        raise ExportError("it has no head that measures blur", file=path)
    return head


def graft(model: onnx.ModelProto, head: BlurHead) -> onnx.ModelProto:
    """The network with the head as a second output; a head that it has is replaced.

    Raises:
        KeyError, ValueError, StopIteration: if it is not a `GatedUNet` that the head fits.
    """
    model = _without_head(model)
    features = _features(model)
    channels = head.down.in_channels
    if _channels(model) != channels:
        raise ValueError(f"{_channels(model)} channels of features; the head takes {channels}")
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
    # By what they give: some nodes have no name.
    _keep(graph.node, lambda node: not any(n == BLUR or n.startswith(PREFIX) for n in node.output))
    _keep(graph.initializer, lambda tensor: not tensor.name.startswith(PREFIX))
    _keep(graph.output, lambda output: output.name != BLUR)
    return model


def _keep(items: Any, chosen: Callable[[Any], bool]) -> None:
    kept = [item for item in items if chosen(item)]
    del items[:]
    items.extend(kept)


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


def _channels(model: onnx.ModelProto) -> int:
    """The channels of the features."""
    of_weights = (t for t in model.graph.initializer if t.name.startswith(_AFTER_FEATURES))
    return next(tensor.dims[1] for tensor in of_weights if len(tensor.dims) == 4)
