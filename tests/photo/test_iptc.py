"""IPTC records agree with the new picture wherever they lie."""

from __future__ import annotations

import hashlib
import io

import pytest
import tifffile
from PIL import Image, IptcImagePlugin

from tests.photo import fidelity
from tests.photo.facts.jpeg_files import photoshop, resource
from unblur import photo
from unblur.photo import iptc

PIXELS = fidelity.picture(3)[:16, :24]


def _record(kind: int, content: bytes) -> bytes:
    return b"\x1c\2" + bytes([kind]) + len(content).to_bytes(2, "big") + content


def _records(layout: bytes, preview: bool) -> bytes:
    old = [_record(200, b"\0\x0b"), _record(201, b"\0\1"), _record(202, b"old")] * preview
    return b"".join([_record(5, b"Title"), _record(131, layout), *old, _record(80, b"Ada")])


def _jpeg(records: bytes, exif: Image.Exif) -> bytes:
    file = io.BytesIO()
    Image.fromarray(PIXELS).save(file, "JPEG", exif=exif)
    data = file.getvalue()
    digest = resource(1061, hashlib.md5(records, usedforsecurity=False).digest())
    found = photoshop(resource(1028, records) + digest)
    body = b"".join(bytes([255, m]) + (len(b) + 2).to_bytes(2, "big") + b for m, b in found)
    return data[:2] + body + data[2:]


@pytest.mark.parametrize("kind", ["jpeg", "png", "tiff"])
@pytest.mark.parametrize(("orientation", "layout"), [(1, b"L"), (3, b"L"), (6, b"P")])
def test_the_preview_goes_and_the_layout_turns(kind: str, orientation: int, layout: bytes) -> None:
    exif = Image.Exif()
    exif[0x112] = orientation
    read = photo.read(_jpeg(_records(b"L", preview=True), exif))
    wanted = _records(layout, preview=False)
    data = photo.encode(read, read.pixels, kind)
    again = photo.read(data)
    data = photo.encode(again, again.pixels, kind)
    if kind == "tiff":
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            page = file.pages[0].aspage()
            assert page.tags[33723].value.rstrip(b"\0") == wanted
            assert wanted in page.tags[34377].value
    elif kind == "jpeg":
        assert IptcImagePlugin.getiptcinfo(Image.open(io.BytesIO(data))) == {  # pyright: ignore
            (2, 5): b"Title", (2, 131): layout, (2, 80): b"Ada",
        }  # fmt: skip
        assert hashlib.md5(wanted, usedforsecurity=False).digest() in data
    else:
        assert again.origin.header.get("iptc-data").endswith(wanted + b"\0" * (len(wanted) % 2))


@pytest.mark.parametrize(
    "records", [b"", b"\x1c", b"\x1c\2\5\xff\xffa", b"no records", b"\x1c\2\5\0\0"]
)
def test_what_is_no_record_is_left(records: bytes) -> None:

    assert iptc.upright(records, True) == records
