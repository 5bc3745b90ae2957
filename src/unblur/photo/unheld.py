"""What of a photo's metadata a format without a place for it leaves out, in words."""

from __future__ import annotations

from unblur.photo import iptc
from unblur.photo.exif import tags_of
from unblur.photo.libvips import blob
from unblur.photo.origin import Origin

_X_RESOLUTION = 0x11A


def unheld(origin: Origin, *kinds: str) -> tuple[str, ...]:
    """The words for what the photo has of these kinds.

    Args:
        kinds: "exif", "iptc", "resolution" (unless EXIF says it as well, and is kept).
    """
    header, said = origin.header, []
    if "exif" in kinds and origin.exif:
        said.append("its EXIF")
    if "iptc" in kinds and iptc.bare(blob(header, "iptc-data")):
        said.append("its IPTC records")
    if "resolution" in kinds and (header.xres, header.yres) != (1, 1):
        tags = tags_of(origin.exif)
        if "exif" in kinds or _X_RESOLUTION not in tags:
            said.append("its resolution")
    return tuple(said)
