"""The files beside an ONNX file in which it keeps weights (its "external data").

They are read from the file itself, which is a Protocol Buffers message, as the package onnx is
only in extras. Numbers of fields: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

_MESSAGES: dict[str, dict[int, str]] = {
    "model": {7: "graph", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "external"},
}
"""Fields of each message, by number, that are messages in which weights may be."""
_GRAPH = 7
_DEEPEST = 100
"""Messages in each other; a loop in a loop takes three."""


def locations(path: Path) -> set[str]:
    """Paths of the files with weights, as the ONNX file names them, relative to its folder.

    Raises:
        ValueError: if it is no ONNX file or not all of one, or one of the paths leaves the folder.
    """
    with path.open("rb") as file:
        data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    if not any(number == _GRAPH for number, _ in _fields(data)):
        raise ValueError("it has no graph")
    found = set(_locations(data, "model"))
    for place in found:
        pure = PurePosixPath(place)
        if pure.is_absolute() or ".." in pure.parts or "\\" in place or ":" in place or not place:
            raise ValueError(f"it keeps weights in {place!r}, which is not in its folder")
    return found


def _locations(data: memoryview, message: str, depth: int = 0) -> Iterator[str]:
    if depth > _DEEPEST:
        raise ValueError("it is nested too deeply")
    if message == "external":
        entry = {number: bytes(value).decode() for number, value in _fields(data)}
        if entry.get(1) == "location":
            yield entry.get(2, "")
        return
    inner = _MESSAGES[message]
    for number, value in _fields(data):
        if number in inner:
            yield from _locations(value, inner[number], depth + 1)


def _fields(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Numbers and contents of a message's fields; contents of numbers are left out."""
    at, end = 0, len(data)
    while at < end:
        key, at = _number(data, at)
        kind, size = key & 7, 0
        if kind == 0:
            _, at = _number(data, at)
        elif kind == 2:
            size, at = _number(data, at)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise ValueError("another kind of file")
        if at + size > end or key < 8:
            raise ValueError("it is cut off" if key >= 8 else "another kind of file")
        yield key >> 3, data[at : at + size]
        at += size


def _number(data: memoryview, at: int) -> tuple[int, int]:
    """A number of variable length, and where it ends."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise ValueError("it is cut off")
        byte = data[at]
        value, at = value | (byte & 127) << shift, at + 1
        if byte < 128:
            return value, at
    raise ValueError("another kind of file")
