"""A resolution is what the file says, in each format; none is made up."""

from __future__ import annotations

import io
from typing import Any

import pytest
import tifffile
from PIL import Image

from tests.photo import fidelity
from unblur import photo
from unblur.photo.writing import lost

PIXELS = fidelity.picture(3)[:16, :24]


def _jpeg(jfif: tuple[int, int, int] | None, **exif: float) -> bytes:
    tags = Image.Exif()
    for tag, value in exif.items():
        tags[int(tag[1:])] = value
    data = io.BytesIO()
    Image.fromarray(PIXELS).save(data, "JPEG", exif=tags)
    made = data.getvalue()
    unit, across, down = jfif or (0, 1, 1)
    head = bytes([unit]) + across.to_bytes(2, "big") + down.to_bytes(2, "big")
    return made[:13] + head + made[18:] if jfif else made[:2] + made[20:]


def _tiff(data: bytes) -> list[float | None]:
    """Across, down and unit, by tifffile."""
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page: Any = file.pages[0]
        found = [page.tags[n].value if n in page.tags else None for n in (282, 283, 296)]
    return [v[0] / v[1] if isinstance(v, tuple) else v for v in found]


INCHES = {"t282": 300.0, "t283": 150.0, "t296": 2}


@pytest.mark.parametrize(
    ("jfif", "exif", "inches"),
    [
        ((1, 300, 150), {}, (300, 150)),
        ((2, 100, 50), {}, (254, 127)),
        ((0, 1, 1), {}, None),
        ((0, 2, 1), {}, None),
        ((1, 0, 0), {}, None),
        (None, {}, None),
        (None, INCHES, (300, 150)),
        ((0, 1, 1), INCHES, (300, 150)),
        ((1, 72, 72), {"t282": 3.0, "t283": 2.0, "t296": 1}, (72, 72)),
    ],
)
def test_of_a_jpeg(
    jfif: tuple[int, int, int] | None, exif: dict[str, float], inches: tuple[int, int] | None
) -> None:
    read = photo.read(_jpeg(jfif, **exif))
    png = Image.open(io.BytesIO(photo.encode(read, read.pixels, "png")))
    assert png.info.get("dpi") == (pytest.approx(inches, abs=0.02) if inches else None)
    across, down, unit = _tiff(photo.encode(read, read.pixels, "tiff"))
    if exif:  # as EXIF says it
        assert (across, down, unit) == tuple(exif.values())
    elif inches:
        assert across is not None
        assert down is not None
        scale = {2: 1, 3: 2.54}[unit]  # pyright: ignore[reportArgumentType]
        assert (across * scale, down * scale) == pytest.approx(inches, abs=0.01)
    else:
        assert (across, down, unit) == (None, None, None)
    shape = jfif is not None and jfif[0] == 0 and jfif[1] != jfif[2]
    assert ("the aspect of its pixels" in lost(read, "png")) is shape
    said = "its resolution" in lost(read, "webp")
    assert said is (inches is not None and not exif)
    again: Any = Image.open(io.BytesIO(photo.encode(read, read.pixels)))
    assert again.info.get("jfif_density") == (jfif[1:] if jfif else None)


def test_none_of_a_tiff_or_of_a_png_is_made_up() -> None:
    data = io.BytesIO()
    Image.fromarray(PIXELS).save(data, "TIFF")
    plain = data.getvalue()
    assert _tiff(plain) == [None, None, None]
    read = photo.read(plain)
    assert _tiff(photo.encode(read, read.pixels)) == [None, None, None]
    exif = Image.Exif()
    exif[282], exif[283], exif[296] = 300.0, 200.0, 2
    for kwargs, expected in (({}, [None] * 3), ({"exif": exif}, [300, 200, 2])):
        data = io.BytesIO()
        Image.fromarray(PIXELS).save(data, "PNG", **kwargs)
        read = photo.read(data.getvalue())
        assert _tiff(photo.encode(read, read.pixels, "tiff")) == expected
