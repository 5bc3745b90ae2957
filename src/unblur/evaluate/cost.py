"""What a model costs: time and memory by the megapixel, parameters, multiplications."""

from __future__ import annotations

import dataclasses
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from unblur.errors import CostError
from unblur.evaluate.models import Source, open_model

SIDE = 1024
"""Height and width of the image that is timed, in pixels."""
RUNS = 3
PATIENCE = 20.0
"""Seconds: an image that takes longer is timed once, not `RUNS` times."""


def of(source: Source, side: int = SIDE) -> dict[str, Any]:
    """Measures a model in a process of its own, so that others' memory is not counted.

    Returns:
        "seconds_per_megapixel": the median of three runs after a warm one (of one if it takes
        longer than `PATIENCE`); "peak_bytes_per_megapixel": what the process grew by over the
        loaded model while it ran, at most (null where the system does not say); "parameters";
        "gmacs": 1e9 multiplications and additions for 256 x 256 pixels (null if they cannot be
        counted); and what it was measured with: "megapixels", "runs",
        "threads" (that it may use: for PyTorch, OMP_NUM_THREADS has a say).

    Raises:
        CostError: if the process fails.
    """
    request = json.dumps({"source": dataclasses.asdict(source), "side": side})
    script = "from unblur.evaluate import cost; cost.child()"
    done = subprocess.run(
        [sys.executable, "-c", script, request], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or [f"ended with {done.returncode}"])[-1]
        raise CostError(f"{source.name}: its cost was not measured ({last})")
    return json.loads(done.stdout.strip().splitlines()[-1])


def child() -> None:
    """What the process does: reads a request from its first argument, prints the result."""
    request = json.loads(sys.argv[1])
    print(json.dumps(_measure(Source(**request["source"]), request["side"])))


def _measure(source: Source, side: int) -> dict[str, Any]:
    model = open_model(source)
    image = np.random.default_rng(0).integers(0, 256, (side // 8, side // 8, 3), np.uint8)
    image = np.ascontiguousarray(image.repeat(8, 0).repeat(8, 1))
    megapixels = image.shape[0] * image.shape[1] / 1e6
    before = memory("VmRSS")
    forget_peak()
    seconds = [_timed(model.restore, image)]
    runs = RUNS if seconds[0] < PATIENCE else 1
    seconds = [_timed(model.restore, image) for _ in range(runs)]
    peak = memory("VmHWM")
    grown = None if before is None or peak is None else max(0, peak - before) / megapixels
    # After the rest: counting runs the network once more.
    parameters, gmacs = model.count()
    return {
        "seconds_per_megapixel": statistics.median(seconds) / megapixels,
        "peak_bytes_per_megapixel": grown,
        "parameters": parameters,
        "gmacs": gmacs,
        "megapixels": megapixels,
        "runs": runs,
        "threads": _threads(source),
    }


def _threads(source: Source) -> int | None:
    if source.kind != "onnx":
        import torch

        return torch.get_num_threads()
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count()


def _timed(restore: Any, image: np.ndarray) -> float:
    start = time.perf_counter()
    restore(image)
    return time.perf_counter() - start


def memory(what: str) -> int | None:
    """Bytes of this process: VmRSS now, VmHWM at most; None where the system does not say."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    found = [int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{what}:")]
    return found[0] if found else None


def forget_peak() -> None:
    """Linux: the peak starts again at what is held now (proc(5), clear_refs)."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return
