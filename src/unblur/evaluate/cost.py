"""What a model costs: time and memory per megapixel, parameters, multiplications."""

from __future__ import annotations

import dataclasses
import json
import os
import statistics
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from unblur.errors import CostError
from unblur.evaluate.models import Spec, open_candidate

SIDE = 1024
"""Height and width of the image that is timed, in pixels."""
RUNS = 3
SLOW = 20.0
"""A run that takes more seconds than this is timed once, not `RUNS` times."""


def of(spec: Spec, side: int = SIDE) -> dict[str, Any]:
    """Measures a model in a process of its own, so that no other memory is counted.

    Returns:
        "seconds_per_megapixel": the median of `RUNS` runs after a first one (of one run if it
        is slow); "peak_bytes_per_megapixel": less the loaded model's (None where the system does
        not report it); "parameters" and "gmacs" as `Candidate.count`; and "megapixels", "runs",
        "threads" (of PyTorch, or the CPUs that may be used) of the measurement.

    Raises:
        CostError: if the process fails.
    """
    request = json.dumps({"spec": dataclasses.asdict(spec), "side": side})
    script = "from unblur.evaluate import cost; cost.child()"
    done = subprocess.run(
        [sys.executable, "-c", script, request], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or [f"ended with {done.returncode}"])[-1]
        raise CostError(f"{spec.name}: its cost was not measured ({last})")
    return json.loads(done.stdout.strip().splitlines()[-1])


def child() -> None:
    """What the process runs: reads a request from its first argument, prints the result."""
    request = json.loads(sys.argv[1])
    print(json.dumps(_measure(Spec(**request["spec"]), request["side"])))


def _measure(spec: Spec, side: int) -> dict[str, Any]:
    candidate = open_candidate(spec)
    image = np.random.default_rng(0).integers(0, 256, (side // 8, side // 8, 3), np.uint8)
    image = np.ascontiguousarray(image.repeat(8, 0).repeat(8, 1))
    megapixels = image.size / 3e6
    before = memory("VmRSS")
    reset_peak()
    runs = RUNS if _timed(candidate.restore, image) < SLOW else 1
    seconds = [_timed(candidate.restore, image) for _ in range(runs)]
    peak = memory("VmHWM")
    grown = None if before is None or peak is None else max(0, peak - before) / megapixels
    # Last, as counting runs the network.
    parameters, gmacs = candidate.count()
    return {
        "seconds_per_megapixel": statistics.median(seconds) / megapixels,
        "peak_bytes_per_megapixel": grown,
        "parameters": parameters,
        "gmacs": gmacs,
        "megapixels": megapixels,
        "runs": runs,
        "threads": _threads(spec),
    }


def _threads(spec: Spec) -> int | None:
    if spec.kind != "onnx":
        import torch

        return torch.get_num_threads()
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count()


def _timed(restore: Any, image: np.ndarray) -> float:
    start = time.perf_counter()
    restore(image)
    return time.perf_counter() - start


def memory(field: str) -> int | None:
    """Bytes of this process: VmRSS now, VmHWM the peak; None where there is no /proc.

    psutil has no peak that `reset_peak` resets.
    """
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next((int(x.split()[1]) * 1024 for x in lines if x.startswith(f"{field}:")), None)


def reset_peak() -> None:
    """Sets VmHWM to what is held now (proc(5), clear_refs); Linux only."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
