"""What the numbers of a picture mean, by the code points of ITU-T H.273 (CICP), and its HDR data.

An AVIF or HEIC says it by boxes (`colr` of the type `nclx`, `mdcv`, `clli`, ...), a PNG by chunks
(`cICP`, `mDCV`, `cLLI`); other formats have ICC profiles alone.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import pyvips

PQ, HLG = 16, 18
_UNSPECIFIED = 2
_P3 = 12
# BT.709, unspecified, BT.601 and sRGB: one curve by the custom of cameras and browsers.
_SRGB_CURVES = (1, 2, 6, 13)

_WORDS = {
    b"clli": "the light levels of an HDR photo (clli)",
    b"mdcv": "the display that an HDR photo was mastered on (mdcv)",
    b"amve": "the ambient light of an HDR photo (amve)",
    b"cclv": "the colour volume of an HDR photo (cclv)",
    b"reve": "the viewing environment of an HDR photo (reve)",
    b"ndwt": "the nominal white of an HDR photo (ndwt)",
    b"pasp": "the aspect of its pixels (pasp)",
    b"udes": "its description (udes)",
    b"altt": "its alternative text (altt)",
    b"crtt": "its time of creation (crtt)",
    b"mdft": "its time of modification (mdft)",
}
CARRIED = tuple(_WORDS)
"""The boxes that describe a photo, and are carried from AVIF or HEIC to AVIF."""


@dataclass(frozen=True)
class Cicp:
    """Code points of colour primaries, transfer function, matrix; and whether the range is full.

    The matrix, which is of stored YCbCr, is 0 in a PNG.
    """

    primaries: int
    transfer: int
    matrix: int = 0
    full: bool = True

    @property
    def plain(self) -> bool:
        """Whether they mean sRGB, as colours without a profile do."""
        return self.primaries in (1, _UNSPECIFIED) and self.transfer in _SRGB_CURVES

    @property
    def name(self) -> str:
        """In words, why a format that says nothing of colours cannot hold them."""
        if self.transfer in (PQ, HLG):
            return f"HDR colours ({'PQ' if self.transfer == PQ else 'HLG'})"
        if self.plain:
            return "samples of the narrow range"
        return f"colours other than sRGB (CICP {self.primaries}/{self.transfer})"

    def profile(self) -> bytes:
        """An ICC profile of these colours, where libvips has one: Display P3; else empty."""
        if self.primaries == _P3 and self.transfer in _SRGB_CURVES:
            return _display_p3()
        return b""

    @classmethod
    def of_colr(cls, box: bytes) -> Cicp | None:
        """Of a whole `colr` box; None if it holds a profile, or points that there are not."""
        if box[8:12] != b"nclx" or len(box) < 19:
            return None
        primaries, transfer, matrix, flags = struct.unpack_from(">HHHB", box, 12)
        if max(primaries, transfer, matrix) > 255:
            return None
        return cls(primaries, transfer, matrix, bool(flags & 128))

    def colr(self) -> bytes:
        """The `colr` box."""
        numbers = (self.primaries, self.transfer, self.matrix, self.full << 7)
        return struct.pack(">I4s4sHHHB", 19, b"colr", b"nclx", *numbers)


def left_out(boxes: dict[bytes, bytes], held: tuple[bytes, ...]) -> tuple[str, ...]:
    """The words for the boxes that a format does not hold."""
    return tuple(words for kind, words in _WORDS.items() if kind in boxes and kind not in held)


def light_boxes(chunks: dict[bytes, bytes]) -> dict[bytes, bytes]:
    """The boxes `mdcv` and `clli` of the contents of a PNG's chunks `mDCV` and `cLLI`.

    PNG (third edition) 11.3.2.7, 11.3.2.8: primaries red first, levels in 0.0001 cd/m². The boxes:
    ISO/IEC 14496-12, 12.1.5.4: green first; levels of `clli` in whole cd/m².
    """
    found = {}
    mastering, levels = chunks.get(b"mDCV", b""), chunks.get(b"cLLI", b"")
    if len(mastering) == 24:
        order = mastering[4:12] + mastering[:4] + mastering[12:]
        found[b"mdcv"] = struct.pack(">I4s", 32, b"mdcv") + order
    if len(levels) == 8:
        most, mean = (min((n + 5000) // 10000, 65535) for n in struct.unpack(">II", levels))
        found[b"clli"] = struct.pack(">I4sHH", 12, b"clli", most, mean)
    return found


def light_chunks(boxes: dict[bytes, bytes]) -> dict[bytes, bytes]:
    """The reverse of `light_boxes`."""
    found = {}
    mastering, levels = boxes.get(b"mdcv", b"")[8:], boxes.get(b"clli", b"")[8:]
    if len(mastering) == 24:
        found[b"mDCV"] = mastering[8:12] + mastering[:8] + mastering[12:]
    if len(levels) == 4:
        most, mean = struct.unpack(">HH", levels)
        found[b"cLLI"] = struct.pack(">II", most * 10000, mean * 10000)
    return found


def _display_p3() -> bytes:
    small: Any = pyvips.Image.black(1, 1, bands=3)
    small = small.copy(interpretation="srgb").icc_export(output_profile="p3")
    return small.get("icc-profile-data")
