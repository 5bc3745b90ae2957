"""Python, the system, the processor and the memory."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

from unblur import __version__
from unblur.doctor.finding import Finding, State, guarded

_INSTRUCTIONS = {
    "avx2": "AVX2",
    "avx512f": "AVX-512",
    "avx_vnni": "AVX-VNNI",
    "avx512_vnni": "AVX-512 VNNI",
    "avx512_bf16": "AVX-512 bf16",
    "amx_int8": "AMX int8",
    "amx_bf16": "AMX bf16",
    "asimd": "NEON",
    "asimddp": "dot product",
    "i8mm": "int8 matrices",
    "bf16": "bf16",
}
"""Words for the flags of /proc/cpuinfo that tell how fast networks are."""


def findings() -> list[Finding]:
    looks = {"unblur": _unblur, "python": _python, "system": _system, "processor": _processor}
    looks["memory"] = _memory
    return [guarded(name, look) for name, look in looks.items()]


def _unblur() -> Finding:
    folder = str(Path(__file__).parents[1])
    facts = {"version": __version__, "folder": folder}
    return Finding("unblur", State.OK, f"{__version__} in {folder}", facts=facts)


def _python() -> Finding:
    name, version = platform.python_implementation(), platform.python_version()
    facts = {"version": version, "implementation": name, "executable": sys.executable}
    return Finding("python", State.OK, f"{name} {version}, {sys.executable}", facts=facts)


def _system() -> Finding:
    facts = {"system": platform.system(), "release": platform.release()}
    text = f"{platform.platform()}; no other program is needed (no ffmpeg, no exiftool)"
    return Finding("system", State.OK, text, facts=facts)


def _processor() -> Finding:
    usable = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    flags = _instructions()
    facts = {"architecture": platform.machine(), "cores": usable, "instructions": flags}
    text = f"{platform.machine()}, {usable} core{'s' * (usable != 1)}"
    return Finding("processor", State.OK, ", ".join([text, *flags]), facts=facts)


def _memory() -> Finding:
    import psutil

    from unblur.inference.memory import available

    free, total = available(), psutil.virtual_memory().total
    facts = {"free_bytes": free, "total_bytes": total}
    text = f"{free / 2**30:.1f} GiB free of {total / 2**30:.1f}"
    return Finding("memory", State.OK, text, facts=facts)


def _instructions(cpuinfo: Path = Path("/proc/cpuinfo")) -> list[str]:
    """What the processor has for networks, where the system tells (Linux)."""
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    flags = next((line for line in lines if line.lower().startswith(("flags", "features"))), "")
    has = set(flags.partition(":")[2].split())
    return [words for flag, words in _INSTRUCTIONS.items() if flag in has]
