"""PyTorch modules as graphs of ONNX, and files of such graphs."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from google.protobuf.message import DecodeError
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from unblur.errors import ExportError
from unblur.nets import checkpoint


def module_to_onnx(
    module: nn.Module, example: torch.Tensor, taken: str, given: str
) -> onnx.ModelProto:
    """A module of one tensor (b, c, h, w) as ONNX; all but c are dynamic.

    Args:
        taken, given: names of the input and the output.
    """
    dynamic = torch.export.Dim.DYNAMIC
    # The exporter logs its progress, and operators of packages that are not installed.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program: Any = torch.onnx.export(
            module,
            (example,),
            dynamo=True,
            verbose=False,
            input_names=[taken],
            output_names=[given],
            dynamic_shapes=({0: dynamic, 2: dynamic, 3: dynamic},),
        )
    model = program.model_proto
    for node in model.graph.node:
        # Half a megabyte of stack traces.
        del node.metadata_props[:]
    return model


def halve_weights(model: onnx.ModelProto) -> None:
    """Stores large float32 constants as float16, each with a Cast back to float32."""
    graph, casts = model.graph, []
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


def load_onnx(path: Path) -> onnx.ModelProto:
    """Reads a file; ExportError if it is no ONNX file."""
    try:
        return onnx.load(path)
    except (OSError, DecodeError) as error:
        what = error.strerror if isinstance(error, OSError) else "it is another kind of file"
        raise ExportError(f"not an ONNX file ({what})", file=path) from None


def write_onnx(path: Path, data: bytes) -> None:
    """Writes a file atomically, in a folder that is made if need be; ExportError if it cannot."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        checkpoint.write_whole(path, data)
    except OSError as error:
        raise ExportError(f"cannot be written ({error.strerror})", file=path) from None
