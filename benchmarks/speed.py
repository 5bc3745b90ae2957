"""Seconds and peak memory of the bundled model, by runtime, in one run.

    python benchmarks/speed.py [--repeat N]

Each figure comes from a process of its own, which deblurs a random 8-bit image as the tool does
(with its tiles) once to warm up and then N times: the median, and the largest resident memory of
the whole process. Runtimes take turns, so that a machine whose speed drifts treats them alike.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from typing import Any

import numpy as np

from unblur.engine import Engine, find_model
from unblur.restore import Deblurrer

SIZES = {"1280x720": (720, 1280), "12 megapixels": (3000, 4000)}
RUNTIMES = ("OpenVINO f32", "OpenVINO bf16", "ONNX Runtime", "PyTorch f32")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--one", nargs=2, metavar=("RUNTIME", "SIZE"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        runtime, size = arguments.one
        print(json.dumps(measure(runtime, size, arguments.repeat)))
        return
    print(f"{'':16}" + "".join(f"{size:>26}" for size in SIZES))
    for runtime in RUNTIMES:
        if runtime == "OpenVINO bf16" and not has_bf16():
            print(f"{runtime:16}  this CPU does not compute in bf16")
            continue
        cells = []
        for size in SIZES:
            command = [sys.executable, __file__, "--repeat", str(arguments.repeat)]
            out = subprocess.check_output([*command, "--one", runtime, size])
            seconds, peak = json.loads(out)
            cells.append(f"{seconds:10.2f} s {peak:9.2f} GB")
        print(f"{runtime:16}" + "".join(f"{cell:>26}" for cell in cells), flush=True)


def measure(runtime: str, size: str, repeat: int) -> tuple[float, float]:
    """Median seconds an image, and peak memory in GB."""
    deblurrer = Deblurrer(device="cpu", precision="bf16" if "bf16" in runtime else "f32")
    if not runtime.startswith("OpenVINO"):
        swap = {"ONNX Runtime": run_onnxruntime, "PyTorch f32": run_torch}[runtime]
        replace_engine(deblurrer.engine, swap())
    height, width = SIZES[size]
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    times = []
    for _ in range(repeat + 1):
        began = time.perf_counter()
        deblurrer(image)
        times.append(time.perf_counter() - began)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return statistics.median(times[1:]), peak


def replace_engine(engine: Engine, run: Any) -> None:
    engine._run = run


def run_onnxruntime() -> Any:
    import onnxruntime

    session = onnxruntime.InferenceSession(
        find_model("default"), providers=["CPUExecutionProvider"]
    )
    return lambda batch: session.run(None, {"image": batch})[0]


def run_torch() -> Any:
    """The bundled weights in the network of the package."""
    import torch

    from unblur.checkpoint import load_generator

    net, _, _ = load_generator(find_model("default"))
    net.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]

    def run(batch: np.ndarray) -> np.ndarray:
        image = torch.from_numpy(batch).to(memory_format=torch.channels_last)
        with torch.inference_mode():
            return net(image).numpy()

    return run


def has_bf16() -> bool:
    import openvino

    return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


if __name__ == "__main__":
    main()
