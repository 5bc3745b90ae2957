"""Changes in an AVIF that libheif has written: other contents of items, more properties."""

from __future__ import annotations

import io
import struct

from unblur.photo.bmff import box, boxes, contents


def rebuilt(avif: bytes, data: dict[int, bytes], properties: list[bytes]) -> bytes:
    """The file with other contents of its items, and properties of its photo.

    Args:
        data: the new contents of items, by their numbers; others stay as they are.
        properties: whole boxes; a `colr` of code points replaces the file's own.

    Raises:
        ValueError: if the file is not laid out as libheif does.
    """
    found = contents(io.BytesIO(avif))
    payloads = {
        number: b"".join(avif[at : at + length] for at, length in extents)
        for number, extents in found.locations.items()
    } | data
    top = {kind: (start, end) for kind, start, _, end in boxes(avif)}
    if list(top) != [b"ftyp", b"meta", b"mdat"] or payloads.keys() != found.items.keys():
        raise ValueError("boxes of another layout")
    start, end = top[b"meta"]
    meta = avif[start + 8 : end]
    parts = {kind: meta[a:b] for kind, a, _, b in boxes(meta, 4)}
    parts[b"iprp"] = _with_properties(parts[b"iprp"][8:], found.primary, properties)
    parts[b"iloc"] = _locations(payloads, 0)
    head = avif[slice(*top[b"ftyp"])]
    length = len(head) + 12 + sum(map(len, parts.values())) + 8
    parts[b"iloc"] = _locations(payloads, length)
    content = b"".join(payloads[number] for number in sorted(payloads))
    return head + box(b"meta", meta[:4] + b"".join(parts.values())) + box(b"mdat", content)


def _locations(payloads: dict[int, bytes], at: int) -> bytes:
    """The box that says where the contents lie, one behind the other from `at`."""
    rows = []
    for number in sorted(payloads):
        rows.append(struct.pack(">HHHII", number, 0, 1, at, len(payloads[number])))
        at += len(payloads[number])
    if at >= 2**32:
        raise ValueError("over 4 GB")
    return box(b"iloc", struct.pack(">IHH", 0, 0x4400, len(rows)) + b"".join(rows))


def _with_properties(iprp: bytes, primary: int, properties: list[bytes]) -> bytes:
    inside = {kind: iprp[start:end] for kind, _, start, end in boxes(iprp)}
    own, association = inside[b"ipco"], inside[b"ipma"]
    version_and_flags, count = struct.unpack_from(">II", association)
    if version_and_flags:
        raise ValueError("associations of another layout")
    listed = [own[start:end] for _, start, _, end in boxes(own)]
    indices: list[int] = []
    for new in properties:
        old = next((i for i, b in enumerate(listed) if _is_nclx(b) and _is_nclx(new)), None)
        if old is not None:
            listed[old] = new
        else:
            listed.append(new)
            indices.append(len(listed))
    if len(listed) > 127:
        raise ValueError("too many properties")
    rows, at = b"", 8
    for _ in range(count):
        number, several = struct.unpack_from(">HB", association, at)
        used = association[at + 3 : at + 3 + several]
        at += 3 + several
        used += bytes(indices) if number == primary else b""
        rows += struct.pack(">HB", number, len(used)) + used
    ipma = box(b"ipma", association[:8] + rows)
    return box(b"iprp", box(b"ipco", b"".join(listed)) + ipma)


def _is_nclx(data: bytes) -> bool:
    return data[4:12] == b"colrnclx"
