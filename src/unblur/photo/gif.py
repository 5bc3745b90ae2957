"""GIF: how it is recognised and written."""

from __future__ import annotations

from typing import Any, BinaryIO

from unblur.photo.libvips import KEEP_NO_EXIF
from unblur.photo.origin import Origin


def matches(head: bytes) -> bool:
    return head.startswith((b"GIF87a", b"GIF89a"))


def save(image: Any, origin: Origin, file: BinaryIO) -> None:
    """Write a picture, quantised to 255 colours."""
    file.write(image.gifsave_buffer(dither=0, keep=KEEP_NO_EXIF))
