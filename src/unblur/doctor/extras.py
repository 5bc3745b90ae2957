"""The extras of the package: which are there, and what the others would bring."""

from __future__ import annotations

from unblur.doctor import packages
from unblur.doctor.finding import Finding, State, guarded
from unblur.doctor.imports import Import, try_imports

BRINGS = {
    "heic": "reading HEIC photos",
    "video": "videos",
    "serve": "the web page and the HTTP API: unblur serve",
    "cluster": "photos by the million, on many machines: unblur bulk",
    "gpu": "computing on GPUs, by ONNX Runtime",
    "train": "unblur synth, train, evaluate, robustness and export; checkpoints as models",
    "metrics": "LPIPS, DISTS and NIQE for unblur evaluate",
    "compare": "checkpoints of other people's networks",
    "quantise": "unblur export --int8",
}
"""What each extra is for."""
_SLOW = ("torch", "torchvision", "torchmetrics", "lightning", "spandrel", "spandrel-extra-arches")
"""Packages that take more than a second to import, and that import each other, in this order."""
_SECONDS = 2.0
"""Longest that imports are waited for."""


def findings() -> list[Finding]:
    """Each extra: whether its packages are installed, new enough, and can be imported."""
    try:
        asked = {extra: packages.requirements(extra) for extra in BRINGS}
    except Exception as error:  # noqa: BLE001 - no metadata, or `packaging` is broken
        return [Finding("extras", State.UNKNOWN, f"cannot be told ({error})")]
    names = [r.name for needed in asked.values() for r in needed]
    slow, ray = packages.modules(n for n in _SLOW if n in names), packages.modules(["ray"])
    others = [m for m in packages.modules(names) if m not in (*slow, *ray)]
    tried = try_imports([others, slow, ray], _SECONDS)
    return [guarded(extra, lambda e=extra: _finding(e, asked[e], tried)) for extra in BRINGS]


def _finding(extra: str, needed: list, tried: dict[str, Import]) -> Finding:
    install = f"pip install 'unblur[{extra}]'"
    each = [packages.finding(r, tried.get(packages.module(r.name))) for r in needed]
    facts = {
        "brings": BRINGS[extra],
        "install": install,
        "packages": {found.name: found.facts["version"] for found in each},
    }
    missing = [found.name for found in each if found.state is State.MISSING]
    broken = [f"{found.name} {found.text}" for found in each if found.state is State.BROKEN]
    if broken:
        return Finding(extra, State.BROKEN, "; ".join(broken), facts=facts)
    if missing:
        some = "" if len(missing) == len(each) else f" ({', '.join(missing)} missing)"
        text = f"would bring {BRINGS[extra]}{some}: {install}"
        return Finding(extra, State.MISSING, text, facts=facts)
    return Finding(extra, State.OK, BRINGS[extra], facts=facts)
