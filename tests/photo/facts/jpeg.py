"""What a JPEG can carry outside XMP."""

from __future__ import annotations

import io
import struct
from typing import Any

from PIL import ExifTags, Image, IptcImagePlugin

from tests.photo import fidelity
from tests.photo.facts import CARRIED, CHANGED, PIXELS, REFUSED, SAID, Fact, opened
from tests.photo.facts.jpeg_files import (
    behind,
    exif,
    jpeg,
    mpf,
    photoshop,
    profile,
    resource,
    segments,
)

CREDENTIALS = b"JP\0\1\0\0\0\1" + b"\0\0\0\x40jumb\0\0\0\x20jumdc2pa\0\x11\0\x10"


def facts() -> list[Fact]:
    whole = b"Exif\0\0" + fidelity.exif()
    turned = exif({0x112: 6}, {0xA002: 48, 0xA003: 32, 0x9214: (10, 8, 6, 4)})
    preview = jpeg()
    iptc = b"\x1c\x02\x05\0\x05Title\x1c\x02\x50\0\3Ada"

    def add(what: str, data: bytes, seen: Any, fate: Any, new: Any = None) -> Fact:
        return Fact("JPEG", what, lambda: data, seen, fate, new)

    def app(what: str, marker: int, body: bytes, fate: Any = CARRIED) -> Fact:
        def seen(data: bytes) -> Any:
            return [body for m, body in segments(data) if m == marker]

        return add(what, jpeg((marker, body)), seen, fate)

    return [
        add("EXIF: camera, maker's note, GPS, unknown tags", jpeg((0xE1, whole)), _exif, CARRIED),
        add(
            "EXIF: orientation",
            jpeg((0xE1, turned)),
            lambda d: opened(d).getexif()[0x112],
            CHANGED,
            1,
        ),
        add(
            "EXIF: width and height of a turned photo",
            jpeg((0xE1, turned)),
            _sides,
            CHANGED,
            (32, 48),
        ),
        add(
            "EXIF: the subject's area of a turned photo",
            jpeg((0xE1, turned)),
            lambda d: opened(d).getexif().get_ifd(0x8769)[0x9214],
            CHANGED,
            (23, 10, 4, 6),
        ),
        add("EXIF: thumbnail", jpeg((0xE1, _with_thumbnail())), _thumbnail, CHANGED),
        add(
            "EXIF: a second block",
            jpeg((0xE1, whole), (0xE1, whole)),
            lambda d: sum(b[:5] == b"Exif\0" for _, b in segments(d)) > 1,
            SAID,
        ),
        add(
            "IPTC records",
            jpeg(*photoshop(resource(1028, iptc))),
            lambda d: IptcImagePlugin.getiptcinfo(opened(d)),
            CARRIED,
        ),
        add(
            "IPTC: a preview",
            jpeg(*photoshop(resource(1028, iptc + b"\x1c\2\xca\0\3old"))),
            lambda d: (IptcImagePlugin.getiptcinfo(opened(d)) or {}).get((2, 202)),
            CHANGED,
        ),
        add(
            "Photoshop's resources",
            jpeg(*photoshop(resource(1034, b"\1"), resource(4000, bytes(9)))),
            lambda d: opened(d).info["photoshop"],
            CARRIED,
        ),
        add(
            "Photoshop's resources, cut into several segments",
            jpeg(*photoshop(*_cut(resource(4000, b"r" * 70000)))),
            _resources,
            CARRIED,
        ),
        add(
            "Photoshop's thumbnail",
            jpeg(*photoshop(resource(1036, bytes(28) + preview))),
            lambda d: 1036 in opened(d).info.get("photoshop", {}),
            CHANGED,
        ),
        add("Photoshop's paths", jpeg(*photoshop(resource(2000, bytes(26)))), _paths, CARRIED),
        add(
            "Photoshop's paths of a turned photo",
            jpeg((0xE1, turned), *photoshop(resource(2000, bytes(26)))),
            _paths,
            SAID,
        ),
        add("ICC profile", jpeg(*_profile(0)), lambda d: opened(d).info["icc_profile"], CARRIED),
        add(
            "ICC profile of several segments",
            jpeg(*_profile(150_000)),
            lambda d: opened(d).info["icc_profile"],
            CARRIED,
        ),
        add(
            "comments (COM)",
            jpeg((0xFE, b"one"), (0xFE, "zw\u00f6lf".encode("latin-1"))),
            lambda d: [body for marker, body in segments(d) if marker == 0xFE],
            CARRIED,
        ),
        add("JFIF: resolution", jpeg(density=b"\2\0\x76\0\x76"), _density, CARRIED),
        add("JFIF: aspect of pixels", jpeg(density=b"\0\0\1\0\2"), _density, CARRIED),
        add(
            "JFIF: aspect of pixels of a turned photo",
            jpeg((0xE1, turned), density=b"\0\0\1\0\2"),
            _density,
            CHANGED,
            (0, (2, 1)),
        ),
        add(
            "JFIF: thumbnail (JFXX)",
            jpeg((0xE0, b"JFXX\0\x10" + preview)),
            lambda d: any(b[:5] == b"JFXX\0" for _, b in segments(d)),
            CHANGED,
        ),
        add(
            "Adobe's marker (APP14) of YCbCr",
            jpeg((0xEE, b"Adobe\0\x64\0\0\0\0\1")),
            lambda d: any(m == 0xEE for m, _ in segments(d)),
            CHANGED,
        ),
        add("Adobe's marker (APP14) of CMYK", _cmyk(), lambda d: opened(d).info["adobe"], CARRIED),
        app("an unknown segment (APP1)", 0xE1, b"FLIR\0\1\0\1" + bytes(40)),
        app("an unknown segment (APP4)", 0xE4, b"a maker's own"),
        app("an unknown segment (APP9)", 0xE9, b"Media Jukebox\0"),
        app("FlashPix (APP2 FPXR)", 0xE2, b"FPXR\0\0\1" + bytes(20)),
        app("Ducky (APP12)", 0xEC, b"Ducky\0\1\0\4\0\0\0\x3c"),
        app("content credentials (APP11 C2PA)", 0xEB, CREDENTIALS, SAID),
        app("a preview in segments", 0xE4, preview, SAID),
        add(
            "a larger preview behind the picture (MPF)",
            jpeg((0xE2, mpf((0x30000, 0x10001))), behind=preview),
            _index_and_behind,
            SAID,
        ),
        add(
            "pictures of a stereo camera (MPO)",
            jpeg((0xE2, mpf((0x20020002, 0x20002))), behind=preview),
            _index_and_behind,
            REFUSED,
        ),
        add(
            "other data behind the picture", jpeg(behind=b"a maker's own trailer" * 9), behind, SAID
        ),
        add("padding behind the picture", jpeg(behind=bytes(99)), behind, CHANGED),
        Fact(
            "JPEG of a PNG's",
            "EXIF of over 64 KB",
            lambda: _png(exif=exif({}, {}, 80_000)),
            lambda d: len(opened(d).info["exif"]),
            REFUSED,
        ),
    ]


def _exif(data: bytes) -> dict[Any, Any]:
    tags = opened(data).getexif()
    below = {
        (ifd, tag): value for ifd in (0x8769, 0x8825) for tag, value in tags.get_ifd(ifd).items()
    }
    return {**{tag: value for tag, value in tags.items() if tag not in (0x8769, 0x8825)}, **below}


def _sides(data: bytes) -> tuple[int, int]:
    below = opened(data).getexif().get_ifd(0x8769)
    return below[0xA002], below[0xA003]


def _with_thumbnail() -> bytes:
    small = jpeg()
    first = struct.pack("<HHHII", 1, 0x112, 3, 1, 1) + struct.pack("<I", 26)
    second = struct.pack("<H", 3) + struct.pack("<HHII", 0x103, 3, 1, 6)
    second += struct.pack("<HHII", 0x201, 4, 1, 68) + struct.pack("<HHII", 0x202, 4, 1, len(small))
    return b"Exif\0\0II*\0\x08\0\0\0" + first + second + bytes(4) + small


def _thumbnail(data: bytes) -> bool:
    return bool(opened(data).getexif().get_ifd(ExifTags.IFD.IFD1))


def _cut(data: bytes) -> list[bytes]:
    return [data[:60_000], data[60_000:]]


def _resources(data: bytes) -> bytes:
    return b"".join(body[14:] for marker, body in segments(data) if marker == 0xED)


def _paths(data: bytes) -> bool:
    return b"8BIM\x07\xd0" in _resources(data)


def _profile(more: int) -> list[tuple[int, bytes]]:
    """The segments of a profile with so many bytes behind its tags."""
    from PIL import ImageCms

    plain = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    whole = (len(plain) + more).to_bytes(4, "big") + plain[4:] + bytes(more)
    return profile(whole)


def _density(data: bytes) -> tuple[int, tuple[int, int]]:
    info = opened(data).info
    return info["jfif_unit"], info["jfif_density"]


def _cmyk() -> bytes:
    data = io.BytesIO()
    Image.fromarray(PIXELS).convert("CMYK").save(data, "JPEG", quality=95)
    return data.getvalue()


def _index_and_behind(data: bytes) -> list[Any]:
    index = [body for marker, body in segments(data) if marker == 0xE2 and body[:4] == b"MPF\0"]
    return [*index, *([behind(data)] if behind(data) else [])]


def _png(**options: Any) -> bytes:
    data = io.BytesIO()
    Image.fromarray(PIXELS).save(data, "PNG", **options)
    return data.getvalue()
