"""IPTC records: bare in a TIFF, inside Photoshop's resources in a JPEG."""

from __future__ import annotations

from collections.abc import Iterator

from unblur.photo import photoshop

# IPTC-NAA Information Interchange Model 4.2, 2:131 and 2:200 to 2:202.
_ORIENTATION, _PREVIEW = (2, 131), {(2, 200), (2, 201), (2, 202)}
_TURNED = {b"L": b"P", b"P": b"L"}


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


def upright(data: bytes, turned: bool) -> bytes:
    """The records, or the resource of them, without the preview, which shows the old picture.

    Args:
        turned: whether width and height have been exchanged: landscape becomes portrait.
    """
    records = bare(data)
    new = b"".join(
        content if kind != _ORIENTATION or not turned else _exchanged(content)
        for kind, content in _records(records)
        if kind not in _PREVIEW
    )
    if new == records:
        return data
    if not data.startswith(photoshop.HEAD):
        return new
    return photoshop.HEAD + photoshop.with_records(data[len(photoshop.HEAD) :], new)


def _exchanged(record: bytes) -> bytes:
    return record[:-1] + _TURNED.get(record[-1:], record[-1:])


def _records(data: bytes) -> Iterator[tuple[tuple[int, int], bytes]]:
    """Kind and bytes of each record; of what follows the last intact one the kind is (0, 0)."""
    at = 0
    while at + 5 <= len(data) and data[at] == 0x1C:
        end = at + 5 + int.from_bytes(data[at + 3 : at + 5], "big")
        if data[at + 3] & 128 or end > len(data):  # of an extended length
            break
        yield (data[at + 1], data[at + 2]), data[at:end]
        at = end
    if at < len(data):
        yield (0, 0), data[at:]
