"""The machine and the versions that figures were measured with."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import sys
from pathlib import Path
from typing import Any

import psutil

TELLING = ("avx", "amx", "fma", "f16c", "asimd", "sve", "bf16", "i8mm")
"""Prefixes of the processor flags that matter to matrix products."""
LINUX = sys.platform == "linux"
PACKAGES = ("numpy", "openvino", "onnxruntime", "pyvips", "torch")


def describe() -> dict[str, Any]:
    """Processor, cores, flags, memory, threads, GPU, system and versions."""
    flags = _cpu("flags") or _cpu("Features")
    return {
        "cpu": _cpu("model name") or platform.processor() or platform.machine(),
        "cores": len(os.sched_getaffinity(0)) if LINUX else os.cpu_count() or 1,
        "flags": sorted(f for f in flags.split() if f.startswith(TELLING)),
        "memory_gb": round(psutil.virtual_memory().total / 1e9),
        "threads": os.environ.get("OMP_NUM_THREADS", "all"),
        "gpu": _gpu(),
        "system": f"{platform.system()} {platform.machine()}",
        "versions": {"python": platform.python_version()} | {p: _version(p) for p in PACKAGES},
    }


def differences(then: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """The differences of two descriptions, a line each."""
    lines = []
    for key in dict.fromkeys([*then, *now]):
        old, new = then.get(key), now.get(key)
        if old == new:
            continue
        if isinstance(old, dict) and isinstance(new, dict):
            lines += differences(old, new)
        elif isinstance(old, list) and isinstance(new, list):
            lost = " ".join(sorted(set(old) - set(new)))
            won = " ".join(sorted(set(new) - set(old)))
            lines.append(f"{key}: " + ", ".join(
                f"{word} {what}" for word, what in (("no more", lost), ("now", won)) if what
            ))  # fmt: skip
        else:
            lines.append(f"{key}: {old} then, {new} now")
    return lines


def name(machine: dict[str, Any]) -> str:
    """One line: the processor, its cores, the GPU, and the limit of threads if there is one."""
    parts = [machine["cpu"], f"{machine['cores']} cores", machine["gpu"]]
    if machine["threads"] != "all":
        parts.append(f"OMP_NUM_THREADS={machine['threads']}")
    return ", ".join(part for part in parts if part)


def load() -> float | None:
    """Load average over a minute; None where the system has none."""
    return round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None


def _cpu(key: str) -> str:
    """A value of /proc/cpuinfo, or ""."""
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8") if LINUX else ""
    found = re.search(rf"^{key}\s*:(.*)$", text, re.MULTILINE)
    return found[1].strip() if found else ""


def _gpu() -> str | None:
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else None


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
