"""What an AVIF or a HEIC can carry: its properties, items and boxes (ISO/IEC 23008-12)."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
from PIL import Image, ImageCms

from tests.photo import fidelity
from tests.photo.facts import CARRIED, CHANGED, PIXELS, REFUSED, SAID, Fact, opened
from tests.photo.facts.boxes import Item, box, boxes, full, items, properties, with_boxes
from tests.photo.facts.png import of

C2PA = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")


def avif(
    *added: bytes, further: tuple[Item, ...] = (), behind: bytes = b"", **options: Any
) -> bytes:
    data = io.BytesIO()
    image = Image.fromarray(options.pop("pixels", PIXELS))
    image.save(data, "AVIF", quality=95, subsampling="4:4:4", speed=10, **options)
    return with_boxes(data.getvalue(), added, further, behind)


def heic(
    bits: int = 8, further: tuple[Item, ...] = (), behind: bytes = b"", **options: Any
) -> bytes:
    import pillow_heif

    mode, pixels = "RGB", PIXELS
    if bits > 8:
        mode, pixels = "RGB;16", PIXELS.astype(np.uint16) * 257
    file, data = pillow_heif.from_bytes(mode, (48, 32), pixels.tobytes()), io.BytesIO()
    file.save(data, quality=90, **options)
    return data.getvalue() + behind


def nclx(primaries: int, transfer: int, matrix: int = 6, full_range: bool = True) -> bytes:
    return box(
        b"colr", b"nclx" + struct.pack(">HHHB", primaries, transfer, matrix, full_range << 7)
    )


def facts() -> list[Fact]:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    block = b"Exif\0\0" + fidelity.exif()

    def add(
        what: str, data: Any, seen: Any, fate: Any, new: Any = None, kind: str = "AVIF"
    ) -> Fact:
        return Fact(kind, what, data, seen, fate, new)

    def has(kind: bytes) -> Any:
        return lambda data: [one for one in properties(data) if one[0] == kind]

    def item(kind: bytes) -> Any:
        return lambda data: [one for one in items(data) if one.startswith(kind)]

    def top(kind: bytes) -> Any:
        return lambda data: [one for one in boxes(data) if one[0] == kind]

    descriptive = {
        "light levels (clli)": box(b"clli", struct.pack(">HH", 1000, 400)),
        "display of the mastering (mdcv)": box(b"mdcv", struct.pack(">8H2I", *range(1, 9), 10, 1)),
        "ambient light (amve)": box(b"amve", struct.pack(">IHH", 314, 15635, 16450)),
        "colour volume (cclv)": box(b"cclv", b"\x04" + struct.pack(">I", 1)),
        "aspect of pixels (pasp)": box(b"pasp", struct.pack(">II", 2, 1)),
        "description (udes)": full(b"udes", b"en\0name\0text\0tag\0"),
        "alternative text (altt)": full(b"altt", b"a tree\0en\0"),
        "times of creation and change (crtt)": full(b"crtt", bytes(8)),
    }
    found = [
        add(what, lambda b=b: avif(b), has(b[4:8]), CARRIED) for what, b in descriptive.items()
    ]
    depth = full(b"auxC", b"urn:mpeg:mpegB:cicp:systems:auxiliary:depth\0")
    other = full(b"auxC", b"urn:com:photo:aux:matte\0")
    gain = full(b"auxC", b"urn:com:apple:photo:2020:aux:hdrgainmap\0")
    rgba = fidelity.picture(4)[:32, :48]
    mime = Item(b"mime", b"{}", more=b"application/json\0")
    return [
        add("code points of colours: P3 (nclx)", lambda: avif(nclx(12, 13)), has(b"colr"), CARRIED),
        add(
            "code points of colours: PQ (nclx)", lambda: avif(nclx(9, 16, 9)), has(b"colr"), CARRIED
        ),
        add(
            "code points of colours: HLG, narrow range (nclx)",
            lambda: avif(nclx(9, 18, 9, False), range="limited"),
            has(b"colr"),
            CARRIED,
        ),
        add(
            "ICC profile",
            lambda: avif(icc_profile=profile),
            lambda d: opened(d).info["icc_profile"],
            CARRIED,
        ),
        add(
            "EXIF",
            lambda: avif(exif=block),
            lambda d: opened(d).info["exif"].removeprefix(b"Exif\0\0"),
            CARRIED,
        ),
        add("XMP", lambda: avif(xmp=fidelity.XMP), lambda d: opened(d).info["xmp"], CARRIED),
        *found,
        add(
            "transparency (auxiliary picture)",
            lambda: avif(pixels=rgba),
            lambda d: np.asarray(opened(d))[..., 3].tolist(),
            CARRIED,
        ),
        add("rotation (irot)", lambda: avif(box(b"irot", b"\1")), has(b"irot"), CHANGED),
        add("mirror (imir)", lambda: avif(box(b"imir", b"\1")), has(b"imir"), CHANGED),
        add(
            "clean aperture (clap)",
            lambda: avif(box(b"clap", struct.pack(">8I", 40, 1, 20, 1, 0, 1, 0, 1))),
            has(b"clap"),
            CHANGED,
        ),
        add("an unknown property", lambda: avif(box(b"abcd", b"12")), has(b"abcd"), SAID),
        *(
            add(
                what,
                lambda kind=kind: avif(further=(Item(b"av01", b"d", (kind,), b"auxl"),)),
                lambda d: len(item(b"av01")(d)) > 1,
                SAID,
            )
            for what, kind in (
                ("depth map", depth),
                ("gain map (auxiliary picture)", gain),
                ("an auxiliary picture, unknown", other),
            )
        ),
        add(
            "gain map (tmap)",
            lambda: avif(further=(Item(b"tmap", b"\0" * 20),)),
            item(b"tmap"),
            SAID,
        ),
        add(
            "thumbnail",
            lambda: avif(further=(Item(b"av01", b"t", (), b"thmb"),)),
            lambda d: len(item(b"av01")(d)) > 1,
            CHANGED,
        ),
        add("data of another media type", lambda: avif(further=(mime,)), item(b"mime"), SAID),
        add(
            "film of a motion photo (mpvd)",
            lambda: avif(behind=box(b"mpvd", b"film")),
            top(b"mpvd"),
            SAID,
        ),
        add(
            "content credentials (C2PA)",
            lambda: avif(behind=box(b"uuid", C2PA + b"jumbf")),
            top(b"uuid"),
            SAID,
        ),
        add("an unknown box", lambda: avif(behind=box(b"abcd", b"12")), top(b"abcd"), SAID),
        add("premultiplied transparency (prem)", _premultiplied, lambda d: b"prem" in d, REFUSED),
        add("sequence of pictures", _sequence, top(b"moov"), REFUSED),
        add("a HEIC in its own format", heic, top(b"meta"), REFUSED, kind="HEIF"),
        add(
            "EXIF",
            lambda: heic(exif=block),
            lambda d: _png_or(d, "exif"),
            CARRIED,
            kind="PNG of a HEIC's",
        ),
        add(
            "XMP",
            lambda: heic(xmp=fidelity.XMP),
            lambda d: _png_or(d, "xmp"),
            CARRIED,
            kind="PNG of a HEIC's",
        ),
        add(
            "code points of colours: PQ (nclx)",
            lambda: heic(10, **_PQ),
            _points,
            CARRIED,
            kind="PNG of a HEIC's",
        ),
        add(
            "code points of colours: PQ (nclx)",
            lambda: heic(8, **_PQ),
            _points,
            REFUSED,
            kind="JPEG of a HEIC's",
        ),
        add("10 bits a sample", lambda: heic(10), lambda d: True, REFUSED, kind="JPEG of a HEIC's"),
        add(
            "code points of colours: PQ (nclx)",
            lambda: avif(nclx(9, 16, 9)),
            has(b"colr"),
            REFUSED,
            kind="JPEG of an AVIF's",
        ),
    ]


_PQ = {
    "save_nclx_profile": True,
    "color_primaries": 9,
    "transfer_characteristics": 16,
    "matrix_coefficients": 9,
    "full_range_flag": 1,
}


def _png_or(data: bytes, name: str) -> bytes:
    """A block of a PNG, or of a HEIC by pillow-heif."""
    if data[:4] == b"\x89PNG":
        return opened(data).info[name].removeprefix(b"Exif\0\0")
    import pillow_heif

    info = pillow_heif.open_heif(data).info
    return bytes(info[name]).removeprefix(b"Exif\0\0")


def _points(data: bytes) -> tuple[int, int]:
    """Primaries and transfer function."""
    if data[:4] == b"\x89PNG":
        ((_, content),) = of(b"cICP")(data)
        return content[0], content[1]
    colours = dict(properties(data))[b"colr"]
    return struct.unpack_from(">HH", colours, 4)


def _premultiplied() -> bytes:
    plain = avif(pixels=fidelity.picture(4)[:32, :48])
    return plain.replace(b"auxl", b"prem", 1) if b"prem" not in plain else plain


def _sequence() -> bytes:
    data = io.BytesIO()
    frames = [Image.fromarray(np.roll(PIXELS, n, axis=1)) for n in (0, 9)]
    frames[0].save(data, "AVIF", save_all=True, append_images=frames[1:], speed=10)
    return data.getvalue()
