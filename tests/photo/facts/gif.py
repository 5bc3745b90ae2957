"""What a GIF can carry: each kind of block (GIF89a)."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image, ImageCms

from tests.photo import fidelity
from tests.photo.facts import CARRIED, CHANGED, PIXELS, REFUSED, SAID, Fact, opened

XMP_END = b"\x01" + bytes(range(255, -1, -1)) + b"\0"


def gif(
    *early: bytes, late: bytes = b"", end: bytes = b"", aspect: int = 0, **options: Any
) -> bytes:
    """A small file with blocks before and behind its picture, bytes at its end."""
    data = io.BytesIO()
    Image.fromarray(PIXELS // 64 * 85).quantize(16).save(data, "GIF", **options)
    return with_blocks(data.getvalue(), *early, late=late, aspect=aspect) + end


def with_blocks(data: bytes, *early: bytes, late: bytes = b"", aspect: int = 0) -> bytes:
    plain = bytearray(data)
    plain[3:6], plain[12] = b"89a", aspect
    start = 13 + (3 * 2 ** ((plain[10] & 7) + 1) if plain[10] & 128 else 0)
    return bytes(plain[:start]) + b"".join(early) + bytes(plain[start:-1]) + late + b";"


def blocks(data: bytes) -> list[bytes]:
    """The extensions but for the graphic control, whole, as they lie in the file."""
    at = 13 + (3 * 2 ** ((data[10] & 7) + 1) if data[10] & 128 else 0)
    found = []
    while data[at : at + 1] != b";":
        begin, kind = at, data[at + 1]
        if data[at] == 0x2C:
            packed = data[at + 9]
            at += 11 + (3 * 2 ** ((packed & 7) + 1) if packed & 128 else 0)
        else:
            at += 2
        while data[at]:
            at += 1 + data[at]
        at += 1
        if data[begin] == 0x21 and kind != 0xF9:
            found.append(data[begin:at])
    return found


def application(name: bytes, data: bytes) -> bytes:
    return sub_blocks(b"\x21\xff\x0b" + name, data)


def sub_blocks(start: bytes, data: bytes) -> bytes:
    parts = [data[at : at + 255] for at in range(0, len(data), 255)]
    return start + b"".join(bytes([len(part)]) + part for part in parts) + b"\0"


def facts() -> list[Fact]:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    xmp = b"\x21\xff\x0bXMP DataXMP" + fidelity.XMP + XMP_END
    comment = b"\x21\xfe\x07caf\xe9, 1\0"
    plain = b"\x21\x01\x0c" + bytes(12) + b"\x02hi\0"

    def add(what: str, data: bytes, seen: Any, fate: Any, new: Any = None) -> Fact:
        return Fact("GIF", what, lambda: data, seen, fate, new)

    few = Image.fromarray(fidelity.picture(4)[:32, :48] // 64 * 85)
    clear, animated = io.BytesIO(), io.BytesIO()
    few.save(clear, "GIF")
    frames = [Image.fromarray(np.roll(PIXELS, n, axis=1)) for n in (0, 9)]
    frames[0].save(animated, "GIF", save_all=True, append_images=frames[1:], duration=50)
    return [
        add("comment", gif(comment), blocks, CARRIED),
        add("comment behind the picture", gif(late=comment), blocks, CARRIED),
        add(
            "application block, unknown",
            gif(application(b"MAKERS  1.0", b"x" * 600)),
            blocks,
            CARRIED,
        ),
        add(
            "delay and disposal (graphic control)",
            gif(b"\x21\xf9\x04\x0c\x32\0\0\0"),
            _control,
            CARRIED,
        ),
        add("XMP", gif(xmp), lambda d: fidelity.XMP + XMP_END in d, CARRIED),
        add(
            "ICC profile",
            gif(application(b"ICCRGBG1012", profile)),
            lambda d: [b for b in blocks(d) if b"ICCRGBG1012" in b],
            CARRIED,
        ),
        add("aspect of pixels", gif(aspect=100), lambda d: d[12], CARRIED),
        add(
            "transparency",
            clear.getvalue(),
            lambda d: (np.asarray(opened(d).convert("RGBA"))[..., 3] == 0).tolist(),
            CARRIED,
        ),
        add(
            "number of repeats (NETSCAPE2.0) of one picture",
            gif(application(b"NETSCAPE2.0", b"\1\0\0")),
            blocks,
            CHANGED,
        ),
        add("block of plain text", gif(plain), blocks, SAID),
        add("data behind the end", gif(end=b"trailer"), lambda d: not d.endswith(b"\0;"), SAID),
        add("animation", animated.getvalue(), lambda d: opened(d).n_frames > 1, REFUSED),
    ]


def _control(data: bytes) -> tuple[int, int]:
    """Disposal and delay."""
    at = data.index(b"\x21\xf9\x04")
    return data[at + 3] >> 2 & 7, data[at + 4]
