"""The blocks of a GIF and the chunks of a WebP: carried, or dropped with a word."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image

from tests.photo import fidelity
from unblur import photo
from unblur.errors import PhotoError
from unblur.photo import webp
from unblur.photo.gif_blocks import ICC, XMP, application
from unblur.photo.writing import lost

FEW = Image.fromarray(fidelity.picture(3) // 64 * 85).quantize(60)
COMMENT = b"\x21\xfe\x05first\x06second\0"
OTHER = b"\x21\xff\x0bUNKNOWN1.00\x03abc\0"


def gif(early: bytes = b"", late: bytes = b"", aspect: int = 0, background: int = 0) -> bytes:
    file = io.BytesIO()
    FEW.save(file, "GIF")
    data = bytearray(file.getvalue())
    start = 13 + 3 * 2 ** ((data[10] & 7) + 1)
    data[3:6], data[11], data[12] = b"89a", background, aspect
    return bytes(data[:start]) + early + bytes(data[start:-1]) + late + b";"


def test_blocks_of_a_gif() -> None:
    icc = Image.open(io.BytesIO(fidelity._dressed(fidelity._image(fidelity.picture(3)), "png")))
    profile = icc.info["icc_profile"]
    early = COMMENT + OTHER + application(ICC, profile)
    late = b"\x21\xfe\x04late\0" + application(XMP, fidelity.XMP)
    data = gif(early, late, aspect=99, background=7)
    read = photo.read(data)
    assert lost(read, "gif") == ()
    back = photo.encode(read, read.pixels)
    image = Image.open(io.BytesIO(back))
    assert image.info["comment"] == b"firstsecond"
    for block in (
        COMMENT,
        OTHER,
        application(ICC, profile),
        application(XMP, fidelity.XMP),
        b"\x21\xfe\x04late\0;",
    ):
        assert block in back
    assert back[12] == 99
    assert b"NETSCAPE" not in back
    colours = [data[13 + 3 * 7 :][:3], back[13 + 3 * back[11] :][:3]]
    assert colours[0] == colours[1]
    assert np.array_equal(np.array(image.convert("RGB")), read.pixels[..., :3])
    assert photo.encode(photo.read(back), read.pixels) == back
    assert lost(read, "png") == (
        "its comment",
        "its application block UNKNOWN1.00",
        "the aspect of its pixels",
    )
    made = Image.open(io.BytesIO(photo.encode(read, read.pixels, "png")))
    assert made.info["icc_profile"] == profile
    assert photo.read(photo.encode(read, read.pixels, "png")).origin.header.get("xmp-data")
    text = b"\x21\x01\x0c" + bytes(12) + b"\x02hi\0"
    ends = gif(b"\x21\xff\x0bNETSCAPE2.0\x03\1\0\0\0", text) + b"more"
    assert lost(photo.read(ends), "gif") == ("its block of plain text", "the data behind its end")


def test_a_gif_without_transparency_stays_so() -> None:
    read = photo.read(gif())
    again = Image.open(io.BytesIO(photo.encode(read, read.pixels)))
    assert "transparency" not in again.info
    assert photo.read(photo.encode(read, read.pixels)).channels == 3


def test_what_a_gif_cannot_hold_is_said() -> None:
    jpeg = next(case for case in fidelity.cases() if case.format == "JPEG").data()
    held = {"its IPTC records", "its resolution"}
    assert {"its EXIF", *held} <= set(lost(photo.read(jpeg), "gif"))
    for kind in ("webp", "avif"):
        assert held <= set(lost(photo.read(jpeg), kind))
        assert "its EXIF" not in lost(photo.read(jpeg), kind)
    assert not held & set(lost(photo.read(jpeg), "png"))


def chunks(data: bytes) -> dict[bytes, bytes]:
    found, at = {}, 12
    while at < len(data):
        name, length = struct.unpack_from("<4sI", data, at)
        found[name] = data[at + 8 : at + 8 + length]
        at += 8 + length + length % 2
    return found


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("lossless", [True, False])
def test_chunks_of_a_webp(channels: int, lossless: bool) -> None:
    image = fidelity._image(fidelity.picture(channels))
    bare = image.webpsave_buffer(lossless=lossless, keep=0)
    assert b"VP8X" not in chunks(photo.encode(photo.read(bare), photo.read(bare).pixels)) or (
        channels == 4
    )
    metadata = {b"EXIF": fidelity.exif(), b"XMP ": fidelity.XMP}
    unknown = [(b"odd ", b"abc"), (b"more", b"")]
    data = webp.with_chunks(bare, (120, 96), channels == 4, metadata, unknown)
    for name, given in (("announced", data), ("not announced", _without_flags(data))):
        read = photo.read(given)
        back = photo.encode(read, read.pixels)
        found = chunks(back)
        assert [*found][-4:] == [b"EXIF", b"XMP ", b"odd ", b"more"], name
        assert {**metadata, **dict(unknown)} == {n: found[n] for n in [*found][-4:]}
        assert found[b"VP8X"][0] == 0x0C + 0x10 * (channels == 4)
        assert struct.unpack_from("<I", back, 4)[0] == len(back) - 8
        picture = Image.open(io.BytesIO(back))
        assert picture.info["xmp"] == fidelity.XMP
        assert picture.getexif()[0x10F] == "Ada"
        assert np.array_equal(np.array(picture)[..., :channels], read.pixels)
        assert lost(read, "webp") == ()
        assert lost(read, "png") == ("its chunk odd", "its chunk more")
    signed = webp.with_chunks(bare, (120, 96), channels == 4, {}, [(b"C2PA", b"x")]) + b"film"
    assert [word.split(",")[0] for word in lost(photo.read(signed), "webp")] == [
        "its content credentials (C2PA)",
        "the data behind its end",
    ]


def test_an_animation_of_one_frame_is_a_photo() -> None:
    frames = [Image.fromarray(np.roll(fidelity.picture(3), 9 * i, 1)) for i in range(2)]
    for these in (frames[:1], frames):
        file = io.BytesIO()
        frames[0].save(file, "WEBP", save_all=True, append_images=these[1:], lossless=True)
        data = file.getvalue()
        if len(these) == 1:
            inner = chunks(data)
            if b"ANMF" not in inner:  # as some encoders write it
                frame = bytes(6) + (119).to_bytes(3, "little") + (95).to_bytes(3, "little")
                body = frame + bytes(4) + data[12:]
                data = _riff(
                    [
                        (b"VP8X", struct.pack("<I", 2) + frame[6:]),
                        (b"ANIM", bytes(6)),
                        (b"ANMF", body),
                    ]
                )
            read = photo.read(data)
            assert read.origin.lossless
            assert np.array_equal(read.pixels[..., :3], np.array(frames[0]))
            assert b"ANIM" not in photo.encode(read, read.pixels)
        else:
            with pytest.raises(PhotoError, match="animated"):
                photo.read(data)


def _riff(listed: list[tuple[bytes, bytes]]) -> bytes:
    body = b"".join(struct.pack("<4sI", n, len(d)) + d + b"\0" * (len(d) % 2) for n, d in listed)
    return struct.pack("<4sI4s", b"RIFF", 4 + len(body), b"WEBP") + body


def _without_flags(data: bytes) -> bytes:
    at = data.index(b"VP8X") + 8
    return data[:at] + bytes([data[at] & 0x10]) + data[at + 1 :]
