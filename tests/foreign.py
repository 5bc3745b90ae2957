"""Small networks of another project, and what they give for a whole picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIDE = 7
"""Of the kernels; two of them see `REACH` pixels."""
REACH = 2 * (SIDE // 2)


def conv_onnx(
    path: Path,
    size: tuple[int, int] | None = None,
    scale: tuple[float, float] = (0.0, 1.0),
    half: bool = False,
    stride: int = 1,
    pooled: bool = False,
    clipped: bool = True,
) -> Path:
    """A network of random convolutions, of another project: it sees a few pixels, or all.

    Args:
        size: of its images; None: any multiple of `stride`.
        scale: the values of black and white in its images.
        half: whether it is one of float16.
        stride: of a mean over squares that it adds.
        pooled: whether it adds the mean of all pixels.
    """
    kind, dtype = (TensorProto.FLOAT16, np.float16) if half else (TensorProto.FLOAT, np.float32)
    rng = np.random.default_rng(0)
    kernels = [rng.normal(0, SIDE**-1.5, (*of, SIDE, SIDE)) for of in ((8, 3), (3, 8))]
    low, span = scale[0], scale[1] - scale[0]
    values = {"first": kernels[0], "last": kernels[1], "low": low, "span": span, "high": scale[1]}
    # A third of a level: next to nothing, but in another range much.
    values |= {"share": 0.05 * span, "offset": span / 765}
    node, pads = helper.make_node, [SIDE // 2] * 4
    nodes = [
        node("Sub", ["image", "low"], ["lifted"]),
        node("Div", ["lifted", "span"], ["unit"]),
        node("Conv", ["unit", "first"], ["wide"], pads=pads),
        node("Relu", ["wide"], ["seen"]),
        node("Conv", ["more" if stride > 1 or pooled else "seen", "last"], ["found"], pads=pads),
        node("Mul", ["found", "share"], ["part"]),
        node("Add", ["part", "image"], ["changed"]),
        node("Add", ["changed", "offset"], ["all"]),
        node("Clip", ["all", "low", "high"], ["out"])
        if clipped
        else node("Identity", ["all"], ["out"]),
    ]
    if stride > 1:
        square: dict[str, Any] = {"kernel_shape": [stride] * 2, "strides": [stride] * 2}
        nodes[4:4] = [
            node("AveragePool", ["seen"], ["small"], **square),
            node("Resize", ["small", "", "sizes"], ["large"], mode="nearest"),
            node("Add", ["seen", "large"], ["more"]),
        ]
    if pooled:
        nodes[4:4] = [
            node("GlobalAveragePool", ["seen"], ["mean"]),
            node("Add", ["seen", "mean"], ["more"]),
        ]
    shape = [1, 3, *(size or ("h", "w"))]
    initial = [numpy_helper.from_array(np.array(v, dtype), name) for name, v in values.items()]
    initial.append(numpy_helper.from_array(np.array([1, 1, stride, stride], np.float32), "sizes"))
    taken = helper.make_tensor_value_info("image", kind, shape)
    given = helper.make_tensor_value_info("out", kind, [1, 3, None, None])
    graph = helper.make_graph(nodes, "net", [taken], [given], initial)
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), path)
    return path


def whole(path: Path, image: np.ndarray, scale: tuple[float, float] = (0.0, 1.0)) -> np.ndarray:
    """The network on a whole image (h, w, 3), full scale = 1, by ONNX Runtime."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    half = session.get_inputs()[0].type == "tensor(float16)"
    own = (scale[0] + (scale[1] - scale[0]) * image).transpose(2, 0, 1)[None]
    found: Any = session.run(None, {"image": own.astype(np.float16 if half else np.float32)})[0]
    return (found[0].transpose(1, 2, 0).astype(np.float32) - scale[0]) / (scale[1] - scale[0])
