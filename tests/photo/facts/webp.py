"""What a WebP can carry: each kind of chunk."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
from PIL import Image, ImageCms

from tests.photo import fidelity
from tests.photo.facts import CARRIED, CHANGED, PIXELS, REFUSED, SAID, Fact, opened
from tests.photo.facts.jpeg_files import exif


def webp(*added: tuple[bytes, bytes], end: bytes = b"", **options: Any) -> bytes:
    """A small file with further chunks and bytes at its end."""
    data = io.BytesIO()
    Image.fromarray(PIXELS).save(data, "WEBP", lossless=True, exif=fidelity.exif(), **options)
    whole = data.getvalue() + b"".join(
        struct.pack("<4sI", name, len(body)) + body + b"\0" * (len(body) % 2)
        for name, body in added
    )
    return whole[:4] + struct.pack("<I", len(whole) - 8) + whole[8:] + end


def chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    found, at, size = [], 12, struct.unpack_from("<I", data, 4)[0] + 8
    while at < size:
        name, length = struct.unpack_from("<4sI", data, at)
        found.append((name, data[at + 8 : at + 8 + length]))
        at += 8 + length + length % 2
    return found


def facts() -> list[Fact]:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()

    def add(what: str, data: bytes, seen: Any, fate: Any, new: Any = None) -> Fact:
        return Fact("WebP", what, lambda: data, seen, fate, new)

    def of(*names: bytes) -> Any:
        return lambda data: [one for one in chunks(data) if one[0] in names]

    rgba = io.BytesIO()
    Image.fromarray(fidelity.picture(4)[:32, :48]).save(rgba, "WEBP", lossless=True, exact=True)
    frames, animated = [Image.fromarray(np.roll(PIXELS, n)) for n in (0, 9)], io.BytesIO()
    frames[0].save(animated, "WEBP", save_all=True, append_images=frames[1:])
    turned = webp().replace(
        fidelity.exif(), exif({0x112: 6})[6:].ljust(len(fidelity.exif()), b"\0")
    )
    return [
        add("EXIF", webp(), lambda d: opened(d).info["exif"].removeprefix(b"Exif\0\0"), CARRIED),
        add("EXIF: orientation", turned, lambda d: opened(d).getexif()[0x112], CHANGED, 1),
        add("XMP", webp(xmp=fidelity.XMP), lambda d: opened(d).info["xmp"], CARRIED),
        add(
            "ICC profile",
            webp(icc_profile=profile),
            lambda d: opened(d).info["icc_profile"],
            CARRIED,
        ),
        add(
            "transparency",
            rgba.getvalue(),
            lambda d: np.asarray(opened(d))[..., 3].tolist(),
            CARRIED,
        ),
        add("an unknown chunk", webp((b"ABCD", b"private")), of(b"ABCD"), CARRIED),
        add("content credentials (C2PA)", webp((b"C2PA", b"jumbf")), of(b"C2PA"), SAID),
        add("animation", animated.getvalue(), of(b"ANMF"), REFUSED),
        add(
            "data behind the end",
            webp(end=b"trailer."),
            lambda d: d[struct.unpack_from("<I", d, 4)[0] + 8 :],
            SAID,
        ),
    ]
