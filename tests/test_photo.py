from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips

from tests.files import write
from unblur import photo


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_exif_is_kept_and_orientation_applied(
    tmp_path: Path, picture: np.ndarray, suffix: str
) -> None:
    image: Any = pyvips.Image.new_from_array(picture).copy()  # pyright: ignore
    image.set_type(pyvips.GValue.gint_type, "orientation", 6)
    image.set_type(pyvips.GValue.gstr_type, "exif-ifd0-Artist", "Ada")
    path = tmp_path / f"in{suffix}"
    image.write_to_file(str(path))
    read = photo.read(path)
    assert read.pixels.shape == (120, 96, 3)
    upright = np.rot90(picture, -1)
    assert np.abs(read.pixels.astype(int) - upright).mean() < 6
    written: Any = pyvips.Image.new_from_buffer(photo.encode(read, read.pixels), "")
    assert (written.width, written.height) == (96, 120)
    assert written.get("exif-ifd0-Artist").startswith("Ada")
    assert written.get("orientation") == 1


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


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_png_comes_back_bit_for_bit(picture: np.ndarray, channels: int, dtype: type) -> None:
    pixels = np.concatenate([picture, picture[::-1, :, :1]], axis=2)[..., :channels]
    pixels = pixels.astype(dtype) * (257 if dtype is np.uint16 else 1)
    kinds = {np.uint8: ("b-w", "srgb"), np.uint16: ("grey16", "rgb16")}[dtype]
    image: Any = pyvips.Image.new_from_array(
        np.ascontiguousarray(pixels), interpretation=kinds[channels > 2]
    )
    read = photo.read(image.pngsave_buffer())
    assert np.array_equal(read.pixels, pixels)
    assert np.array_equal(photo.read(photo.encode(read, read.pixels)).pixels, pixels)


def test_what_a_format_cannot_hold_is_said(picture: np.ndarray) -> None:
    alpha = np.concatenate([picture, picture[..., :1]], axis=2)
    image: Any = pyvips.Image.new_from_array(alpha, interpretation="srgb")
    read = photo.read(image.pngsave_buffer())
    with pytest.raises(photo.PhotoError, match="transparency"):
        photo.encode(read, read.pixels, "jpeg")
    deep: Any = pyvips.Image.new_from_array(picture.astype(np.uint16) * 257, interpretation="rgb16")
    read = photo.read(deep.pngsave_buffer())
    with pytest.raises(photo.PhotoError, match="16 bit"):
        photo.encode(read, read.pixels, "webp")


def test_bad_files_get_a_reason(tmp_path: Path, picture: np.ndarray) -> None:
    jpeg = write(tmp_path / "good.jpg", picture).read_bytes()
    png = write(tmp_path / "good.png", picture).read_bytes()
    webp = write(tmp_path / "good.webp", picture).read_bytes()
    image: Any = pyvips.Image.new_from_array(picture)
    tiff = image.tiffsave_buffer()
    reasons = {
        b"": "empty",
        b"hello": "not a picture",
        jpeg[: len(jpeg) // 2]: "damaged",
        png[: len(png) // 2]: "damaged",
        webp[: len(webp) // 2]: "not a picture|damaged",
        tiff: "TIFF",
    }
    for data, reason in reasons.items():
        path = tmp_path / "bad.jpg"
        path.write_bytes(data)
        with pytest.raises(photo.PhotoError, match=reason):
            photo.read(path)
    with pytest.raises(photo.PhotoError, match="does not exist"):
        photo.read(tmp_path / "none.jpg")
    with pytest.raises(photo.PhotoError, match="folder"):
        photo.read(tmp_path)


def test_saving_is_whole_or_nothing(tmp_path: Path) -> None:
    path = tmp_path / "new" / "out.png"
    photo.save(b"one", path)
    with pytest.raises(photo.PhotoError, match="exists already"):
        photo.save(b"two", path)
    photo.save(b"three", path, overwrite=True)
    assert path.read_bytes() == b"three"
    with pytest.raises(photo.PhotoError, match="cannot be written"):
        photo.save(b"x", path / "under" / "a-file.png")
    assert [p.name for p in path.parent.iterdir()] == ["out.png"]
