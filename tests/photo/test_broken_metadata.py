"""Mutated chunks, blocks and boxes: read or refused with one line, in bounded time and memory."""

from __future__ import annotations

import io
import struct
import zlib
from functools import cache

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.photo import fidelity, test_avif, test_gif_webp, test_png
from tests.photo.facts.png import checked
from unblur import photo
from unblur.errors import PhotoError
from unblur.photo import webp
from unblur.photo.formats import BY_NAME
from unblur.photo.gif_blocks import ICC, XMP, application
from unblur.photo.png_text import profile
from unblur.photo.writing import lost


@cache
def seeds() -> dict[str, bytes]:
    """A file of each format with metadata of every kind."""
    pixels = fidelity.picture(3)[:16, :16]
    exif = b"Raw profile type exif\0\0" + zlib.compress(profile(b"exif", fidelity.exif(6)))
    early = [
        *test_png.TEXT[:5],
        (b"zTXt", exif),
        (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + fidelity.XMP),
        (b"cICP", bytes((12, 13, 0, 1))),
        (b"mDCV", bytes(24)),
        (b"cLLI", bytes(8)),
        (b"sBIT", bytes((5, 6, 5))),
        (b"pHYs", struct.pack(">IIB", 1, 2, 0)),
        (b"sCAL", b"\1" + b"0.5\0" + b"0.25"),
        (b"gAMA", struct.pack(">I", 1)),
        (b"bKGD", bytes(6)),
        (b"acTL", struct.pack(">II", 1, 0)),
    ]
    small = fidelity._image(np.ascontiguousarray(pixels))
    metadata = {b"EXIF": fidelity.exif(6), b"XMP ": fidelity.XMP, b"ICCP": b"x"}
    points = [test_avif.colr(9, 16, 9), test_avif.box(b"mdcv", bytes(24))]
    blocks = test_gif_webp.COMMENT + test_gif_webp.OTHER + application(ICC, b"x" * 300)
    return {
        "png": test_png.png(Image.fromarray(pixels), early, test_png.TEXT[5:8]),
        "webp": webp.with_chunks(
            small.webpsave_buffer(keep=0), (16, 16), False, metadata, [(b"more", b"abc")]
        ),
        "gif": test_gif_webp.gif(blocks, application(XMP, fidelity.XMP), 99, 7),
        "avif": test_avif.avif(*points, test_avif.box(b"irot", b"\1")),
    }


@st.composite
def mutated(draw: st.DrawFn) -> tuple[str, bytes]:
    kind = draw(st.sampled_from(["png", "webp", "gif", "avif"]))
    data = bytearray(seeds()[kind])
    for _ in range(draw(st.integers(1, 4))):
        # Most of the metadata lies in the beginning.
        at = draw(st.integers(8, min(len(data), 1500) - 1))
        change = draw(st.sampled_from(["byte", "most", "zeros", "cut", "double", "number"]))
        size = draw(st.integers(1, 40))
        if change == "byte":
            data[at] = draw(st.integers(0, 255))
        elif change == "most":
            data[at : at + 4] = b"\xff" * 4
        elif change == "zeros":
            data[at : at + size] = bytes(size)
        elif change == "cut":
            del data[at : at + size]
        elif change == "double":
            data[at:at] = data[at : at + size]
        else:
            data[at : at + 4] = struct.pack(">I", draw(st.integers(0, 2**32 - 1)))
        if len(data) < 30:
            break
    return kind, checked(bytes(data)) if kind == "png" and draw(st.booleans()) else bytes(data)


@settings(max_examples=300, deadline=5000)
@given(mutated())
def test_mutated_metadata_is_read_or_refused(case: tuple[str, bytes]) -> None:
    kind, data = case
    try:
        BY_NAME[kind].extras(io.BytesIO(data))
    except PhotoError as error:
        assert "\n" not in str(error)  # noqa: PT017
    try:
        read = photo.read(data, 2**16)
        for target in (read.format, "png", "gif"):
            assert "\n" not in "".join(lost(read, target))
            photo.encode(read, read.pixels, target)
    except PhotoError as error:
        assert "\n" not in str(error)  # noqa: PT017


def test_a_text_that_expands_too_far_is_not_expanded() -> None:
    packer = zlib.compressobj()
    bomb = b"".join(packer.compress(bytes(2**20)) for _ in range(128)) + packer.flush()
    data = test_png.png(
        Image.fromarray(fidelity.picture(3)),
        [
            (b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + bomb),
            (b"zTXt", b"Raw profile type exif\0\0" + bomb),
        ],
    )
    try:
        read = photo.read(data)
    except PhotoError as error:
        assert "\n" not in str(error)  # noqa: PT017
        return
    assert read.origin.exif == b""
    assert len(photo.encode(read, read.pixels)) < 2 * len(data)
