"""GIF: how it is recognised and written."""

from __future__ import annotations

import re
from typing import Any, BinaryIO

from unblur.photo.libvips import KEEP_NO_EXIF
from unblur.photo.origin import Origin

MAGIC = re.compile(rb"GIF8[79]a")


def save(image: Any, origin: Origin, file: BinaryIO) -> None:
    """Write a picture, quantised to 255 colours."""
    file.write(image.gifsave_buffer(dither=0, keep=KEEP_NO_EXIF))
