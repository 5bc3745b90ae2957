"""What a file is by its content, whatever its name says, without loading it."""

from __future__ import annotations

import pickletools
from pathlib import Path
from urllib.parse import unquote, urlsplit

from unblur.errors import ModelError
from unblur.inference import onnx_data
from unblur.inference.models import untrusted
from unblur.inference.suffixes import CHECKPOINT, ONNX, PICKLES, SUFFIXES

HEAD = 4096
"""Bytes from a file's beginning that tell what it is."""
PICKLE_NAMES = (*PICKLES, ".pkl", ".pickle", ".bin")
"""Suffixes that are used for pickles."""
_ZIP = b"PK\x03\x04"
_HEADER_LIMIT = 100_000_000
"""Longest header of a .safetensors file, by its specification."""


def refuse_by_name(place: str, trust: bool) -> None:
    """Raises ModelError if the name of a file or a URL is that of a pickle that is not trusted."""
    if suffix_of(place) in PICKLE_NAMES and not trust:
        raise untrusted()


def suffix_of(place: str) -> str:
    """The suffix of a file's path or of the path in a URL, in lower case."""
    path = unquote(urlsplit(place).path) if "://" in place else place
    return Path(path).suffix.lower()


def refuse_by_head(head: bytes, trust: bool) -> None:
    """Refuses what cannot be a network by its first `HEAD` bytes.

    Raises:
        ModelError: if it is a pickle that is not trusted, a web page, or a pointer to a file.
    """
    start = head.lstrip()[:200].lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        raise ModelError("a web page, not a file: give the address of the file itself")
    if start.startswith(b"version https://git-lfs"):
        raise ModelError("a pointer of Git LFS, not the file that it stands for")
    if is_pickle(head) and not trust:
        raise untrusted()


def kind_of(path: Path, name: str) -> str:
    """The suffix to keep a network's file with: what its content is, not what it is called.

    Args:
        name: what the file was called.

    Raises:
        ModelError: if it is no network, or not whole.
    """
    with path.open("rb") as file:
        head = file.read(HEAD)
    suffix = suffix_of(name)
    if not head:
        raise ModelError("an empty file; a network was expected")
    if is_pickle(head):
        return suffix if suffix in PICKLES else PICKLES[0]
    if _is_safetensors(head):
        return CHECKPOINT
    if suffix in (CHECKPOINT, *PICKLE_NAMES):
        raise ModelError(f"not what a {suffix} file holds; it may be damaged")
    try:
        onnx_data.locations(path)
    except ValueError as error:
        what = f"not an ONNX network, or not all of it ({error})"
        if suffix != ONNX:
            what = f"neither an ONNX network nor a checkpoint ({', '.join(SUFFIXES)})"
        raise ModelError(what) from None
    return ONNX


def is_pickle(head: bytes) -> bool:
    """Whether a file begins as Python's pickles do, or as the zip archives that PyTorch writes."""
    if _is_safetensors(head):
        return False
    if head.startswith(_ZIP) or (head[:1] == b"\x80" and head[1:2] <= b"\x05"):
        return True
    # The oldest pickles are text without a mark: their operations are read, and not run.
    count = 0
    try:
        for operation, _, _ in pickletools.genops(head):
            count += 1
            if operation.name == "STOP":
                return True
    except (ValueError, IndexError, UnicodeError):
        pass
    return count >= 8


def _is_safetensors(head: bytes) -> bool:
    length = int.from_bytes(head[:8], "little")
    return head[8:9] == b"{" and length <= _HEADER_LIMIT
