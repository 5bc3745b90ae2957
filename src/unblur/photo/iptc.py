"""IPTC records: bare in a TIFF, inside Photoshop's resources in a JPEG."""

from __future__ import annotations

_PHOTOSHOP = b"Photoshop 3.0\0"
_RESOURCE = b"8BIM\x04\x04\0\0"


def bare(data: bytes) -> bytes:
    """The records alone; empty if there are none."""
    if not data.startswith(_PHOTOSHOP):
        return data
    at = data.find(_RESOURCE)
    if at < 0:
        return b""
    start = at + len(_RESOURCE) + 4
    return data[start : start + int.from_bytes(data[start - 4 : start], "big")]


def wrapped(data: bytes) -> bytes:
    """The records as Photoshop's resource, as in a segment of a JPEG."""
    if data.startswith(_PHOTOSHOP):
        return data
    return _PHOTOSHOP + _RESOURCE + len(data).to_bytes(4, "big") + data + b"\0" * (len(data) % 2)
