"""The metadata of a photo's file, which is written again with new pixels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from unblur.photo.cicp import Cicp
from unblur.photo.colours import Colours
from unblur.photo.gif_blocks import Blocks
from unblur.photo.png_chunks import Chunks
from unblur.photo.tiff_tags import Tags


@dataclass(frozen=True)
class Origin:
    """The metadata of the file that a photo was read from.

    Attributes:
        header: the stored picture, upright; libvips keeps the profile, XMP, IPTC, the resolution
            and more as its fields.
        colours: how the stored samples relate to the shown ones.
        exif: an EXIF block whose orientation is upright; empty if there is none.
        tags: of a TIFF.
        chunks: of a PNG, all but its pixels.
        head: the segments of a JPEG that say how it is quantised, and those written again.
        lossless: whether a WebP is.
        unknown: of a WebP, names and contents of the chunks that are not known.
        blocks: of a GIF, all but its pixels.
        cicp: what the colours mean by code points; None if the file does not say.
        boxes: of an AVIF or HEIC, those that describe the photo; those that a PNG's chunks match.
        own: what of the file only its own format holds, in a few words each.
        dropped: what of the file no result will have, in a few words each: "the gain map".
    """

    header: Any
    colours: Colours
    exif: bytes = b""
    tags: Tags = field(default_factory=dict)
    chunks: Chunks | None = None
    head: bytes = b""
    lossless: bool = False
    unknown: list[tuple[bytes, bytes]] = field(default_factory=list)
    blocks: Blocks | None = None
    cicp: Cicp | None = None
    boxes: dict[bytes, bytes] = field(default_factory=dict)
    own: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()

    @property
    def bits(self) -> int:
        """Of a sample, as stored; 8 if the file does not say."""
        header = self.header
        return header.get("bits-per-sample") if header.get_typeof("bits-per-sample") else 8
