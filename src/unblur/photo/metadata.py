"""Metadata made to agree with a picture that is set upright and is given new pixels."""

from __future__ import annotations

from typing import Any

from unblur.photo import iptc, jpeg, photoshop, xmp
from unblur.photo.exif import turned_tags, upright_exif
from unblur.photo.libvips import blob, set_blob

PLACES = "Photoshop's paths, guides and slices"


def upright(stored: Any, extras: dict[str, Any], applied: int | None) -> tuple[Any, dict[str, Any]]:
    """Reset the orientation in all places, turn what depends on it, take out what is stale.

    Args:
        stored: the picture as stored; its field "orientation" has yet to be applied.
        extras: arguments of `Origin`.
        applied: the orientation by which the reader has set the picture upright already, as those
            of AVIF and HEIC do by the file's own transformations, whatever EXIF says; None if it
            has yet to be applied.

    Returns:
        the picture with its new fields, and the new arguments.
    """
    size = (stored.width, stored.height)
    if applied is None:
        stated = stored.get("orientation") if stored.get_typeof("orientation") else 1
        orientation = stated if 1 <= stated <= 8 else 1
    else:
        orientation, size = applied, size[::-1] if applied >= 5 else size
    turned, reset = orientation >= 5, applied is not None
    new, lost = dict(extras), list(extras.get("dropped", ()))
    if new.get("exif"):
        new["exif"] = upright_exif(new["exif"], orientation, size, reset)
    if new.get("tags"):
        new["tags"] = turned_tags(new["tags"], orientation, size)
    if new.get("head") and turned:
        new["head"] = jpeg.turned(new["head"])
    stored = stored.copy()
    if turned and applied is None:
        # A damaged file's resolution may be beyond what libvips lets be set.
        stored = stored.copy(xres=min(stored.yres, 1e6), yres=min(stored.xres, 1e6))
    if records := blob(stored, "iptc-data"):
        set_blob(stored, "iptc-data", iptc.upright(records, turned))
    for name, change in (("xmp-data", xmp.upright), ("photoshop-data", _resources)):
        if data := blob(stored, name):
            data, gone = change(data, orientation, size, reset)
            lost += gone
            stored.remove(name)
            if data:
                set_blob(stored, name, data)
    new["dropped"] = tuple(dict.fromkeys(lost))
    return stored, new


def _resources(
    resources: bytes, orientation: int, size: tuple[int, int], reset: bool
) -> tuple[bytes, list[str]]:
    """Photoshop's resources, and what is lost of them; arguments as of `xmp.upright`."""
    lost: list[str] = []

    def packet(content: bytes) -> bytes:
        new, gone = xmp.upright(content, orientation, size, reset)
        lost.extend(gone)
        return new

    resources = photoshop.without_thumbnails(resources)
    if records := photoshop.records(resources):
        resources = photoshop.with_records(resources, iptc.upright(records, orientation >= 5))
    if orientation != 1:
        lost += [PLACES] if photoshop.has_places(resources) else []
        turn = photoshop.turned if orientation >= 5 else photoshop.without_places
        resources = turn(resources)
    changes = {
        photoshop.EXIF: lambda content: upright_exif(content, orientation, size, reset),
        photoshop.XMP: packet,
    }
    return photoshop.changed(resources, changes), lost
