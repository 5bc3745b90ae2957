"""Photos of random formats, modes and metadata, and what other readers find in a file."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import Any

import tifffile
from hypothesis import strategies as st
from PIL import IptcImagePlugin

from tests.photo import facts
from tests.photo.any_files import FILES, pixels_of
from tests.photo.facts import gif, jpeg_xmp
from tests.photo.facts import jpeg_files as jpeg
from tests.photo.facts import png as pngs

SIZES = (0, 10, 4_100, 5_000, 66_000, 70_000, 300_000)
"""Bytes of a block: beside a buffer's, a segment's, and more."""
MODES = {
    "jpeg": ("L", "RGB", "CMYK"),
    "png": ("1", "L", "LA", "P", "RGB", "RGBA", "L16", "LA16", "RGB16", "RGBA16"),
    "webp": ("RGB", "RGBA"),
    "tiff": ("L", "LA", "RGB", "RGBA", "L16", "RGB16", "RGBA16", "LF", "RGBF"),
    "gif": ("P",),
    "avif": ("RGB", "RGBA"),
}
_NAMED = ("exif", "xmp", "iptc", "profile", "comment", "unknown")


@dataclass(frozen=True)
class Drawn:
    """A photo's file, and what is in it.

    Attributes:
        blocks: sizes of the blocks that it has, in bytes beyond the least, by their names.
        orientation: of EXIF, or of a TIFF; 0 for none.
    """

    format: str
    mode: str
    size: tuple[int, int]
    orientation: int
    blocks: dict[str, int]
    data: bytes

    def __repr__(self) -> str:
        return f"{self.format} {self.mode} {self.size} turned {self.orientation} {self.blocks}"


@st.composite
def photos(draw: st.DrawFn) -> Drawn:
    kind = draw(st.sampled_from(list(MODES)))
    mode = draw(st.sampled_from(MODES[kind]))
    size = draw(st.tuples(st.integers(1, 40), st.integers(1, 40)))
    orientation = draw(st.integers(0, 8))
    names = draw(st.sets(st.sampled_from(_NAMED)))
    blocks = {name: draw(st.sampled_from(SIZES)) for name in sorted(names)}
    pixels = pixels_of(mode, size, draw(st.integers(0, 9)))
    return Drawn(kind, mode, size, orientation, blocks, FILES[kind](pixels, blocks, orientation))


def seen(data: bytes) -> dict[str, Any]:
    """What Pillow, tifffile and the listers of `facts` find in a file; false where it is not."""
    if data[:2] in (b"II", b"MM"):
        return _seen_tiff(data)
    image: Any = facts.opened(data)
    tags = image.getexif()
    below = tags.get_ifd(0x8769)
    found: dict[str, Any] = {
        "size": image.size,
        "orientation": tags.get(0x112, 1),
        "exif": (tags.get(0x10F), below.get(0x9286), below.get(0x927C)),
        "profile": image.info.get("icc_profile"),
        "xmp": _xmp(data, image),
        "iptc": IptcImagePlugin.getiptcinfo(image) if image.format == "JPEG" else None,
        # Those of a TIFF are EXIF's elsewhere.
        "comment": tags.get(270),
        "unknown": tags.get(65000),
    }
    if image.format == "JPEG":
        both = jpeg.segments(data)
        found["comment"] = found["comment"] or [body for marker, body in both if marker == 0xFE]
        found["unknown"] = found["unknown"] or [body for marker, body in both if marker == 0xE9]
    elif image.format == "PNG":
        both = pngs.chunks(data)
        found["comment"] = found["comment"] or [
            body for name, body in both if name == b"zTXt" and body[:1] == b"C"
        ]
        found["unknown"] = found["unknown"] or [body for name, body in both if name == b"abCd"]
        found["iptc"] = [body for name, body in both if name == b"zTXt" and body[:3] == b"Raw"]
    elif image.format == "GIF":
        all_of = gif.blocks(data)
        found["comment"] = found["comment"] or [block for block in all_of if block[1] == 0xFE]
        found["unknown"] = found["unknown"] or [
            block for block in all_of if b"MAKERS  1.0" in block
        ]
        found["profile"] = [block for block in all_of if b"ICCRGBG1012" in block]
        found["xmp"] = re.findall(rb"<x:xmpmeta.*?</x:xmpmeta>", data, re.DOTALL)
    elif image.format == "WEBP":
        from tests.photo.facts.webp import chunks

        found["unknown"] = found["unknown"] or [
            body for name, body in chunks(data) if name == b"ABCD"
        ]
    return found


def _seen_tiff(data: bytes) -> dict[str, Any]:
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page: Any = file.pages[0]

        def tag(number: int) -> Any:
            return page.tags[number].value if number in page.tags else None

        return {
            "size": (page.imagewidth, page.imagelength),
            "orientation": int(tag(274) or 1),
            "exif": (tag(271), *((tag(34665) or {}).get(n) for n in ("UserComment", "MakerNote"))),
            "profile": tag(34675),
            "xmp": tag(700) or None,
            "iptc": bytes(tag(33723)).rstrip(b"\0") if tag(33723) else None,
            "comment": tag(270),
            "unknown": tag(65000),
        }


def _xmp(data: bytes, image: Any) -> Any:
    """Of a JPEG the properties, as they may lie in the one packet or in the other."""
    if image.format == "JPEG":
        whole = jpeg_xmp.text(data)
        return (whole.count("<a:one>1</a:one>"), re.findall("x{9,}", whole)) if whole else None
    packet = image.info.get("xmp")
    return packet.encode() if isinstance(packet, str) else packet
