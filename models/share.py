"""Makes an exported network take from another's file the weights that both have.

python models/share.py crisp.onnx src/unblur/weights/default.onnx src/unblur/weights/crisp.onnx

What is written is ONNX as well: external data may be any range of a file in the same folder.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from onnx import TensorProto
from onnx.numpy_helper import to_array

from unblur import checkpoint


def main(source: Path, other: Path, target: Path) -> int:
    """0 if it was written, 1 with one line of why not."""
    if other.resolve().parent != target.resolve().parent:
        print(f"error: {target}: has to be in the folder of {other}", file=sys.stderr)
        return 1
    try:
        model, others = onnx.load(source), onnx.load_from_string(data := other.read_bytes())
    except OSError as error:
        print(f"error: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    except DecodeError:
        print(f"error: {source} or {other}: is no ONNX file", file=sys.stderr)
        return 1
    theirs = {tensor.name: tensor for tensor in others.graph.initializer}
    before = sum(len(tensor.raw_data) for tensor in model.graph.initializer)
    for tensor in model.graph.initializer:
        # Short ones save nothing. By value: an average may turn -0 into 0.
        same = tensor.name in theirs and np.array_equal(
            to_array(tensor), to_array(theirs[tensor.name])
        )
        if same and len(tensor.raw_data) >= 1024:
            shared = theirs[tensor.name].raw_data
            place, length = data.index(shared), len(shared)
            tensor.ClearField("raw_data")
            tensor.data_location = TensorProto.EXTERNAL
            found = {"location": other.name, "offset": place, "length": length}
            for key, value in found.items():
                tensor.external_data.add(key=key, value=str(value))
    own = sum(len(tensor.raw_data) for tensor in model.graph.initializer)
    checkpoint.write_whole(target, model.SerializeToString())
    print(f"{target}: {target.stat().st_size / 2**20:.2f} MiB, {own} of {before} bytes its own")
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit((__doc__ or "").strip())
    sys.exit(main(*map(Path, sys.argv[1:])))
