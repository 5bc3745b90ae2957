"""A photo comes back as it was, in every format."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.photo import fidelity
from tests.photo.page import END, HEAD, NOTES
from unblur import photo
from unblur.errors import PhotoError
from unblur.photo import jpeg, reading, scratch_pixels

CASES = fidelity.cases()


def test_icc_profile_and_resolution_are_kept(tmp_path: Path, picture: np.ndarray) -> None:
    image: Any = pyvips.Image.new_from_array(picture).copy(xres=11.5, yres=11.5)  # pyright: ignore
    profile = image.icc_export(output_profile="p3").get("icc-profile-data")
    image = image.copy()
    image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
    read = photo.read(image.pngsave_buffer())
    written: Any = pyvips.Image.new_from_buffer(photo.encode(read, read.pixels), "")
    assert written.get("icc-profile-data") == profile
    assert written.xres == pytest.approx(11.5, rel=1e-2)
    assert np.array_equal(written.numpy(), picture)


def test_what_a_format_cannot_hold_is_said(picture: np.ndarray) -> None:
    alpha = np.concatenate([picture, picture[..., :1]], axis=2)
    image: Any = pyvips.Image.new_from_array(alpha, interpretation="srgb")
    read = photo.read(image.pngsave_buffer())
    with pytest.raises(PhotoError, match="transparency"):
        photo.encode(read, read.pixels, "jpeg")
    deep: Any = pyvips.Image.new_from_array(picture.astype(np.uint16) * 257, interpretation="rgb16")
    read = photo.read(deep.pngsave_buffer())
    with pytest.raises(PhotoError, match="16 bit"):
        photo.encode(read, read.pixels, "webp")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_unchanged_comes_back(case: fidelity.Case) -> None:
    row = fidelity.measure(case)
    assert row.psnr >= (fidelity.FLOOR if case.lossy else np.inf)
    assert False not in row.same.values(), row.same


def test_the_documented_table_is_of_these_cases() -> None:
    page = (Path(__file__).parents[2] / "docs" / "fidelity.md").read_text()
    assert [f"| {case.format} | {case.mode} |" in page for case in CASES] == [True] * len(CASES)
    assert "lost" not in page
    assert page.startswith(HEAD)
    assert NOTES in page
    assert page.endswith(END)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_writing_from_a_file_is_encoding(
    tmp_path: Path, case: fidelity.Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_DECODED_BYTES", 0)  # as if too large to hold
    if "palette" not in case.mode:
        monkeypatch.setattr(scratch_pixels, "_SMALL_BYTES", 0)
        monkeypatch.setattr(scratch_pixels, "_STRIP_BYTES", 2000)
    source = tmp_path / "source"
    source.write_bytes(case.data())
    read = photo.read(source)
    pixels = read.pixels
    part = read.region(7, 11, 50, 60)
    assert np.array_equal(part, pixels[7:57, 11:71])
    new = pixels[:, ::-1].copy() if case.format != "GIF" else pixels
    (tmp_path / "raw").write_bytes(new.tobytes())
    out = tmp_path / "out"
    photo.write(read, tmp_path / "raw", out, read.format)
    again = photo.read(photo.encode(read, new))
    assert np.array_equal(photo.read(out).pixels, again.pixels)


def test_exif_goes_from_format_to_format() -> None:
    """Read by Pillow and tifffile, which share no code with what wrote it."""
    plain: Any = pyvips.Image.new_from_array(fidelity.picture(3))
    start = jpeg.with_segments(
        plain.jpegsave_buffer(keep=0), [*jpeg.exif_segments(fidelity.exif(6)), (0xFE, b"note")]
    )
    read = photo.read(start)
    assert (read.width, read.height) == (96, 120)
    for kind in ("jpeg", "png", "webp", "avif"):
        tags = Image.open(io.BytesIO(photo.encode(read, read.pixels, kind))).getexif()
        assert tags[0x10F] == "Ada"
        assert tags.get(0x112, 1) == 1
        assert tags.get_ifd(0x8769)[0x927C] == fidelity.MAKERNOTE
        assert tags.get_ifd(0x8825)[2][0] == 51
        assert tags[0x4746] == 4
    with tifffile.TiffFile(io.BytesIO(photo.encode(read, read.pixels, "tiff"))) as file:
        found: Any = file.pages[0]
        assert found.tags[0x10F].value == "Ada"
        assert found.tags[0x8769].value["MakerNote"] == fidelity.MAKERNOTE
        assert found.tags[0xC999].value == (7, 8)
    data = photo.encode(read, read.pixels)
    assert [body for marker, body in jpeg.segments(data) if marker == 0xFE] == [b"note"]
    back = photo.read(photo.encode(read, read.pixels, "tiff"))
    assert Image.open(io.BytesIO(photo.encode(back, back.pixels, "png"))).getexif()[0x10F] == "Ada"


@pytest.mark.parametrize("quality", [30, 85, 99])
def test_jpeg_quality_is_no_worse(quality: int) -> None:
    plain: Any = pyvips.Image.new_from_array(fidelity.picture(3))
    data = plain.jpegsave_buffer(Q=quality)
    read = photo.read(data)
    ours = jpeg.tables_of(photo.encode(read, read.pixels))
    theirs = jpeg.tables_of(data)
    assert len(ours) == len(theirs) == 2
    assert all((o <= t).all() for o, t in zip(ours, theirs, strict=True))


def test_a_palette_too_small_becomes_rgb() -> None:
    data = next(case for case in CASES if case.mode == "palette of RGB").data()
    read = photo.read(data)
    pixels = fidelity.picture(3)
    after: Any = pyvips.Image.new_from_buffer(photo.encode(read, pixels), "")
    assert after.get_typeof("palette") == 0
    assert np.array_equal(after.numpy(), pixels)


@settings(max_examples=60)
@given(
    st.integers(1, 40),
    st.integers(1, 40),
    st.integers(1, 4),
    st.sampled_from([np.uint8, np.uint16, np.float32]),
    st.sampled_from(["png", "tiff", "webp", "jpeg", "gif", "avif"]),
    st.integers(0, 2**32 - 1),
)
def test_any_size_and_depth_comes_back_or_is_refused(
    height: int, width: int, channels: int, dtype: type, kind: str, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    whole = rng.integers(0, 256, (height, width, channels)).astype(dtype)
    pixels = whole / np.float32(255) if dtype is np.float32 else whole
    read = photo.read(fidelity._image(pixels).tiffsave_buffer())
    assert np.array_equal(read.pixels, pixels)
    try:
        data = photo.encode(read, pixels, kind)
    except PhotoError as error:
        assert "\n" not in str(error)  # noqa: PT017
        assert kind not in ("png", "tiff") or dtype is np.float32
        return
    again = photo.read(data)
    assert (again.height, again.width) == (height, width)
    if kind in ("png", "tiff"):
        assert np.array_equal(again.pixels, pixels)


@pytest.mark.parametrize("size", [(1, 1), (1, 10000), (10000, 1)])
@pytest.mark.parametrize("kind", ["png", "jpeg", "tiff", "webp"])
def test_thin_photos(size: tuple[int, int], kind: str) -> None:
    image: Any = pyvips.Image.black(*size, bands=3) + 90
    read = photo.read(getattr(image.cast("uchar"), f"{kind}save_buffer")())
    assert np.abs(photo.read(photo.encode(read, read.pixels)).pixels - 90.0).max() <= 1
