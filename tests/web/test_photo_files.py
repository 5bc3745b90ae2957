"""Photo files in the browser's page: what node makes of them, beside Pillow and the package.

One process of node reads a whole folder, and writes each photo with inverse colours.
"""

from __future__ import annotations

import io
import itertools
import json
import shutil
import struct
import subprocess
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps
from PIL.PngImagePlugin import PngInfo

from tests.photo import facts, fidelity
from tests.web.node import needs_node, run
from unblur import photo
from unblur.photo.jpeg import tables_of
from unblur.photo.png_chunks import SIGNATURE, chunk

ROOT = Path(__file__).parents[2]
CASES = [case for case in fidelity.cases() if case.format in ("JPEG", "PNG", "WebP")]
FACTS = [fact for fact in facts.facts() if fact.format in ("JPEG", "PNG", "WebP")]
EXAMPLE = ROOT / "examples/coffee.jpg"

# What the page drops with a line although the package keeps it, and other deliberate differences.
SAID_HERE = {
    "JPEG: XMP: regions of faces of a turned photo",
    "JPEG: XMP: thumbnails",
    "JPEG: pictures of a stereo camera (MPO)",
    "PNG: suggested palette (PLTE)",
    "PNG: aspect of pixels of a turned photo",
    "PNG: histogram of a palette (hIST)",
    "WebP: an unknown chunk",
}
OTHERWISE = {
    "JPEG: Adobe's marker (APP14) of CMYK": "refused",
    "JPEG: IPTC: a preview": "carried over",
    "JPEG: XMP: an extended part that is damaged": "carried over",
    "PNG: text behind the pixels": "changed with the pixels",  # it stands before them
    "PNG: transparency of a palette (tRNS)": "carried over with a line",
}

pytestmark = needs_node


class Folder:
    """Files that node has read, and what it wrote."""

    def __init__(self, folder: Path, files: dict[str, bytes], most: int = 10**8) -> None:
        self.folder = folder
        self.files = files
        for name, data in files.items():
            (folder / name).write_bytes(data)
        self.told: dict[str, dict[str, Any]] = json.loads(run("tests/photo-cli.js", folder, most))

    def pixels(self, name: str) -> np.ndarray:
        one = self.told[name]
        raw = np.frombuffer((self.folder / f"{name}.raw").read_bytes(), np.uint8)
        return raw.reshape(one["height"], one["width"], one["channels"])

    def made(self, name: str, kind: str = "out") -> bytes:
        return (self.folder / f"{name}.{kind}").read_bytes()


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    files = {case.name.replace(":", ""): case.data() for case in CASES}
    return Folder(tmp_path_factory.mktemp("kinds"), {**files, "coffee.jpg": EXAMPLE.read_bytes()})


@pytest.fixture(scope="module")
def facing(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    return Folder(tmp_path_factory.mktemp("facts"), {str(i): f.data() for i, f in enumerate(FACTS)})


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_pixels_and_what_is_written_are_the_packages(kinds: Folder, case: fidelity.Case) -> None:
    name = case.name.replace(":", "")
    told = kinds.told[name]
    if case.mode == "CMYK":
        assert told["error"] == "is a JPEG of a kind that only the command line may take (CMYK)"
        return
    read = photo.read(case.data())
    eight = read.pixels
    if eight.dtype == np.uint16:
        eight = np.rint(eight / 257).astype(np.uint8)
        assert told["notes"] == ["its 16 bit a channel (they become 8)"]
    np.testing.assert_array_equal(kinds.pixels(name), eight)
    new = _inverted(eight)
    written = kinds.made(name)
    if case.format == "JPEG":
        theirs = photo.encode(read, new)
        np.testing.assert_array_equal(photo.read(written).pixels, photo.read(theirs).pixels)
        # From its tables on: from its JFIF segment on, the rest is as it was.
        assert tables_of(written)[0].tolist() == tables_of(theirs)[0].tolist()
    else:
        again = photo.read(written)
        assert (again.format, again.channels) == ("png", read.channels)
        np.testing.assert_array_equal(again.pixels, new)
    again = photo.read(written)
    assert again.origin.exif.removeprefix(b"Exif\0\0") == read.origin.exif.removeprefix(b"Exif\0\0")
    for field in ("icc-profile-data", "xmp-data"):
        assert fidelity._field(again, field) == fidelity._field(read, field)
    size = 1 if case.format == "WebP" else read.origin.header.xres
    assert again.origin.header.xres == pytest.approx(size, rel=0.01) or case.format == "WebP"


def test_odd_kinds_are_read_and_written_as_by_the_package(tmp_path: Path) -> None:
    files: dict[str, bytes] = {}
    for height, width in ((96, 120), (1, 1), (5, 9), (2, 17)):
        size = f"{height} x {width}"
        for channels in (1, 2, 3, 4):
            for dtype in (np.uint8, np.uint16):
                image = fidelity._image(fidelity.picture(channels, dtype)[:height, :width])
                for options in ({"interlace": True}, {"filter": "all"}, {"filter": "avg"}):
                    name = f"{size} {channels} {dtype.__name__} {options}"
                    files[name] = image.pngsave_buffer(**options)
        colours = Image.fromarray(fidelity.picture(3)[:height, :width])
        for bits in (1, 2, 4, 8):
            few = colours.quantize(2**bits)
            files[f"{size} palette {bits}"] = _saved(few, "PNG", bits=bits, transparency=0)
        files[f"{size} key"] = _saved(colours, "PNG", transparency=colours.getpixel((0, 0)))
        files[f"{size} jpeg of RGB"] = _saved(colours, "JPEG", keep_rgb=True)
        for quality in (30, 98, 99, 100):
            for sub in (0, 1, 2):
                name = f"{size} jpeg {quality} {sub}"
                files[name] = _saved(
                    colours, "JPEG", quality=quality, subsampling=sub, progressive=sub == 1
                )
    read = Folder(tmp_path, files)
    for name, data in files.items():
        whole = photo.read(data)
        eight = whole.pixels
        if eight.dtype == np.uint16:
            eight = np.rint(eight / 257).astype(np.uint8)
        np.testing.assert_array_equal(read.pixels(name), eight, name)
        new = _inverted(eight)
        theirs = photo.read(photo.encode(whole, new)).pixels if " jpeg " in name else new
        np.testing.assert_array_equal(photo.read(read.made(name)).pixels, theirs, name)


def test_a_line_describes_it(kinds: Folder) -> None:
    said = kinds.told["PNG grey + alpha, 16 bit"]["details"]
    assert said.startswith("PNG, 120 \xd7 96, 16 bit, grey, transparency, ")
    told = kinds.told["coffee.jpg"]
    assert told["details"] == f"JPEG, 576 \xd7 376, {EXAMPLE.stat().st_size // 1024} kB"
    assert (told["resultName"], told["type"]) == ("coffee-deblurred.jpg", "image/jpeg")


def test_an_unchanged_photo_is_its_file(kinds: Folder) -> None:
    for name, told in kinds.told.items():
        if "error" not in told and told["format"] != "webp":
            assert kinds.made(name, "same") == kinds.files[name]


def test_previews_are_jpegs_in_the_photos_colours(kinds: Folder) -> None:
    for name, told in kinds.told.items():
        if "error" in told:
            continue
        with Image.open(io.BytesIO(kinds.made(name, "view"))) as image:
            assert image.format == "JPEG"
            assert max(image.size) == 64
            assert image.mode == ("L" if told["channels"] < 3 else "RGB")
            assert len(image.info.get("icc_profile", b"")) == told["icc"]
    shown = np.asarray(Image.open(io.BytesIO(kinds.made("coffee.jpg", "view"))), np.float64)
    box = io.BytesIO()
    small = Image.open(EXAMPLE).resize((64, 42), Image.Resampling.BOX)
    small.save(box, "JPEG", quality=92, subsampling=0)
    assert np.abs(shown - np.asarray(Image.open(box), np.float64)).mean() < 3


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.name)
def test_each_fact_becomes_what_it_does_in_the_package(facing: Folder, fact: facts.Fact) -> None:
    name = str(FACTS.index(fact))
    told, before = facing.told[name], fact.seen(facing.files[name])
    if "error" in told:
        assert OTHERWISE.get(fact.name, fact.fate) == facts.REFUSED
        assert "\n" not in told["error"]
        return
    said = told["notes"]
    written = facing.made(name)
    facts.opened(written)
    if fact.format == "WebP":  # which is written as PNG
        assert bool(said) == (fact.fate == facts.SAID or fact.name in SAID_HERE)
        return
    found = fact.seen(written)
    if found == before:
        fate = "carried over with a line" if said else facts.CARRIED
    elif said:
        fate = facts.SAID if not found or found == fact.new else f"wrong: {found!r}"
    else:
        fate = facts.CHANGED if (found or None) == fact.new else f"wrong: {found!r} of {before!r}"
    assert fate == (facts.SAID if fact.name in SAID_HERE else OTHERWISE.get(fact.name, fact.fate))


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="needs exiftool")
def test_exiftool_sees_the_same(kinds: Folder) -> None:
    before, after = _exiftool(kinds, ""), _exiftool(kinds, ".out")
    for name, told in kinds.told.items():
        if "error" not in told:
            warning = "ExifTool:Warning"
            assert after[name].get(warning) == before[name].get(warning)
            # Of a WebP, PNG names its profile.
            assert {k: v for k, v in after[name].items() if k in before[name]} == before[name]


def test_all_orientations_are_those_of_pillow(tmp_path: Path) -> None:
    files = {}
    for order in "<>":
        for turn in range(1, 9):
            exif = _exif(turn, order)
            for kind in ("JPEG", "PNG", "WebP"):
                file = io.BytesIO()
                options: dict[str, Any] = {
                    "JPEG": {"xmp": _xmp(turn)},
                    "PNG": {"pnginfo": _text(_xmp(turn))},
                    "WebP": {"xmp": _xmp(turn), "lossless": True},
                }[kind]
                image = Image.fromarray(fidelity.picture(3)[:61, :97])
                image.save(file, kind, exif=exif, **options)
                files[f"{kind} {turn} {order.replace('<', 'II').replace('>', 'MM')}"] = (
                    file.getvalue()
                )
    read = Folder(tmp_path, files)
    for name, data in files.items():
        image = Image.open(io.BytesIO(data))
        upright = np.asarray(ImageOps.exif_transpose(image))
        if name.startswith("JPEG"):
            upright = photo.read(data).pixels
            assert upright.shape[1::-1] == ImageOps.exif_transpose(image).size
        np.testing.assert_array_equal(read.pixels(name), upright)
        written = Image.open(io.BytesIO(read.made(name)))
        written.load()
        turned = name.split()[1] in "5678"
        known = dict(image.getexif()) | {0x112: 1}
        if turned:
            known[0x100], known[0x101] = known[0x101], known[0x100]
        assert dict(written.getexif()) == known
        assert written.getexif().get_ifd(0x8769) == image.getexif().get_ifd(0x8769)
        packet = fidelity._field(photo.read(read.made(name)), "xmp-data")
        assert packet == _xmp(1, *(("Length", "Width") if turned else ("Width", "Length")))
        assert read.told[name]["notes"] == []


def test_damaged_files_are_refused_in_a_line_or_read(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    modes = {"RGB, quality 85, 4:2:0", "RGB, progressive", "RGBA, 8 bit", "palette of RGBA"}
    modes |= {"RGBA, lossy", "RGBA, lossless"}
    whole = {case.name: case.data() for case in CASES if case.mode in modes}
    files: dict[str, bytes] = {}
    for name, data in whole.items():
        for i, at in enumerate(np.linspace(1, len(data) - 1, 24).astype(int)):
            files[f"{name} cut {i}"] = data[:at]
        for i in range(60):
            bad = bytearray(data)
            # Half of them among the headers and the metadata.
            for at in rng.integers(0, len(data) if i % 2 else min(len(data), 2000), 1 + i % 4):
                bad[at] = rng.integers(256)
            files[f"{name} flip {i}"] = bytes(bad)
    read = Folder(tmp_path, files, 10**7)
    for name, told in read.told.items():
        assert told["seconds"] < 5, name
        if "error" in told:
            assert told["error"].startswith(("is ", "has "))
            assert "\n" not in told["error"]
            assert len(told["error"]) < 120
        else:
            photo.read(read.made(name))
            if " cut " in name:  # of no pixels
                photo.read(files[name])
    assert sum("error" not in told for told in read.told.values()) > 50


def test_bytes_too_many_in_a_jpeg_do_not_stop_it(tmp_path: Path) -> None:
    data = EXAMPLE.read_bytes()
    files = {
        "before its end": data[:-2] + b"\1\2\3" + data[-2:],
        "between segments": data[:20] + b"\1\2\3" + data[20:],
    }
    read = Folder(tmp_path, files)
    for name in files:
        np.testing.assert_array_equal(read.pixels(name), photo.read(data).pixels)


def test_other_files_are_refused_in_a_line(tmp_path: Path) -> None:
    png = _png(60000, 60000)
    wide = bytearray(EXAMPLE.read_bytes())
    at = wide.index(b"\xff\xc0")
    wide[at + 5 : at + 9] = struct.pack(">HH", 65000, 65000)
    moving = io.BytesIO()
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    frames[0].save(moving, "webp", save_all=True, append_images=frames[1:])
    kinds: dict[str, tuple[bytes, str]] = {
        "empty.jpg": (b"", "is empty; a photo was expected"),
        "text.jpg": (b"a text", "is not a picture of a format that can be read here"),
        "a.gif": (b"GIF89a" + bytes(20), "is of a format that only the command line takes"),
        "a.tif": (b"II*\0" + bytes(60), "is of a format that only the command line takes"),
        "a.heic": (bytes(3) + b"\x18ftypheic", "is of a format that only the command line takes"),
        "a.avif": (bytes(3) + b"\x18ftypavif", "is of a format that only the command line takes"),
        "huge.png": (png, "has 3600 megapixels; more than 100 does not fit here"),
        "huge.jpg": (bytes(wide), "has 4225 megapixels; more than 100 does not fit here"),
        "bomb.png": (_png(1, 1, bytes(10**8)), ""),
        "none.png": (_png(0, 1), "is damaged or truncated"),
        "moving.webp": (moving.getvalue(), "is animated, and only still pictures are taken"),
    }
    read = Folder(tmp_path, {name: data for name, (data, _) in kinds.items()})
    for name, (_, expected) in kinds.items():
        assert read.told[name].get("error", "").startswith(expected), name
        assert read.told[name]["seconds"] < 2


def _exiftool(folder: Folder, ending: str) -> dict[str, dict[str, Any]]:
    """The tags of each file by its name, but for those of its coding."""
    files = [f"{name}{ending}" for name, told in folder.told.items() if "error" not in told]
    done = subprocess.run(
        ["exiftool", "-j", "-G1", "-a", "-u", "-n", *files],
        cwd=folder.folder, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return {
        one["SourceFile"].removesuffix(ending): {
            key: value
            for key, value in one.items()
            if key.partition(":")[0] in ("IFD0", "ExifIFD", "GPS", "IPTC", "XMP-x", "Photoshop")
            or key.startswith(("ICC", "XMP", "JFIF", "PNG-pHYs", "File:Comment"))
            or "Warning" in key
        }
        for one in json.loads(done.stdout)
    }


def _saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def _inverted(pixels: np.ndarray) -> np.ndarray:
    new = 255 - pixels
    if new.shape[2] in (2, 4):
        new[..., -1] = pixels[..., -1]
    return new


def test_an_orientation_counts_whatever_its_type(tmp_path: Path) -> None:
    image = Image.fromarray(fidelity.picture(3)[:61, :97])
    kinds = {1: "B3x", 3: "H2x", 4: "I", 6: "b3x", 8: "h2x", 9: "i", 2: "B3x", 5: "I"}
    files = {}
    for (kind, form), order in itertools.product(kinds.items(), "<>"):
        file = io.BytesIO()
        image.save(file, "JPEG", exif=_exif(6, order, kind, form))
        files[f"{kind} {order.replace('<', 'II').replace('>', 'MM')}"] = file.getvalue()
    read = Folder(tmp_path, files)
    for name in files:
        with Image.open(io.BytesIO(read.made(name))) as made:
            assert made.size == ((97, 61) if name[0] in "25" else (61, 97)), name


def _exif(turn: int, order: str, kind: int = 3, form: str = "H2x") -> bytes:
    """A block in a byte order: sizes, an orientation, a maker, and a directory below."""
    below = struct.pack(order + "HHHIHHI", 1, 0xA001, 3, 1, 1, 0, 0)
    rows = [
        struct.pack(order + "HHII", 0x100, 4, 1, 97),
        struct.pack(order + "HHII", 0x101, 4, 1, 61),
        struct.pack(order + "HHI", 0x10F, 2, 4) + b"Ada\0",
        struct.pack(order + "HHI" + form, 0x112, kind, 1, turn),
        struct.pack(order + "HHII", 0x8769, 4, 1, 8 + 2 + 60 + 4),
    ]
    head = {"<": b"II*\0\x08\0\0\0", ">": b"MM\0*\0\0\0\x08"}[order]
    main = struct.pack(order + "H", len(rows)) + b"".join(rows) + bytes(4)
    return b"Exif\0\0" + head + main + below


def _xmp(turn: int, across: str = "Width", down: str = "Length") -> bytes:
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF'
        ' xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""'
        f' xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="{turn}"'
        f' tiff:Image{across}="97"><tiff:Image{down}>61</tiff:Image{down}>'
        "</rdf:Description></rdf:RDF></x:xmpmeta>"
    ).encode()


def _text(xmp: bytes) -> PngInfo:
    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", xmp.decode())
    return info


def _png(width: int, height: int, raw: bytes = bytes(2)) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(raw)), (b"IEND", b""))
    return SIGNATURE + b"".join(chunk(*one) for one in chunks)
