"""What a release's files hold: all that is needed, and nothing that is not."""

from __future__ import annotations

import hashlib
import re
import tarfile
import zipfile
from pathlib import Path, PurePosixPath

NEEDED = (
    "unblur/py.typed",
    "unblur/weights/SHA256SUMS",
    "unblur/weights/default.onnx",
    "unblur/weights/default-int8.onnx",
    "unblur/metrics/niqe_pristine.npz",
    "unblur/metrics/niqe_pristine.LICENSE.txt",
    "unblur/serve/page/page.html",
    "unblur/evaluate/page/page.html",
    "licenses/LICENSE",
    "licenses/THIRD-PARTY-NOTICES.txt",
)
"""The ends of names that a wheel must hold beside the modules."""
SOURCE = {"CHANGELOG.md", "CITATION.cff", "LICENSE", "PKG-INFO", "README.md",
          "THIRD-PARTY-NOTICES.txt", "configs", "pyproject.toml", "src", ".gitignore"}  # fmt: skip
"""What a source distribution may hold on its first floor: what the wheel is built from."""
MEGABYTES = 20.0
"""The most that either file may take: the weights are 16 MB."""
_STRAY = re.compile(r"(^|/)(tests|__pycache__|\.git|\.DS_Store)(/|$)|\.pyc$|~$")


def faults_of_wheel(wheel: Path, package: Path) -> list[str]:
    """What is wrong with a wheel, each as a line.

    Args:
        package: the folder of the package's sources, all of whose files a wheel holds.
    """
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    faults = [f"{end} is missing" for end in NEEDED if not any(n.endswith(end) for n in names)]
    faults += [f"{name} does not belong there" for name in names if _STRAY.search(name)]
    sources = {
        path.relative_to(package.parent).as_posix()
        for path in package.rglob("*")
        if path.is_file() and not _STRAY.search(path.as_posix())
    }
    faults += [f"{name} is missing" for name in sorted(sources - set(names))]
    return _named(wheel, faults)


def faults_of_sdist(sdist: Path) -> list[str]:
    """What is wrong with a source distribution, each as a line."""
    with tarfile.open(sdist) as archive:
        names = [PurePosixPath(name).parts[1:] for name in archive.getnames()]
    first = {parts[0] for parts in names if parts}
    needed = SOURCE - {".gitignore"}
    faults = [f"{name} is missing" for name in sorted(needed - first)]
    faults += [f"{name} does not belong there" for name in sorted(first - SOURCE)]
    return _named(sdist, faults)


def digests(wheel: Path) -> dict[str, str]:
    """SHA-256 of each file of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return {n: hashlib.sha256(archive.read(n)).hexdigest() for n in archive.namelist()}


def _named(file: Path, faults: list[str]) -> list[str]:
    megabytes = file.stat().st_size / 1e6
    if megabytes > MEGABYTES:
        faults = [*faults, f"{megabytes:.1f} MB, more than {MEGABYTES:g}"]
    return [f"{file.name}: {fault}" for fault in faults]
