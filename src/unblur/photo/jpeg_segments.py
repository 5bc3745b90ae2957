"""The segments of a JPEG file: found, sorted by what becomes of each, and written.

ITU-T T.81, Annex B (markers); JFIF 1.02; CIPA DC-007 (MPF).
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from unblur.errors import CannotHoldError, Hint, PhotoError
from unblur.photo import exif
from unblur.photo.tiff_tags import read_tags
from unblur.photo.xmp import BEHIND, CREDENTIALS, DEPTH, FILM, GAIN_MAP

PREVIEWS = "the previews of the old picture"

Segment = tuple[int, bytes]
"""The second byte of the marker, and the content."""

EXIF = exif.LEAD
APP0, APP1, APP13, APP14, COMMENT = 0xE0, 0xE1, 0xED, 0xEE, 0xFE
MPF = b"MPF\0"
_PROFILE = b"ICC_PROFILE\0"
LONGEST = 65533
"""Bytes of a segment's content."""

_START_OF_SCAN, _END_OF_IMAGE, _TABLES = 0xDA, 0xD9, 0xDB
_WITH_CONTENT = {_TABLES, COMMENT, *range(0xE0, 0xF0)}
# In a scan, a zero or the number of a restart follows a byte 255 that is no marker.
_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]")
_TOO_MUCH = 0
_MOST_BYTES, _MOST_SEGMENTS = 2**26, 2**16
_BLOCK = 2**20
# What the new file has of its own, or no longer has: the layout, EXIF and XMP, which are written
# apart, the profile, thumbnails, the index of pictures behind this one.
_WRITTEN = re.compile(
    rb"(?s)\xe0JF(?:IF|XX)\0|\xe1(?:Exif\0|http://ns\.adobe\.com/x(?:ap/1\.0/|mp/extension/)\0)"
    rb"|\xe2(?:ICC_PROFILE\0|MPF\0)|\xedPhotoshop 3\.0\0|\xeeAdobe"
)
# They belong to the old pixels, or say where these lie.
_STALE = (
    (re.compile(rb"(?s)\xe2urn:iso:std:iso:ts:21496:-1\0"), GAIN_MAP),
    (re.compile(rb"(?s)\xebHDR_RI"), "the high dynamic range of a JPEG-HDR"),
    (re.compile(rb"(?s)\xebJP.{6}.{4}jumb.*c2pa"), CREDENTIALS),
    (re.compile(rb"(?s)\xebJP.{6}.{4}(?!jumb)"), "the high dynamic range of a JPEG XT"),
    (re.compile(rb"(?s)\xe4SCALADO\0"), "the index of Scalado"),
    (re.compile(rb"(?s)\xe8SPIFF\0"), "the header of SPIFF"),
)
# By what stands in it, since no index need tell.
_BEHIND = (
    (GAIN_MAP, (b"ns.adobe.com/hdr-gain-map/", b"urn:iso:std:iso:ts:21496:-1", b"HDRGainMap")),
    (FILM, (b"ftypmp4", b"ftypiso", b"ftypqt  ", b"ftypavc", b"ftyp3gp", b"ftypM4V", b"ftyphvc",
            b"ftypMSNV", b"MotionPhoto_Data")),
    (DEPTH, (b"DepthMap", b"ns.google.com/photos/1.0/depthmap/")),
)  # fmt: skip
# CIPA DC-007, table 4: panorama, disparity (stereo), several angles; previews.
_SEVERAL = {0x020001, 0x020002, 0x020003}
_PREVIEWS = {0x010001, 0x010002}


def read_segments(file: BinaryIO) -> tuple[list[Segment], list[str]]:
    """The segments of a file from its start on, and what of it no result will have.

    Raises:
        PhotoError: if it is one of several pictures: stereo, a panorama, several angles.
    """
    file.seek(0)
    found = list(_walk(file))
    indexed = [kind for segment in found for kind in _indexed(segment)]
    if sum(kind in _SEVERAL for kind in indexed) > 1:
        raise PhotoError("has several pictures (MPO); a single picture was expected")
    dropped = list(_stale(found).values())
    dropped += ["its metadata beyond 64 MiB"] if (_TOO_MUCH, b"") in found else []
    dropped += ["an ICC profile of which parts are missing"] if has_broken_profile(found) else []
    if any(marker == _END_OF_IMAGE for marker, _ in found):
        behind = _behind(file)
        only_previews = behind == [BEHIND] and set(indexed[1:]) & _PREVIEWS == set(indexed[1:])
        dropped += [PREVIEWS] if only_previews and indexed[1:] else behind
    return found, list(dict.fromkeys(dropped))


def described(file: BinaryIO) -> list[Segment]:
    """The segments before the first scan of a file, from its start on."""
    file.seek(0)
    return list(_walk(file, scans=False))


def serialised(found: Iterable[Segment]) -> bytes:
    """Segments as bytes, as they follow each other in a file.

    Raises:
        CannotHoldError: if one is longer than a segment can be.
    """
    parts: list[bytes] = []
    for marker, body in found:
        if len(body) > LONGEST:
            what = "EXIF" if body.startswith(EXIF) else "metadata"
            hint = Hint("format", ("png", "tiff"))
            raise CannotHoldError(f"has more {what} than a JPEG can hold", hint=hint)
        parts += [bytes((255, marker)), (len(body) + 2).to_bytes(2, "big"), body]
    return b"".join(parts)


def segments(head: bytes) -> Iterator[Segment]:
    """The segments of the beginning of a file, up to its first scan."""
    return _walk(io.BytesIO(head), scans=False)


def has_broken_profile(found: list[Segment]) -> bool:
    """Whether parts of an ICC profile are missing; ICC.1:2010, section B.4."""
    parts = [body for marker, body in found if marker == 0xE2 and body.startswith(_PROFILE)]
    numbers = {tuple(body[len(_PROFILE) : len(_PROFILE) + 2]) for body in parts}
    return bool(parts) and numbers != {(n + 1, len(parts)) for n in range(len(parts))}


def profile_segments(profile: bytes) -> list[Segment]:
    """The segments of an ICC profile: ICC.1:2010, section B.4.

    Raises:
        CannotHoldError: if it is longer than 255 segments hold.
    """
    room = LONGEST - len(_PROFILE) - 2
    parts = [profile[at : at + room] for at in range(0, len(profile), room)]
    if len(parts) > 255:
        hint = Hint("format", ("png", "tiff"))
        raise CannotHoldError("has a longer ICC profile than a JPEG can hold", hint=hint)
    return [
        (0xE2, _PROFILE + bytes([n, len(parts)]) + part) for n, part in enumerate(parts, start=1)
    ]


def carried(found: list[Segment]) -> list[Segment]:
    """The comments and the segments of applications that hold for a new picture as they are."""
    stale = _stale(found)
    return [
        (marker, body)
        for at, (marker, body) in enumerate(found)
        if (marker == COMMENT or 0xE0 <= marker <= 0xEF)
        and at not in stale
        and not _WRITTEN.match(bytes((marker,)) + body)
    ]


def _walk(file: BinaryIO, scans: bool = True) -> Iterator[Segment]:
    """The segments of metadata and quantisation up to the end of the image, which is one as well.

    Ends with one of `_TOO_MUCH` where there is more of them than any photo has.
    """
    total = 0
    file.seek(2)
    for _ in range(_MOST_SEGMENTS):
        marker = _next_marker(file)
        if marker is None or (marker == _START_OF_SCAN and not scans):
            return
        if marker == _END_OF_IMAGE:
            yield marker, b""
            return
        length = int.from_bytes(file.read(2), "big") - 2
        if marker in _WITH_CONTENT:
            total += max(length, 0)
            if total > _MOST_BYTES:
                break
            yield marker, file.read(max(length, 0))
        else:
            file.seek(max(length, 0), io.SEEK_CUR)
    yield _TOO_MUCH, b""


def _next_marker(file: BinaryIO) -> int | None:
    """The next marker, behind whatever lies before it: a scan, as a rule."""
    at, size = file.tell(), 2
    while len(block := file.read(size)) >= 2:
        match = _MARKER.search(block)
        if match:
            file.seek(at + match.end())
            return block[match.end() - 1]
        at += len(block) - 1
        file.seek(at)
        size = min(size * 64, _BLOCK)
    return None


def _stale(found: list[Segment]) -> dict[int, str]:
    """The places of the segments that do not hold for a new picture, and what each is."""
    stale: dict[int, str] = {}
    # A box that is longer than a segment goes on in others of its number (ISO/IEC 18477-3, B.2).
    boxes: dict[bytes, str] = {}
    for at, (marker, body) in enumerate(found):
        start = bytes((marker,)) + body
        what = next((what for pattern, what in _STALE if pattern.match(start)), "")
        box = body[2:4] if marker == 0xEB and body.startswith(b"JP") else b""
        what = what or boxes.get(box, "")
        if what:
            stale[at] = what
            boxes |= {box: what} if box else {}
    return stale | dict.fromkeys(_previews(found), PREVIEWS)


def _previews(found: list[Segment]) -> set[int]:
    """The places of the segments that hold a JPEG of the old picture, from its start to its end."""
    places: set[int] = set()
    inside = False
    for at, (marker, body) in enumerate(found):
        if not 0xE2 <= marker <= 0xEF:
            inside = False
            continue
        if inside or body.startswith(b"\xff\xd8\xff"):
            places.add(at)
            inside = not body.rstrip(b"\0").endswith(b"\xff\xd9")
    return places


def _indexed(segment: Segment) -> list[int]:
    """The types of the pictures in an index of several (MPF), the first of which is this one's."""
    marker, body = segment
    if marker != 0xE2 or not body.startswith(MPF):
        return []
    data = body[len(MPF) :]
    order = "little" if data[:2] == b"II" else "big"
    _, _, entries = read_tags(io.BytesIO(data)).get(0xB002, (0, 0, b""))
    starts = range(0, len(entries), 16)
    return [int.from_bytes(entries[at : at + 4], order) & 0xFFFFFF for at in starts]


def _behind(file: BinaryIO) -> list[str]:
    """What follows the end of the image, from where the file is."""
    found: list[str] = []
    some, before = False, b""
    while block := file.read(_BLOCK):
        data = before + block
        for what, signs in _BEHIND:
            if what not in found and any(sign in data for sign in signs):
                found.append(what)
        some = some or bool(data.strip(b"\0\xff\r\n "))
        before = data[-64:]
    return found or ([BEHIND] if some else [])
