"""IPTC records: bare in a TIFF, inside Photoshop's resources in a JPEG."""

from __future__ import annotations

from unblur.photo import photoshop


def bare(data: bytes) -> bytes:
    """The records alone; empty if there are none."""
    if not data.startswith(photoshop.HEAD):
        return data
    return photoshop.records(data[len(photoshop.HEAD) :])


def wrapped(data: bytes) -> bytes:
    """The records as Photoshop's resource, as in a segment of a JPEG."""
    if data.startswith(photoshop.HEAD):
        return data
    return photoshop.HEAD + photoshop.resource(photoshop.IPTC, data)
