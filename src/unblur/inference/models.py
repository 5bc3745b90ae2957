"""Finds model files: the bundled ones by name, checked against their published checksums."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from unblur.errors import ModelError
from unblur.inference import openvino_cpu
from unblur.inference.contract import digest_of
from unblur.inference.options import Precision

CHECKPOINT = ".safetensors"
"""Suffix of a checkpoint, which PyTorch runs (see `engine.open_network`)."""
PICKLES = (".pth", ".pt", ".ckpt")
"""Suffixes of checkpoints that are read only if they are trusted: Python's pickles."""
SUFFIXES = (".onnx", CHECKPOINT, *PICKLES)
"""Of all files that are opened as networks."""
INT8 = "-int8"
"""Suffix of the name of a model that is another one quantised to 8 bits."""


def find_model(model: str | Path) -> Path:
    """The file of a bundled model's name or of a file's path; ModelError if there is none."""
    bundled = _bundled()
    named = bundled / f"{model}.onnx"
    if named.is_file() and named.parent == bundled:
        return named
    path = Path(model)
    if path.suffix.lower() in SUFFIXES:
        if not path.is_file():
            raise ModelError("no such file; a network was expected", file=path)
        return path
    names = ", ".join(sorted(p.stem for p in bundled.glob("*.onnx")))
    known = f"a bundled one ({names}), an ONNX file or a checkpoint ({CHECKPOINT})"
    raise ModelError(f"no model {str(model)!r}: name {known}")


def in_precision(path: Path, precision: Precision) -> Path:
    """The file to load for a precision on the CPU: the model's own or its 8-bit version.

    Raises:
        ModelError: if 8 bits are asked for and there is no such file beside the model.
    """
    small = path.with_name(f"{path.stem}{INT8}{path.suffix}")
    if precision == "int8" and not path.stem.endswith(INT8):
        if not small.is_file():
            ways = "unblur export writes one, or choose another precision"
            raise ModelError(f"no {small.name} beside it; {ways}", file=path)
        return small
    bundled = is_bundled(path) and small.is_file()
    return small if precision == "auto" and bundled and openvino_cpu.gains_by_int8() else path


def checked_digest(path: Path) -> str:
    """SHA-256 of a model file; raises ModelError if a bundled one is not as published."""
    digest = digest_of(path)
    if is_bundled(path):
        sums = (path.parent / "SHA256SUMS").read_text(encoding="utf-8").split()
        if digest != dict(zip(sums[1::2], sums[::2], strict=True)).get(path.name):
            raise ModelError("damaged, its checksum is wrong; install unblur again", file=path)
    return digest


def is_bundled(path: Path) -> bool:
    """Whether it is a model of the package."""
    return path.parent == _bundled()


def _bundled() -> Path:
    return Path(str(resources.files("unblur"))) / "weights"
