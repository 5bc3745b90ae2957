"""Videos with transparency: where FFmpeg shows it, and where it has to be looked for."""

from __future__ import annotations

import struct
from typing import Any

MODE = "alpha_mode"
"""The tag by which Matroska says that VP8 or VP9 have alpha beside their frames."""
_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
"""FFmpeg's own decoders of these codecs do not look at it."""


def decoder_of(stream: Any) -> str:
    """The decoder that shows a stream's alpha; "" if the usual one does, or there is none."""
    tags = {key.lower(): value for key, value in stream.metadata.items()}
    codec = stream.codec_context.codec.canonical_name
    return _DECODERS.get(codec, "") if tags.get(MODE) == "1" else ""


def has_alpha(pixel_format: str) -> bool:
    from av.video.format import VideoFormat

    return any(component.is_alpha for component in VideoFormat(pixel_format, 64, 64).components)


def format_of(frame: Any) -> str:
    """A frame's pixel format; of a palette with transparent colours, one that has alpha."""
    if frame.format.has_palette and (frame.to_ndarray(format="rgba")[..., 3] < 255).any():
        return "bgra"
    return frame.format.name


def has_alpha_layer(configuration: bytes) -> bool:
    """Whether HEVC's configuration (`hvcC`, ISO/IEC 14496-15) announces a layer of alpha.

    By the SEI message "alpha channel information" (H.265, F.14.2.8), of type 165.
    """
    if len(configuration) < 23 or configuration[0] != 1:
        return False
    place = 23
    for _ in range(configuration[22]):
        kind, count = struct.unpack_from(">BH", configuration.ljust(place + 3, b"\0"), place)
        place += 3
        for _ in range(count):
            (size,) = struct.unpack_from(">H", configuration.ljust(place + 2, b"\0"), place)
            unit = configuration[place + 2 : place + 2 + size]
            if kind & 0x3F == 39 and unit[2:3] == b"\xa5":
                return True
            place += 2 + size
    return False
