"""Photoshop's image resources, as a JPEG holds them in APP13 and a TIFF in tag 34377.

Adobe Photoshop File Formats Specification, section "Image Resource Blocks".
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterator, Mapping

HEAD = b"Photoshop 3.0\0"
"""How the content of an APP13 segment of resources begins."""
IPTC = 1028
"""The resource of IPTC records."""
EXIF, XMP = 1058, 1060
"""The resources of an EXIF block and of a packet of XMP."""

_THUMBNAILS = {1033, 1036}
# The working path, guides, slices, and paths: positions in the picture.
_PLACES = {1025, 1032, 1050, *range(2000, 2998)}
_RESOLUTION, _DIGEST, _ASPECT = 1005, 1061, 1064
_MOST = 2**14


def without_thumbnails(resources: bytes) -> bytes:
    """The resources without the embedded thumbnails, which show the old picture.

    Args:
        resources: one block after another, without `HEAD`. What follows the last block that is
            intact is kept as it is.
    """
    return _without(resources, _THUMBNAILS)


def turned(resources: bytes) -> bytes:
    """The resources for a picture whose width and height have been exchanged.

    Resolutions across and down change places; paths, guides and slices are taken out.
    """

    def exchanged(info: bytes) -> bytes:
        # Across and its units, then down and its units (ResolutionInfo).
        return info[8:] + info[:8] if len(info) == 16 else info

    def inverted(aspect: bytes) -> bytes:
        version, shape = struct.unpack(">Id", aspect) if len(aspect) == 12 else (0, 0)
        return struct.pack(">Id", version, 1 / shape) if 1e-9 < shape < 1e9 else aspect

    changes = {_RESOLUTION: exchanged, _ASPECT: inverted}
    return changed(_without(resources, _PLACES), changes)


def changed(resources: bytes, changes: Mapping[int, Callable[[bytes], bytes]]) -> bytes:
    """The resources with new contents of some kinds; without those whose content becomes empty."""
    out: list[bytes] = []
    for kind, block in _blocks(resources):
        if kind not in changes:
            out.append(block)
            continue
        before = _content(block)
        after = changes[kind](before)
        if after:
            out.append(block if after == before else resource(kind, after))
    return b"".join(out)


def without_places(resources: bytes) -> bytes:
    """The resources without paths, guides and slices, which lie elsewhere in a mirrored picture."""
    return _without(resources, _PLACES)


def has_places(resources: bytes) -> bool:
    """Whether they hold paths, guides or slices."""
    return any(kind in _PLACES for kind, _ in _blocks(resources))


def has_more(resources: bytes) -> bool:
    """Whether they hold more than IPTC records and a resolution, which other places hold too."""
    return any(kind not in (IPTC, _DIGEST, _RESOLUTION) for kind, _ in _blocks(resources))


def records(resources: bytes) -> bytes:
    """The IPTC records among the resources; empty if there are none."""
    return next((_content(block) for kind, block in _blocks(resources) if kind == IPTC), b"")


def with_records(resources: bytes, new: bytes) -> bytes:
    """The resources with these IPTC records in place of their own, as a TIFF holds them apart.

    The digest, by which programs see whether others changed the records, is of the new ones then.
    """
    # A TIFF pads them to whole words.
    if records(resources).rstrip(b"\0") == new.rstrip(b"\0"):
        return resources
    digest = any(kind == _DIGEST for kind, _ in _blocks(resources))
    added = resource(IPTC, new)
    if digest:
        added += resource(_DIGEST, hashlib.md5(new, usedforsecurity=False).digest())
    return added + _without(resources, {IPTC, _DIGEST})


def resource(kind: int, content: bytes) -> bytes:
    """One block, without a name."""
    padding = b"\0" * (len(content) % 2)
    return b"8BIM" + struct.pack(">HHI", kind, 0, len(content)) + content + padding


def _without(resources: bytes, kinds: set[int]) -> bytes:
    return b"".join(block for kind, block in _blocks(resources) if kind not in kinds)


def _content(block: bytes) -> bytes:
    start, length = _extent(block, 0) or (0, 0)
    return block[start : start + length]


def _blocks(resources: bytes) -> Iterator[tuple[int, bytes]]:
    """Kind and bytes of each block; of what follows the last intact one the kind is -1."""
    at = 0
    for _ in range(_MOST):
        extent = _extent(resources, at)
        if extent is None:
            break
        start, length = extent
        end = start + length + length % 2
        yield struct.unpack_from(">H", resources, at + 4)[0], resources[at:end]
        at = end
    if at < len(resources):
        yield -1, resources[at:]


def _extent(resources: bytes, at: int) -> tuple[int, int] | None:
    """Start and length of the content of the block at `at`; None if it is not intact.

    A signature (8BIM, or one of other programs), the kind, a name behind its length, padded to an
    even size, the content behind its length, padded likewise.
    """
    if at + 12 > len(resources) or not resources[at : at + 4].isalnum():
        return None
    name = 1 + resources[at + 6]
    start = at + 6 + name + name % 2 + 4
    length = int.from_bytes(resources[start - 4 : start], "big")
    return (start, length) if start + length <= len(resources) else None
