"""When a photo was taken, and with what, by its EXIF."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from unblur.photo.reading import Photo
from unblur.photo.tiff_tags import EXIF, Tags, read_tags

_MAKE, _MODEL = 0x10F, 0x110
_ORIGINAL, _OFFSET, _FRACTION = 0x9003, 0x9011, 0x9291


@dataclass(frozen=True)
class Taken:
    """The moment of the exposure, and the camera.

    Attributes:
        seconds: since 1970; of UTC if the file says how the camera's clock was set, else of that
            clock.
        camera: make and model; empty if they are not known.
    """

    seconds: float
    camera: str


def taken(picture: Photo) -> Taken | None:
    """Reads DateTimeOriginal, with its fraction and offset; None if there is none that is valid."""
    block = picture.origin.exif
    tags = read_tags(io.BytesIO(block[6:] if block[:4] == b"Exif" else block))
    below = tags.get(EXIF, (0, 0, {}))[2]
    if not isinstance(below, dict):
        return None
    try:
        time = datetime.strptime(_text(below, _ORIGINAL), "%Y:%m:%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:  # such as 0000:00:00 00:00:00, by which cameras say that they do not know
        return None
    offset = re.fullmatch(r"([+-])(\d\d):(\d\d)", _text(below, _OFFSET))
    if offset:
        ahead = timedelta(hours=int(offset[2]), minutes=int(offset[3]))
        time = time - ahead if offset[1] == "+" else time + ahead
    digits = _text(below, _FRACTION)
    fraction = float(f"0.{digits}") if digits.isascii() and digits.isdigit() else 0.0
    since = time - datetime(1970, 1, 1, tzinfo=UTC)
    return Taken(
        since.total_seconds() + fraction, f"{_text(tags, _MAKE)} {_text(tags, _MODEL)}".strip()
    )


def _text(tags: Tags, tag: int) -> str:
    _, _, value = tags.get(tag, (0, 0, b""))
    # Everything behind the first zero byte is padding.
    return value.split(b"\0")[0].decode("latin-1").strip() if isinstance(value, bytes) else ""
