"""PIL images of every mode."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

import unblur
from tests.photo import fidelity
from unblur import photo
from unblur.errors import PhotoError
from unblur.inference.pil import open_pil

SIZE = (24, 16)
KEY = (200, 60, 160)


def colours() -> Image.Image:
    return Image.fromarray(fidelity.picture(4)[:16, :24])


def keyed() -> np.ndarray:
    """A picture with a block of the key's colour."""
    rgb = fidelity.picture(3)[:16, :24].copy()
    rgb[4:9, 3:11] = KEY
    return rgb


def of_mode(mode: str) -> Image.Image:
    if mode.startswith("I;16"):
        deep = np.asarray(colours().convert("L")).astype(np.uint16) * 257
        return Image.frombytes(
            mode, SIZE, deep.astype(">u2" if mode[-1] == "B" else "<u2").tobytes()
        )
    if mode == "F":
        return Image.fromarray(np.asarray(colours().convert("L"), np.float32) / 255)
    via = {"La": "LA", "RGBa": "RGBA", "PA": "P"}
    return colours().convert(via[mode]).convert(mode) if mode in via else colours().convert(mode)


MODES = ("L", "LA", "La", "RGB", "RGBA", "RGBa", "RGBX", "YCbCr", "HSV", "CMYK", "F", "1", "I;16",
         "I;16L", "I;16B", "P", "PA")  # fmt: skip


@pytest.mark.parametrize("mode", MODES)
def test_unchanged_pixels_give_the_image_back(mode: str) -> None:
    image = of_mode(mode)
    pixels, new = open_pil(image)
    back = new(pixels.copy())
    assert (back.mode, back.size, back.tobytes()) == (mode, SIZE, image.tobytes())
    assert pixels.dtype.isnative


@pytest.mark.parametrize("mode", MODES)
def test_only_what_is_changed_changes(mode: str) -> None:
    image = of_mode(mode)
    image.info["comment"] = "kept"
    pixels, new = open_pil(image)
    after = pixels.copy()
    after[:8] = after[:8] // 2 if after.dtype.kind == "u" else after[:8] / 2
    if after.ndim == 3 and after.shape[2] in (2, 4):
        after[..., -1] = pixels[..., -1]
    back = new(after)
    assert back.mode == {"P": "RGB", "PA": "RGBA"}.get(mode, mode)
    assert back.info["comment"] == "kept"
    before = image.convert(back.mode) if mode in ("P", "PA") else image
    one, two = np.asarray(before), np.asarray(back)
    assert np.array_equal(one[8:], two[8:])
    assert not np.array_equal(one[:8], two[:8])
    if mode not in ("1", "CMYK"):
        shown = open_pil(back)[0][:8].astype(float)
        # Little is left of the colours of what is nearly transparent.
        seen = after[:8, :, -1:] / 255 if mode in ("La", "RGBa") else 1.0
        assert (np.abs(shown - after[:8]) * seen).max() <= (14 if mode == "HSV" else 4)


def clear(image: Image.Image) -> np.ndarray:
    """Where a viewer sees through."""
    if image.mode == "1":  # Pillow writes a key beyond one bit, which other readers do not take
        return np.asarray(image) == (image.info["transparency"] > 0)
    data = io.BytesIO()
    image.save(data, "PNG")
    pixels = photo.read(data.getvalue()).pixels
    return pixels[..., -1] == 0


def with_key(mode: str) -> Image.Image:
    rgb = Image.fromarray(keyed())
    if mode == "RGB":
        rgb.info["transparency"] = KEY
        return rgb
    grey = np.asarray(rgb.convert("L")).copy()
    level = int(grey[5, 5])
    if mode == "I;16":
        deep = Image.fromarray(grey.astype(np.uint16) * 257)
        deep.info["transparency"] = level * 257
        return deep
    bare = Image.Dither.NONE
    image = rgb.quantize(16) if mode == "P" else rgb.convert("L").convert(mode, dither=bare)
    level = int(np.asarray(image)[5, 5])
    image.info["transparency"] = 255 * level if mode == "1" else level
    return image


@pytest.mark.parametrize("mode", ["1", "L", "RGB", "I;16", "P"])
def test_a_colour_key_is_alpha_and_stays(mode: str) -> None:
    image = with_key(mode)
    assert image.mode == mode
    before = clear(image)
    assert before[5, 5]
    pixels, new = open_pil(image)
    assert np.array_equal(pixels[..., -1] == 0, before)
    after = pixels.copy()
    after[..., :-1] = pixels[5, 5, :-1]  # every pixel takes the key's colour
    back = new(after)
    assert back.mode == ("RGBA" if mode == "P" else mode)
    assert np.array_equal(clear(back), before)
    assert mode == "P" or back.info["transparency"] == image.info["transparency"]


def test_transparency_is_as_through_the_file() -> None:
    data = io.BytesIO()
    with_key("RGB").save(data, "PNG")
    through = photo.read(unblur.deblur(data.getvalue())).pixels[..., -1] == 0
    with Image.open(io.BytesIO(data.getvalue())) as image:
        back = unblur.deblur(image)
    assert np.array_equal(clear(back), through)
    assert np.asarray(back.convert("RGBA"))[..., 3].min() == 0


def test_the_orientation_stays_with_its_pixels() -> None:
    data = io.BytesIO()
    colours().convert("RGB").save(data, "JPEG", exif=b"Exif\0\0" + fidelity.exif(6), quality=98)
    with Image.open(io.BytesIO(data.getvalue())) as image:
        back = unblur.deblur(image, strength=0.5)
    assert back.size == SIZE
    assert back.getexif()[0x112] == 6
    assert ImageOps.exif_transpose(back).size == SIZE[::-1]


@pytest.mark.parametrize("mode", ["I", "LAB"])
def test_other_modes_are_refused_with_advice(mode: str) -> None:
    image: Any = Image.new(mode, (4, 4))
    for call in (unblur.deblur, unblur.inspect):
        with pytest.raises(ValueError, match=f"can be taken, not {mode}; convert it to RGB or L"):
            call(image)


def test_a_truncated_image_is_one_line() -> None:
    data = io.BytesIO()
    colours().convert("RGB").save(data, "JPEG")
    for call in (unblur.deblur, unblur.inspect):
        image = Image.open(io.BytesIO(data.getvalue()[:-10]))
        with pytest.raises(PhotoError, match=r"^is damaged or truncated \(.*\)$"):
            call(image)


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "CMYK", "1", "LA"])
def test_an_image_without_pixels_comes_back(mode: str) -> None:
    back = unblur.deblur(Image.new(mode, (0, 3)))
    assert (back.mode, back.size) == (mode, (0, 3))


def test_a_key_of_another_number_of_colours_is_none() -> None:
    image = Image.new("RGB", (4, 4))
    image.info["transparency"] = (1, 2)
    pixels, _ = open_pil(image)
    assert pixels.shape == (4, 4, 3)
