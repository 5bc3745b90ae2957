"""GIF: how it is recognised, read and written. Its blocks are in `gif_blocks`."""

from __future__ import annotations

import re
from typing import Any, BinaryIO

from unblur.photo import gif_blocks, libvips
from unblur.photo.gif_blocks import Blocks, application, content, extensions, table_bytes
from unblur.photo.libvips import KEEP_NONE, set_blob
from unblur.photo.names import printable
from unblur.photo.origin import Origin
from unblur.photo.unheld import unheld

MAGIC = re.compile(rb"GIF8[79]a")

# Of animations, which a single picture is not.
_LOOPS = (b"NETSCAPE2.0", b"ANIMEXTS1.0")
_FIELDS = {gif_blocks.ICC: "icc-profile-data", gif_blocks.XMP: "xmp-data"}
_SQUARE = (0, 49)


def load(file: BinaryIO, max_pixels: int | None) -> Any:
    """The stored picture with XMP and profile; raises PhotoError as `libvips.load`."""
    blocks = [(name, content(name, data)) for name, data, _ in extensions(file)]
    file.seek(0)
    image = libvips.load("gif", file, max_pixels).copy()
    for name, data in blocks:
        if name in _FIELDS and data and not image.get_typeof(_FIELDS[name]):
            set_blob(image, _FIELDS[name], data)
    return image


def extras(file: BinaryIO) -> dict[str, Any]:
    """The blocks, and what is dropped."""
    early, late, own, dropped, control = [], [], [], [], b""
    for name, data, behind in extensions(file):
        if name == b"control":
            control = control or data
        elif name == b"text":
            dropped.append("its block of plain text")
        elif name == b"end":
            dropped += ["the data behind its end"] if data else []
        elif name not in (*_LOOPS, *_FIELDS):
            (late if behind else early).append(data)
            comment = name == b"comment"
            own.append("its comment" if comment else f"its application block {printable(name)}")
    file.seek(0)
    head = file.read(13).ljust(13, b"\0")
    own += ["the aspect of its pixels"] if head[12] not in _SQUARE else []
    table = file.read(table_bytes(head[10]))
    background = table[3 * head[11] : 3 * head[11] + 3]
    background = background if len(background) == 3 else b""
    return {
        "blocks": Blocks(early, late, head[12], background, control),
        "own": tuple(dict.fromkeys(own)),
        "dropped": tuple(dict.fromkeys(dropped)),
    }


def save(image: Any, origin: Origin, file: BinaryIO) -> None:
    """Write a picture, quantised to 255 colours."""
    data = bytearray(image.gifsave_buffer(dither=0, keep=KEEP_NONE))
    own = origin.blocks or Blocks()
    start = 13 + table_bytes(data[10])
    if data[start + 3 : start + 14] in _LOOPS:  # which libvips makes up
        del data[start : start + 19]
    if data[start : start + 2] == b"\x21\xf9":
        data[start : start + 8] = gif_blocks.controlled(
            bytes(data[start : start + 8]), own.control, image.hasalpha()
        )
    data[3:6], data[12] = b"89a", own.aspect
    if own.background and start > 13:
        data[11] = gif_blocks.nearest(bytes(data[13:start]), own.background)
    made = [
        application(name, image.get(field))
        for name, field in _FIELDS.items()
        if image.get_typeof(field)
    ]
    early = b"".join([*own.early, *made])
    file.write(data[:start] + early + data[start:-1] + b"".join(own.late) + data[-1:])


def loses(origin: Origin) -> tuple[str, ...]:
    return unheld(origin, "exif", "iptc", "resolution")
