"""Metadata made to agree with a picture that is set upright and is given new pixels."""

from __future__ import annotations

from typing import Any

from unblur.photo import jpeg, photoshop, xmp
from unblur.photo.exif import orientation_of, turned_tags, upright_exif
from unblur.photo.libvips import set_blob

PLACES = "Photoshop's paths, guides and slices"


def upright(stored: Any, extras: dict[str, Any], applied: bool) -> tuple[Any, dict[str, Any]]:
    """Reset the orientation in all places, turn what depends on it, take out what is stale.

    Args:
        stored: the picture as stored; its field "orientation" has yet to be applied.
        extras: arguments of `Origin`.
        applied: whether the reader has set the picture upright already, as those of AVIF and HEIC
            do by the file's own transformations; EXIF repeats them.

    Returns:
        the picture with its new fields, and the new arguments.
    """
    packet = stored.get("xmp-data") if stored.get_typeof("xmp-data") else b""
    if applied:
        orientation = orientation_of(extras.get("exif", b""))
        orientation = xmp.orientation_of(packet) if orientation == 1 else orientation
    else:
        orientation = stored.get("orientation") if stored.get_typeof("orientation") else 1
    orientation = orientation if 1 <= orientation <= 8 else 1
    turned = orientation >= 5
    size = (stored.width, stored.height)
    size = size[::-1] if applied and turned else size
    new, lost = dict(extras), list(extras.get("dropped", ()))
    if new.get("exif"):
        new["exif"] = upright_exif(new["exif"], orientation, size)
    if new.get("tags"):
        new["tags"] = turned_tags(new["tags"], orientation, size)
    if new.get("head") and turned:
        new["head"] = jpeg.turned(new["head"])
    stored = stored.copy()
    if turned and not applied:
        stored = stored.copy(xres=stored.yres, yres=stored.xres)
    if packet:
        packet, gone = xmp.upright(packet, orientation, size)
        lost += gone
        _replace(stored, "xmp-data", packet)
    if stored.get_typeof("photoshop-data"):
        resources = photoshop.without_thumbnails(stored.get("photoshop-data"))
        if orientation != 1:
            lost += [PLACES] if photoshop.has_places(resources) else []
            change = photoshop.turned if turned else photoshop.without_places
            resources = change(resources)
        _replace(stored, "photoshop-data", resources)
    new["dropped"] = tuple(dict.fromkeys(lost))
    return stored, new


def _replace(image: Any, field: str, data: bytes) -> None:
    image.remove(field)
    if data:
        set_blob(image, field, data)
