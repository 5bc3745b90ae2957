"""`make lowest`: installs the oldest releases that pyproject.toml admits, and uses the package.

Direct dependencies are at their lower bounds, and theirs at what pip would choose. PyTorch is held
at one release, whose wheel for a CPU may be at hand.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

from deploy import interpreters, smoke
from deploy.dist import PHOTO, ROOT, build
from deploy.environments import Environment, TrialError, create, run

BASE = "base"
_CUDA = re.compile(r"(nvidia-|cuda-|triton\b)")


def main() -> int:
    names = (BASE, *smoke.EXTRAS)
    parser = argparse.ArgumentParser(prog="python -m deploy.lowest", description=__doc__)
    parser.add_argument("what", nargs="*", metavar="EXTRA", help=f"of {', '.join(names)}")
    parser.add_argument("--torch", default="2.13.0", help="the release of PyTorch")
    given = parser.parse_args()
    unknown = set(given.what) - set(names)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    oldest = interpreters.supported(ROOT / "pyproject.toml")[0]
    python = interpreters.find(oldest)
    if python is None:
        print(f"lowest: needs Python {oldest}, which this machine does not have", file=sys.stderr)
        return 1
    faults = 0
    with tempfile.TemporaryDirectory() as folder:
        wheel, _ = build(Path(folder))
        for name in given.what or (BASE, *smoke.QUICK):
            try:
                print(f"{name}: {', '.join(trial(python, oldest, name, wheel, given.torch))}: ok")
            except TrialError as error:
                faults += 1
                print(f"lowest: {name}: {error}", file=sys.stderr)
    return 1 if faults else 0


def trial(python: Path, version: str, name: str, wheel: Path, torch: str) -> list[str]:
    """Installs and tries the base package or an extra; returns the direct requirements taken."""
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home)
        pinned = resolve(folder, version, name, torch)
        env = create(python, folder / "env")
        install(env, folder, pinned, wheel)
        work = folder / "work"
        work.mkdir()
        shutil.copy(PHOTO, work / "photo.jpg")
        (smoke.base if name == BASE else smoke.EXTRAS[name])(env, work)
        return direct(pinned)


def resolve(folder: Path, version: str, name: str, torch: str) -> str:
    """The pinned requirements, as `uv pip compile` writes them."""
    override, out = folder / "override.txt", folder / "lowest.txt"
    override.write_text(f"torch=={torch}\n")
    command = [sys.executable, "-m", "uv", "pip", "compile", "--quiet"]
    command += ["--resolution", "lowest-direct", "--annotation-style", "line"]
    command += ["--python-version", version, "--override", str(override), "--output-file", str(out)]
    command += [] if name == BASE else ["--extra", name]
    run([*command, *_wheels("--find-links"), str(ROOT / "pyproject.toml")])
    return out.read_text()


def install(env: Environment, folder: Path, pinned: str, wheel: Path) -> None:
    """Installs the pinned requirements, without CUDA's where PyTorch's wheel is for a CPU."""
    names = [line for line in pinned.splitlines() if not line.lstrip().startswith("#")]
    if _wheels():
        names = [line for line in names if not _CUDA.match(line)]
    requirements = folder / "requirements.txt"
    requirements.write_text("\n".join(names))
    into = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-deps"]
    into += ["--python", str(env.python)]
    run([*into, *_wheels("--find-links"), "--requirements", str(requirements)])
    run([*into, str(wheel)])


def direct(pinned: str) -> list[str]:
    """The requirements of pyproject.toml itself among those that were pinned."""
    lines = (line.partition("# via") for line in pinned.splitlines())
    return [name.strip() for name, _, asked in lines if "pyproject.toml" in asked]


def _wheels(*before: str) -> list[str]:
    """Where pip is told to look for wheels besides, for uv, which does not read it."""
    return [w for link in os.environ.get("PIP_FIND_LINKS", "").split() for w in (*before, link)]


if __name__ == "__main__":
    sys.exit(main())
