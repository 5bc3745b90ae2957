"""Any photo comes back with nothing changed but its pixels and what a line was said about."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.photo.any_photo import Drawn, photos, seen
from unblur import photo
from unblur.errors import PhotoError

KINDS = ("jpeg", "png", "webp", "tiff", "avif")
# What the line says when a block is not in the result.
WORDS = {
    "exif": "EXIF", "xmp": "XMP", "iptc": "IPTC", "profile": "profile",
    "comment": "comment|text|tag 270",
    "unknown": "APP9|abCd|MAKERS|ABCD|65000",
}  # fmt: skip
# Groups and tags of the coding and the place of the pixels, and those of the two files themselves.
CODING = re.compile(
    r"SourceFile|(?:ExifTool|System|File|Composite|QuickTime|Meta|IFD1):"
    r"|PNG:(?:ImageWidth|ImageHeight|BitDepth|ColorType|Filter|Interlace|Palette|Transparency)"
    r"|GIF:(?:GIFVersion|ImageWidth|ImageHeight|ColorResolutionDepth|BitsPerPixel|HasColorMap"
    r"|BackgroundColor|TransparentColor)"
    r"|RIFF:(?:Image|VP8|WebP_Flags|Alpha|Horizontal|Vertical)"
    r"|IFD0:(?:Orientation|ImageWidth|ImageHeight|BitsPerSample|Compression|Photometric|FillOrder"
    r"|StripOffsets|StripByteCounts|RowsPerStrip|PlanarConfiguration|Predictor|ExtraSamples"
    r"|SampleFormat|[XY]Resolution|ResolutionUnit|YCbCrPositioning)"
    r"|XMP-xmpNote:|JFIF:JFIFVersion|Adobe:"
)


def changed(read: photo.Photo) -> np.ndarray:
    """Other pixels of the same transparency."""
    pixels = read.pixels
    new = (np.float32(1) if pixels.dtype == np.float32 else np.iinfo(pixels.dtype).max) - pixels
    if read.channels in (2, 4):
        new[..., -1] = pixels[..., -1]
    return new.astype(pixels.dtype)


def written(drawn: Drawn, kind: str) -> tuple[bytes, tuple[str, ...]] | None:
    """The result and what is said to be lost; None if it is refused, with one line."""
    try:
        read = photo.read(drawn.data)
        return photo.encode(read, changed(read), kind), photo.lost(read, kind)
    except PhotoError as error:
        assert "\n" not in str(error)  # noqa: PT017
        return None


@settings(max_examples=120)
@given(photos())
def test_nothing_differs_but_pixels(drawn: Drawn) -> None:
    before = seen(drawn.data)
    result = written(drawn, drawn.format)
    assert result is not None, "a file that is whole is refused"
    data, lost = result
    assert not lost
    after = seen(data)
    size = before["size"]
    turned = before["orientation"] >= 5
    expected = before | {"orientation": 1, "size": size[::-1] if turned else size}
    assert after == expected


@settings(max_examples=80)
@given(photos(), st.sampled_from(KINDS))
def test_another_format_has_it_or_a_line_says_so(drawn: Drawn, kind: str) -> None:
    before = seen(drawn.data)
    result = written(drawn, kind)
    if result is None:
        return
    data, lost = result
    after = seen(data)
    assert after["orientation"] == 1
    said = "; ".join(lost)
    for name, words in WORDS.items():
        had = before[name] if name != "exif" else before[name][0]
        has = after[name] if name != "exif" else after[name][0]
        if had and not has:
            assert re.search(words, said), (name, said)
        if name in ("exif", "profile") and had and has and drawn.format != "gif":
            assert has == had


@settings(max_examples=40)
@given(photos())
def test_a_path_gives_the_file_that_bytes_give(
    tmp_path_factory: pytest.TempPathFactory, drawn: Drawn
) -> None:
    path = tmp_path_factory.mktemp("any") / "photo"
    path.write_bytes(drawn.data)
    one, two = photo.read(path), photo.read(drawn.data)
    assert photo.encode(one, changed(one)) == photo.encode(two, changed(two))


class ExifTool:
    """One process that describes files: `-stay_open`."""

    def __init__(self, program: str) -> None:
        pipe = subprocess.PIPE
        command = [program, "-stay_open", "True", "-@", "-"]
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)

    def __call__(self, path: Path) -> dict[str, Any]:
        assert self._process.stdin
        assert self._process.stdout
        for word in ("-j", "-G1", "-a", "-u", "-e", str(path), "-execute"):
            print(word, file=self._process.stdin, flush=True)
        lines = iter(self._process.stdout.readline, "{ready}\n")
        return json.loads("".join(lines))[0]

    def close(self) -> None:
        assert self._process.stdin
        print("-stay_open\nFalse", file=self._process.stdin, flush=True)
        self._process.communicate()


@pytest.fixture(scope="module")
def exiftool() -> Iterator[ExifTool]:
    program = shutil.which("exiftool")
    if program is None:
        pytest.skip("needs exiftool")
    tool = ExifTool(program)
    yield tool
    tool.close()


@settings(max_examples=60)
@given(drawn=photos())
def test_exiftool_sees_the_same(
    exiftool: ExifTool, tmp_path_factory: pytest.TempPathFactory, drawn: Drawn
) -> None:
    result = written(drawn, drawn.format)
    assert result is not None
    folder = tmp_path_factory.mktemp("any")
    found = []
    for name, data in (("before", drawn.data), ("after", result[0])):
        path = folder / name
        path.write_bytes(data)
        found.append({k: v for k, v in exiftool(path).items() if not CODING.match(k)})
    assert "Warning" not in "".join(found[1])
    assert found[1] == found[0]
