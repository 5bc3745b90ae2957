"""Finds models by name, bundled, then added, or as files; and checks their checksums."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from unblur.errors import Hint, ModelError
from unblur.inference import added, catalogue, openvino_cpu
from unblur.inference.contract import digest_of
from unblur.inference.options import Precision
from unblur.inference.suffixes import SUFFIXES

INT8 = "-int8"
"""Suffix of the name of a model that is another one quantised to 8 bits."""


def find_model(model: str | Path) -> Path:
    """The file of a model's name, bundled or added, or of a file's path.

    Raises:
        ModelError: if there is none, or what was added is damaged.
    """
    name = str(model)
    if name in bundled_names():
        return _bundled() / f"{name}.onnx"
    if found := added.find(name):
        return found
    path = Path(model)
    if path.suffix.lower() not in SUFFIXES:
        raise _unknown(name)
    try:
        if path.is_file():
            return path
        what = "a folder" if path.is_dir() else "no such file"
    except OSError as error:
        what = f"cannot be read ({error.strerror})"
    raise ModelError(f"{what}; a network was expected", file=path)


def bundled_names() -> list[str]:
    """Names of the models of the package, sorted."""
    return sorted(path.stem for path in _bundled().glob("*.onnx"))


def bundled_sums() -> dict[str, str]:
    """SHA-256 of the files of the package's models, by their names, as published."""
    sums = (_bundled() / "SHA256SUMS").read_text(encoding="utf-8").split()
    return dict(zip(sums[1::2], sums[::2], strict=True))


def untrusted(path: Path | None = None) -> ModelError:
    """The refusal of a checkpoint that is a pickle."""
    reason = "a pickle, which can hold a program: it is opened only if you trust its author"
    return ModelError(reason, file=path, hint=Hint("trust"))


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
    """SHA-256 of a model file; ModelError if a bundled or an added one is not what it was."""
    digest = digest_of(path)
    if is_bundled(path):
        if digest != bundled_sums().get(path.name):
            raise ModelError("damaged, its checksum is wrong; install unblur again", file=path)
    elif owner := added.owner(path):
        owner.check(digest)
    return digest


def is_bundled(path: Path) -> bool:
    """Whether it is a model of the package."""
    return path.parent == _bundled()


def _bundled() -> Path:
    return Path(str(resources.files("unblur"))) / "weights"


def _unknown(name: str) -> ModelError:
    if name in catalogue.entries():
        return ModelError(f"the model {name} is not added", hint=Hint("add", (name,)))
    there = f"bundled: {', '.join(bundled_names())}"
    if names := added.names():
        there += f"; added: {', '.join(names)}"
    files = f"{', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}"
    return ModelError(f"no model {name!r}: name one ({there}) or a file ({files})")
