"""Samples that are not plain RGB come back exactly where nothing changed."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import pyvips
import tifffile
from PIL import Image, ImageCms

from tests.photo import fidelity
from unblur import photo
from unblur.errors import PhotoError

CASES = fidelity.cases()

CASES = fidelity.cases()


def float_tiff(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, pixels, photometric="rgb", metadata=None)
    return file.getvalue()


def test_only_changed_pixels_get_new_inks() -> None:
    data = next(case for case in CASES if case.mode == "CMYK, 8 bit").data()
    before: Any = pyvips.Image.new_from_buffer(data, "").numpy()  # pyright: ignore
    read = photo.read(data)
    pixels = read.pixels.copy()
    pixels[10:20, 10:20] = (200, 10, 10)
    after: Any = pyvips.Image.new_from_buffer(photo.encode(read, pixels), "").numpy()  # pyright: ignore
    changed = (before != after).any(axis=2)
    assert changed[10:20, 10:20].all()
    assert changed.sum() == 100
    assert (
        np.abs(photo.read(photo.encode(read, pixels)).pixels[15, 15] - (200, 10, 10.0)).max() < 40
    )


@pytest.mark.parametrize("unit", [1, 255, 65535])
def test_floats_of_any_range_survive(unit: int) -> None:
    values = (fidelity.picture(3, np.float32) * unit).astype(np.float32)
    values[0, 0] = 40 * unit
    values[0, 1] = -3 * unit
    read = photo.read(float_tiff(values))
    assert read.pixels.dtype == np.float32
    assert 0.9 < read.pixels.max() <= 1
    assert read.pixels.min() == 0
    pixels = read.pixels.copy()
    pixels[50:, 50:] += np.float32(0.125)
    after = tifffile.imread(io.BytesIO(photo.encode(read, pixels)))
    assert np.array_equal(after[:50], values[:50])
    assert np.allclose(after[50:, 50:], values[50:, 50:] + 0.125 * unit, atol=1e-5 * unit)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_floats_that_are_no_numbers_are_said(bad: float) -> None:
    values = fidelity.picture(3, np.float32)
    values[40, 50, 2] = bad
    with pytest.raises(PhotoError, match="not numbers"):
        photo.read(float_tiff(values))


@pytest.mark.parametrize("kind", ["jpeg", "tiff"])
@pytest.mark.parametrize("what", ["of RGB", "no profile"])
def test_cmyk_whose_profile_does_not_fit(kind: str, what: str) -> None:
    pixels = fidelity.picture(4)
    rgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    profile = rgb if what == "of RGB" else b"no profile" * 30
    data = io.BytesIO()
    cmyk = Image.frombytes("CMYK", pixels.shape[1::-1], pixels.tobytes())
    cmyk.save(data, kind.upper(), icc_profile=profile)
    read = photo.read(data.getvalue())
    for pixels in (read.pixels, 255 - read.pixels):
        again = Image.open(io.BytesIO(photo.encode(read, pixels)))
        assert again.mode == "CMYK"
        assert again.info["icc_profile"] == profile
    assert photo.read(photo.encode(read, read.pixels, "png")).channels == 3
