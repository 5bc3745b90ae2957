from __future__ import annotations

import io
import os
import resource
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.files import write
from tests.photo import fidelity
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


def test_saving_is_whole_or_nothing(tmp_path: Path) -> None:
    path = tmp_path / "new" / "out.png"
    photo.save(b"one", path)
    with pytest.raises(PhotoError, match="exists already"):
        photo.save(b"two", path)
    photo.save(b"three", path, overwrite=True)
    assert path.read_bytes() == b"three"
    with pytest.raises(PhotoError, match="cannot be written"):
        photo.save(b"x", path / "under" / "a-file.png")
    assert [p.name for p in path.parent.iterdir()] == ["out.png"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_unchanged_comes_back(case: fidelity.Case) -> None:
    row = fidelity.measure(case)
    assert row.psnr >= (fidelity.FLOOR if case.lossy else np.inf)
    assert False not in row.same.values(), row.same


def test_the_documented_table_is_of_these_cases() -> None:
    page = (Path(__file__).parents[2] / "docs" / "fidelity.md").read_text()
    assert [f"| {case.format} | {case.mode} |" in page for case in CASES] == [True] * len(CASES)
    assert "lost" not in page
    assert page.startswith(fidelity.HEAD)
    assert page.endswith(fidelity.TAIL)


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


def test_exif_goes_from_format_to_format() -> None:
    """Read by Pillow and tifffile, which share no code with what wrote it."""
    plain: Any = pyvips.Image.new_from_array(fidelity.picture(3))
    start = jpeg.with_segments(plain.jpegsave_buffer(keep=0), fidelity.exif(6), [b"note"], b"")
    read = photo.read(start)
    assert (read.width, read.height) == (96, 120)
    for kind in ("jpeg", "png", "webp", "avif"):
        tags = Image.open(io.BytesIO(photo.encode(read, read.pixels, kind))).getexif()
        assert tags[0x10F] == "Ada"
        assert tags.get(0x112, 1) == 1
        assert tags.get_ifd(0x8769)[0x927C] == fidelity.MAKERNOTE
        assert tags.get_ifd(0x8825)[2][0] == 51
        assert kind == "avif" or tags[0x4746] == 4
    with tifffile.TiffFile(io.BytesIO(photo.encode(read, read.pixels, "tiff"))) as file:
        found: Any = file.pages[0]
        assert found.tags[0x10F].value == "Ada"
        assert found.tags[0x8769].value["MakerNote"] == fidelity.MAKERNOTE
        assert found.tags[0xC999].value == (7, 8)
    data = photo.encode(read, read.pixels)
    assert jpeg.comments_of(data) == [b"note"]
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


def test_a_palette_too_small_becomes_rgb() -> None:
    data = next(case for case in CASES if case.mode == "palette of RGB").data()
    read = photo.read(data)
    pixels = fidelity.picture(3)
    after: Any = pyvips.Image.new_from_buffer(photo.encode(read, pixels), "")
    assert after.get_typeof("palette") == 0
    assert np.array_equal(after.numpy(), pixels)


def float_tiff(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, pixels, photometric="rgb", metadata=None)
    return file.getvalue()


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


def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (300, 300, 3)).astype(np.uint8)
    read = photo.read(fidelity._image(pixels).pngsave_buffer())
    bare = tmp_path / "raw"
    bare.write_bytes(pixels.tobytes())
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20000, before[1]))
    try:
        for kind in ("png", "jpeg", "tiff", "webp"):
            with pytest.raises(PhotoError, match="cannot be written") as caught:
                photo.write(read, bare, tmp_path / f"out.{kind}", kind)
            assert "\n" not in str(caught.value)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [path.name for path in tmp_path.iterdir()] == ["raw"]


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


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_hidden_colours_are_continued(dtype: type) -> None:
    peak = 1.0 if dtype is np.float32 else np.iinfo(dtype).max
    pixels = np.zeros((61, 83, 4), dtype)
    pixels[20:40, 30:50] = np.array([0.8, 0.4, 0.2, 1]) * peak
    filled = photo.fill_transparent(pixels)
    assert filled.dtype == dtype
    assert np.array_equal(filled[..., 3], pixels[..., 3])
    assert np.array_equal(filled[20:40, 30:50], pixels[20:40, 30:50])
    assert np.abs(filled[..., :3] / peak - (0.8, 0.4, 0.2)).max() < 0.01
    assert pixels[0, 0, 0] == 0
    opaque = pixels[20:40, 30:50]
    assert np.array_equal(photo.fill_transparent(opaque), opaque)


def test_hidden_colours_are_smooth() -> None:
    """A ramp with a hole: what is put into the hole goes on from its rim."""
    x = np.mgrid[:64, :64][1]
    pixels = np.stack([x * 3, x * 3, x * 3, np.full_like(x, 255)], axis=2).astype(np.uint8)
    pixels[20:44, 20:44] = 0
    filled = photo.fill_transparent(pixels)[..., 0].astype(int)
    assert np.abs(filled[:, 1:] - filled[:, :-1])[:, 18:46].max() < 30
    assert np.abs(filled[20:44, 20] - 60).max() < 30
