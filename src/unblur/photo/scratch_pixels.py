"""Files of bare pixels, opened as pictures that are read strip by strip."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyvips

from unblur.errors import PhotoError
from unblur.photo.files import open_file
from unblur.photo.libvips import decoded_bytes, reason
from unblur.photo.tiff_tags import Tags, directory

_STRIP_BYTES = 2**22
# Smaller files are read into memory.
_SMALL_BYTES = 2**27


@contextmanager
def open_pixels(path: Path, like: Any) -> Iterator[Any]:
    """Open a file of pixels as a lazy picture; a large one can be read once, from top to bottom.

    libvips' loader of raw pixels maps the whole file, which counts as memory in use. So a large
    file is presented as a striped TIFF: a header made here, and strips that are parts of the file.

    Args:
        like: a picture of the same size, bands and format.

    Raises:
        PhotoError: if the file is missing or not as long as its pixels.
    """
    with open_file(path) as file:
        length = file.seek(0, 2)
    wanted = decoded_bytes(like)
    if length != wanted:
        raise PhotoError(f"has {length} bytes; its pixels would take {wanted}", file=path)
    if length <= _SMALL_BYTES:
        dtype = {"uchar": "u1", "ushort": "u2", "float": "f4"}[like.format]
        pixels = np.fromfile(path, dtype)
        shape = (like.height, like.width, like.bands)
        yield pyvips.Image.new_from_array(pixels.reshape(shape), interpretation=like.interpretation)
        return
    with open_file(path) as file:
        # Referenced until the picture has been read: the picture itself keeps no reference.
        source = _source(file, length, _header(like))
        try:
            image: Any = pyvips.Operation.call("tiffload_source", source, access="sequential")
        except pyvips.Error as error:
            raise PhotoError(f"cannot be read ({reason(error)})", file=path) from None
        yield image.copy(interpretation=like.interpretation)
        del source


def _source(file: BinaryIO, length: int, header: bytes) -> Any:
    """A source of the header followed by the file."""
    position = 0

    def read(size: int) -> bytes:
        nonlocal position
        if position < len(header):
            data = header[position : position + size]
        else:
            file.seek(position - len(header))
            data = file.read(size)
        position += len(data)
        return data

    def seek(offset: int, whence: int) -> int:
        nonlocal position
        position = (0, position, len(header) + length)[whence] + offset
        return position

    source = pyvips.SourceCustom()
    source.on_read(read)
    source.on_seek(seek)
    return source


def _header(like: Any) -> bytes:
    """The header and the directory of a BigTIFF, which the pixels follow."""
    row = decoded_bytes(like) // like.height
    rows = max(1, _STRIP_BYTES // row)
    count = -(-like.height // rows)
    sizes = np.full(count, rows * row, "<u8")
    sizes[-1] = (like.height - rows * (count - 1)) * row
    starts = np.cumsum(sizes) - sizes

    def shorts(*values: int) -> tuple[int, int, bytes]:
        return 3, len(values), struct.pack(f"<{len(values)}H", *values)

    def made(offset: int) -> bytes:
        tags: Tags = {
            256: (4, 1, struct.pack("<I", like.width)),
            257: (4, 1, struct.pack("<I", like.height)),
            258: shorts(*[8 * row // (like.width * like.bands)] * like.bands),
            259: shorts(1),
            262: shorts(2 if like.bands > 2 else 1),
            273: (16, count, (starts + np.uint64(offset)).astype("<u8").tobytes()),
            277: shorts(like.bands),
            278: (4, 1, struct.pack("<I", rows)),
            279: (16, count, sizes.tobytes()),
            339: shorts(*[3 if like.format == "float" else 1] * like.bands),
        }
        if like.bands in (2, 4):
            tags[338] = shorts(2)
        return struct.pack("<2sHHHQ", b"II", 43, 8, 0, 16) + directory(tags, 16, big=True)

    return made(len(made(0)))
