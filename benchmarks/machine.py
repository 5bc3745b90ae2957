"""Which machine and which versions figures come from."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from pathlib import Path
from typing import Any

TELLING = ("avx", "amx", "fma", "f16c", "asimd", "sve", "bf16", "i8mm")
"""Beginnings of the processor's flags that matrix products depend on."""
PACKAGES = ("numpy", "openvino", "onnxruntime", "pyvips", "torch")


def describe() -> dict[str, Any]:
    """What is compared: the processor's name, cores and flags, memory, threads, and versions."""
    return {
        "cpu": _cpu("model name") or platform.processor() or platform.machine(),
        "cores": _cores(),
        "flags": sorted(f for f in _flags() if f.startswith(TELLING)),
        "memory_gb": _memory(),
        "threads": os.environ.get("OMP_NUM_THREADS", "all"),
        "gpu": _gpu(),
        "system": f"{platform.system()} {platform.machine()}",
        "versions": {"python": platform.python_version()} | {p: _version(p) for p in PACKAGES},
    }


def differences(then: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What differs, a line each; none if figures of the two may be compared."""
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
    """One line: the processor, its cores, the GPU, and a limit of threads if there is one."""
    parts = [machine["cpu"], f"{machine['cores']} cores", machine["gpu"]]
    if machine["threads"] != "all":
        parts.append(f"OMP_NUM_THREADS={machine['threads']}")
    return ", ".join(part for part in parts if part)


def load() -> float | None:
    """Processes that want to run, averaged over a minute; None where the system does not say."""
    return round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None


def _cores() -> int:
    """Those that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _cpu(key: str) -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    found = (line.split(":", 1)[1].strip() for line in lines if line.split(":")[0].strip() == key)
    return next(found, "")


def _flags() -> list[str]:
    return (_cpu("flags") or _cpu("Features")).split()


def _memory() -> int | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9)
    except (AttributeError, ValueError, OSError):
        return None


def _gpu() -> str | None:
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else None


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
