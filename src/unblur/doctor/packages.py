"""The packages that unblur needs, whatever it is used for."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import metadata
from typing import TYPE_CHECKING

from unblur.doctor.finding import Finding, State, guarded
from unblur.doctor.imports import Import, try_imports

if TYPE_CHECKING:
    from packaging.requirements import Requirement

_MODULES = {
    "markdown-it-py": "markdown_it",
    "onnxruntime-gpu": "onnxruntime",
    "opencv-python-headless": "cv2",
    "python-multipart": "python_multipart",
    "scikit-image": "skimage",
    "torchvision": "unblur.torchvision_compat:import_torchvision",
}
"""What imports packages that are not called as their modules are."""
_SECONDS = 4.0
"""Longest that the imports are waited for; they take half a second."""


def findings() -> list[Finding]:
    """The requirements of the package without extras: their versions, and whether they import."""
    try:
        needed = requirements()
    except metadata.PackageNotFoundError:
        text = "unblur is not installed, it runs from its folder: what it needs cannot be told"
        return [Finding("unblur", State.UNKNOWN, text)]
    except Exception as error:  # noqa: BLE001 - `packaging` itself may be broken
        return [Finding("packaging", State.BROKEN, f"{error}; install unblur again", needed=True)]
    there = [r.name for r in needed if version(r.name) is not None]
    tried = try_imports([[module(name) for name in there]], _SECONDS)
    return [
        guarded(r.name, lambda r=r: finding(r, tried.get(module(r.name))), needed=True)
        for r in needed
    ]


def finding(requirement: Requirement, tried: Import | None) -> Finding:
    """How a required package is, from its version and how its import went."""
    name, found = requirement.name, version(requirement.name)
    facts = {"version": found, "requires": str(requirement.specifier)}
    if found is None:
        return Finding(name, State.MISSING, f"missing: pip install {name}", True, facts)
    if not requirement.specifier.contains(found, prereleases=True):
        text = f"{found}, but {requirement.specifier} is needed: pip install --upgrade {name}"
        return Finding(name, State.BROKEN, text, True, facts)
    if tried is not None and tried.fault:
        text = f"{found}, cannot be imported ({tried.fault}): pip install --force-reinstall {name}"
        return Finding(name, State.BROKEN, text, True, facts)
    note = "" if tried is None or tried.ended else " (installed; its import takes long)"
    return Finding(name, State.OK, f"{found}{note}", True, facts)


def requirements(extra: str = "") -> list[Requirement]:
    """What the package requires, or what an extra requires besides, on this machine."""
    from packaging.requirements import Requirement

    asked = [Requirement(line) for line in metadata.requires("unblur") or []]
    return [r for r in asked if _applies(r, extra) and not (extra and _applies(r, ""))]


def version(package: str) -> str | None:
    """The installed version of a package; None if it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def module(package: str) -> str:
    """The module that a package is imported by."""
    return _MODULES.get(package.lower(), package.lower().replace("-", "_"))


def modules(packages: Iterable[str]) -> list[str]:
    """The modules of those packages that are installed, each once."""
    return list(dict.fromkeys(module(name) for name in packages if version(name) is not None))


def _applies(requirement: Requirement, extra: str) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": extra})
