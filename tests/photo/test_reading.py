"""What is read, and what is refused with a reason."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from PIL import Image

from tests.files import write
from tests.photo import fidelity
from unblur import photo
from unblur.errors import PhotoError, UnknownFormatError

CASES = fidelity.cases()

CASES = fidelity.cases()


def test_bad_files_get_a_reason(tmp_path: Path, picture: np.ndarray) -> None:
    jpeg = write(tmp_path / "good.jpg", picture).read_bytes()
    png = write(tmp_path / "good.png", picture).read_bytes()
    webp = write(tmp_path / "good.webp", picture).read_bytes()
    reasons = {
        b"": "empty",
        b"hello": "not a picture",
        jpeg[: len(jpeg) // 2]: "damaged",
        png[: len(png) // 2]: "damaged",
        webp[: len(webp) // 2]: "not a picture|damaged",
    }
    for data, reason in reasons.items():
        path = tmp_path / "bad.jpg"
        path.write_bytes(data)
        with pytest.raises(PhotoError, match=reason):
            photo.read(path)
    with pytest.raises(PhotoError, match="does not exist"):
        photo.read(tmp_path / "none.jpg")
    with pytest.raises(PhotoError, match="folder"):
        photo.read(tmp_path)


def test_a_valid_jpeg_that_cannot_be_read_is_not_called_damaged(picture: np.ndarray) -> None:
    image: Any = pyvips.Image.new_from_array(picture)
    good = image.jpegsave_buffer(keep=0)
    frame = good.index(b"\xff\xc0")
    for at, value in ((4, 12), (1, 0xC5), (1, 0xF7)):  # 12 bit, hierarchical, JPEG-LS
        other = bytearray(good)
        other[frame + at] = value
        with pytest.raises(UnknownFormatError, match=r"not supported \(.*Unsupp.*; convert it to"):
            photo.read(bytes(other))


def test_a_valid_avif_that_cannot_be_read_is_not_called_damaged(picture: np.ndarray) -> None:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "avif")
    good = file.getvalue()
    coded = good.index(b"av01", good.index(b"infe"))
    with pytest.raises(UnknownFormatError, match=r"not supported \(heif: Unsupp.*; convert it to"):
        photo.read(good[:coded] + b"unci" + good[coded + 4 :])


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["jpeg", "png", "tiff", "webp"])
def test_every_orientation_is_turned_upright(kind: str, orientation: int) -> None:
    upright = fidelity.picture(3)
    turns: list[Any] = [
        lambda a: a,
        lambda a: a[:, ::-1],
        lambda a: a[::-1, ::-1],
        lambda a: a[::-1],
        lambda a: a.transpose(1, 0, 2),
        lambda a: np.rot90(a, 1),
        lambda a: a[::-1, ::-1].transpose(1, 0, 2),
        lambda a: np.rot90(a, -1),
    ]
    image: Any = pyvips.Image.new_from_array(
        np.ascontiguousarray(turns[orientation - 1](upright))
    ).copy()  # pyright: ignore
    image.set_type(pyvips.GValue.gint_type, "orientation", orientation)
    options = {"jpeg": {"Q": 98, "subsample_mode": "off"}, "webp": {"lossless": True}}
    read = photo.read(getattr(image, f"{kind}save_buffer")(**options.get(kind, {})))
    assert fidelity.psnr(read.pixels, upright) > 40
    again = photo.read(photo.encode(read, read.pixels))
    assert fidelity.psnr(again.pixels, upright) > 40


def test_broken_files_are_read_or_refused() -> None:
    rng = np.random.default_rng(1)
    seen: set[str] = set()
    for case in CASES:
        if case.format in seen and rng.random() < 0.8:
            continue
        seen.add(case.format)
        good = case.data()
        bad = [good[: int(len(good) * part)] for part in (0.01, 0.05, 0.2, 0.5, 0.9, 0.999)]
        for many in (1, 3, 20, 200):
            flipped = bytearray(good)
            for at in rng.integers(0, len(good), many):
                flipped[at] ^= 1 << rng.integers(8)
            bad.append(bytes(flipped))
        head = bytearray(good)
        for at in rng.integers(4, min(120, len(good)), 6):
            head[at] = rng.integers(256)
        bad += [bytes(head), good[:16] + bytes(len(good) - 16), good + good]
        for data in bad:
            try:
                read = photo.read(data, 2**22)
                photo.encode(read, read.pixels)
            except PhotoError as error:
                assert "\n" not in str(error)  # noqa: PT017
    assert len(seen) == 6


def test_bombs_are_refused_before_they_are_decoded() -> None:
    huge: Any = pyvips.Image.black(40000, 40000).cast("uchar")  # pyright: ignore
    data = huge.pngsave_buffer(compression=1, filter="none")
    with pytest.raises(PhotoError, match=r"40000x40000 pixels.*raise the limit"):
        photo.read(data)
    small = photo.read(fidelity._image(fidelity.picture(3)).pngsave_buffer(), 96 * 120)
    assert small.width == 120
    with pytest.raises(PhotoError, match="limit of 1000"):
        photo.read(fidelity._image(fidelity.picture(3)).gifsave_buffer(), 1000)


def test_several_pictures_in_a_file_are_refused() -> None:
    pages: Any = pyvips.Image.new_from_array(np.concatenate([fidelity.picture(3)] * 2))
    pages = pages.copy()
    pages.set_type(pyvips.GValue.gint_type, "page-height", 96)
    with pytest.raises(PhotoError, match="several pages"):
        photo.read(pages.tiffsave_buffer())
    other: Any = pyvips.Image.new_from_array(
        np.concatenate([fidelity.picture(3), fidelity.picture(3)[::-1]])
    ).copy()  # pyright: ignore
    other.set_type(pyvips.GValue.gint_type, "page-height", 96)
    for data in (other.gifsave_buffer(), other.webpsave_buffer()):
        with pytest.raises(PhotoError, match="animated"):
            photo.read(data)


def test_names_do_not_matter_but_raw_files_do(tmp_path: Path) -> None:
    png = fidelity._image(fidelity.picture(3)).pngsave_buffer()
    for name in (b"photo.jpg", b"a[page=3].png", b"\xff\xfe.png", b"no ending", b"x.nef"):
        path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
        path.write_bytes(png)
        assert photo.read(path).format == "png"
        bare = tmp_path / "raw"
        bare.write_bytes(photo.read(path).pixels.tobytes())
        out = path.with_name(path.name + ".out")
        photo.write(photo.read(path), bare, out, "tiff")
        assert photo.read(out).format == "tiff"
    tiff = tmp_path / "shot.NEF"
    tiff.write_bytes(fidelity._image(fidelity.picture(3)).tiffsave_buffer())
    other = tmp_path / "shot.cr3"
    other.write_bytes(b"\0\0\0\x18ftypcrx " + bytes(64))
    for path in (tiff, other):
        with pytest.raises(PhotoError, match=r"camera raw.*darktable"):
            photo.read(path)
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"></svg>'
    with pytest.raises(PhotoError, match="not a picture"):
        photo.read(svg)


def test_heic_is_read_with_its_tags(monkeypatch: pytest.MonkeyPatch) -> None:
    heif = pytest.importorskip("pillow_heif")
    for mode, dtype in (("RGB", np.uint8), ("RGBA", np.uint8), ("RGB;16", np.uint16)):
        pixels = fidelity.picture(len(mode.split(";")[0]), dtype)
        file, data = heif.from_bytes(mode, (120, 96), pixels.tobytes()), io.BytesIO()
        file.save(data, quality=-1, exif=b"Exif\0\0" + fidelity.exif(6), xmp=fidelity.XMP)
        read = photo.read(data.getvalue())
        assert read.format == "heif"
        assert read.pixels.dtype == dtype
        shown = read.pixels.astype(float) / np.iinfo(dtype).max
        wanted = pixels.astype(float) / np.iinfo(dtype).max
        assert shown.shape in (wanted.shape, np.rot90(wanted).shape)
        assert photo.read_size(data.getvalue()) == (read.width, read.height)
        kind = "jpeg" if mode == "RGB" else "png"
        made = photo.encode(read, read.pixels, kind)
        tags = Image.open(io.BytesIO(made)).getexif()
        assert (tags[0x10F], tags[0x112]) == ("Ada", 1)
        with pytest.raises(PhotoError, match="cannot be written"):
            photo.encode(read, read.pixels)
        with pytest.raises(PhotoError, match="limit of 100"):
            photo.read(data.getvalue(), 100)
        with pytest.raises(PhotoError, match="damaged"):
            photo.read(data.getvalue()[:300])
    with pytest.raises(PhotoError, match="HEIC cannot be written"):
        photo.format_of(Path("a.HEIC"))
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(PhotoError, match=r"pip install 'unblur\[heic\]'"):
        photo.read(data.getvalue())
