"""A file and its bytes are one photo, however much metadata lies before the pixels."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from tests.photo import fidelity
from unblur import photo
from unblur.photo import jpeg, png, reading

SIZES = (1, 5, 70, 300)
"""KB before the pixels: of Python's buffer, of libvips' sniffing, of a JPEG's segments."""

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.jpg"))
PIXELS = fidelity.picture(3)[:64, :64]


@pytest.mark.parametrize("kilobytes", SIZES)
@pytest.mark.parametrize("kind", ["jpeg", "png", "webp", "tiff", "avif", "heif", "gif"])
def test_a_path_and_its_bytes_are_one_photo(kind: str, kilobytes: int, tmp_path: Path) -> None:
    data = FILES[kind](text(kilobytes))
    path = tmp_path / "photo"
    path.write_bytes(data)
    assert_same(photo.read(path), photo.read(data))


@pytest.mark.parametrize("kind", ["jpeg", "png", "tiff"])
def test_a_file_that_is_replaced_meanwhile_is_read_to_its_end(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_DECODED_BYTES", 0)  # as if too large to hold
    path = tmp_path / "photo"
    path.write_bytes(FILES[kind](text(70)))
    wanted = photo.read(path.read_bytes()).pixels
    read = photo.read(path)
    (tmp_path / "new").write_bytes(b"another file")
    (tmp_path / "new").replace(path)
    assert np.array_equal(read.pixels, wanted)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_are_too(path: Path) -> None:
    one, other = photo.read(path), photo.read(path.read_bytes())
    assert origin(one) == origin(other)
    assert jpeg.tables_of(one.origin.head)


@pytest.mark.parametrize("kilobytes", SIZES)
def test_metadata_of_any_size_comes_back(kilobytes: int, tmp_path: Path) -> None:
    """Read by Pillow and tifffile, which share no code with what wrote it."""
    path, wanted = tmp_path / "photo", text(kilobytes)
    path.write_bytes(_tiff(wanted))
    read = photo.read(path)
    with tifffile.TiffFile(io.BytesIO(photo.encode(read, read.pixels))) as file:
        page: Any = file.pages[0]
        assert page.tags[270].value.encode() == wanted
        assert page.tags[315].value == "Ada"
        assert page.tags[33550].value == (1.5, 2.5, 0.0)
    path.write_bytes(_jpeg(wanted))
    read = photo.read(path)
    made: Any = Image.open(io.BytesIO(photo.encode(read, read.pixels)))
    before: Any = Image.open(io.BytesIO(path.read_bytes()))
    comments = [body for name, body in made.applist if name == "COM"]
    assert b"".join(comments) == wanted
    assert all(max(table) == 1 for table in before.quantization.values())
    assert made.quantization == before.quantization


def text(kilobytes: int) -> bytes:
    letters = np.random.default_rng(kilobytes).integers(97, 123, kilobytes * 1000, np.uint8)
    return letters.tobytes()


def assert_same(one: photo.Photo, other: photo.Photo) -> None:
    assert origin(one) == origin(other)
    assert np.array_equal(one.pixels, other.pixels)
    kind = "png" if one.format == "heif" else one.format
    assert photo.encode(one, one.pixels, kind) == photo.encode(other, other.pixels, kind)


def origin(read: photo.Photo) -> dict[str, Any]:
    """All fields of its origin; of the stored picture, its own, but how it was opened."""
    found = {field.name: getattr(read.origin, field.name) for field in fields(read.origin)}
    header = found.pop("header")
    names = set(header.get_fields()) - {"vips-loader", "filename"}
    return {**found, **{name: header.get(name) for name in names}}


def _pil(kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(PIXELS).save(file, kind, **options)
    return file.getvalue()


def _jpeg(data: bytes) -> bytes:
    plain = _pil("jpeg", quality=100, subsampling=0)
    parts = [data[at : at + 65000] for at in range(0, len(data), 65000)]
    comments = b"".join(b"\xff\xfe" + struct.pack(">H", len(part) + 2) + part for part in parts)
    return plain[:2] + comments + plain[2:]


def _png(data: bytes) -> bytes:
    plain = _pil("png")
    chunks = png.chunk(b"tEXt", b"Comment\0" + data) + bytes(png.exif_chunk(fidelity.exif())[0])
    return plain[: png.HEAD] + chunks + png.chunk(b"gAMA", b"\0\0\xb1\x8f") + plain[png.HEAD :]


def _webp(data: bytes) -> bytes:
    plain = _pil("webp", lossless=True)
    extended = struct.pack("<4sIB3xHBHB", b"VP8X", 10, 0, 63, 0, 63, 0)
    body = extended + struct.pack("<4sI", b"ABCD", len(data)) + data + plain[12:]
    return struct.pack("<4sI4s", b"RIFF", 4 + len(body), b"WEBP") + body


def _tiff(data: bytes) -> bytes:
    file = io.BytesIO()
    tags = [(315, 2, 0, "Ada", True), (33550, 12, 3, (1.5, 2.5, 0.0), True)]
    tifffile.imwrite(
        file, PIXELS, photometric="rgb", description=data.decode(), extratags=tags, metadata=None
    )
    return file.getvalue()


def _avif(data: bytes) -> bytes:
    return _pil("avif", exif=_exif_of(data[:1000]), xmp=data)


def _heif(data: bytes) -> bytes:
    heif = pytest.importorskip("pillow_heif")
    file = io.BytesIO()
    heif.from_pillow(Image.fromarray(PIXELS)).save(file, quality=90, exif=_exif_of(data))
    return file.getvalue()


def _gif(data: bytes) -> bytes:
    plain = _pil("gif")
    table = 13 + 3 * 2 ** ((plain[10] & 7) + 1)
    parts = [data[at : at + 255] for at in range(0, len(data), 255)]
    comment = b"\x21\xfe" + b"".join(bytes([len(part)]) + part for part in parts) + b"\0"
    return plain[:table] + comment + plain[table:]


def _exif_of(data: bytes) -> bytes:
    tags = Image.Exif()
    tags[270] = data.decode()
    return tags.tobytes()


FILES: dict[str, Callable[[bytes], bytes]] = {
    "jpeg": _jpeg, "png": _png, "webp": _webp, "tiff": _tiff, "avif": _avif, "heif": _heif,
    "gif": _gif,
}  # fmt: skip
