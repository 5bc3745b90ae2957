"""What a JPEG can carry in XMP, and what XMP announces behind the picture."""

from __future__ import annotations

import hashlib
import re
import struct
from typing import Any

from tests.photo.facts import CARRIED, CHANGED, REFUSED, SAID, Fact, opened
from tests.photo.facts.jpeg_files import behind, exif, jpeg, mpf, segments

START = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF'
    ' xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""'
)
END = "</rdf:Description></rdf:RDF></x:xmpmeta>"
STANDARD, EXTENSION = b"http://ns.adobe.com/xap/1.0/\0", b"http://ns.adobe.com/xmp/extension/\0"
FILM = b"\0\0\0\x18ftypmp42\0\0\0\0isommp42" + bytes(200)


def xmp(namespaces: str, inside: str) -> bytes:
    return f"{START} {namespaces}>{inside}{END}".encode()


def segment(packet: bytes) -> tuple[int, bytes]:
    return 0xE1, STANDARD + packet


def extended(packet: bytes, more: bytes) -> list[tuple[int, bytes]]:
    """A standard packet and an extended one: XMP specification, part 3, 1.1.3.1."""
    guid = hashlib.md5(more).hexdigest().upper().encode()
    parts = range(0, len(more), 65_000)
    head = EXTENSION + guid + struct.pack(">I", len(more))
    note = b'xmlns:xmpNote="http://ns.adobe.com/xmp/note/" xmpNote:HasExtendedXMP="' + guid + b'"'
    packet = packet.replace(b'rdf:about=""', b'rdf:about="" ' + note, 1)
    return [
        segment(packet),
        *((0xE1, head + struct.pack(">I", at) + more[at : at + 65_000]) for at in parts),
    ]


def text(data: bytes) -> str:
    """All XMP of a file, standard and extended."""
    bodies = [body for marker, body in segments(data) if marker == 0xE1]
    whole = b"".join(b[len(STANDARD) :] for b in bodies if b.startswith(STANDARD))
    lead = len(EXTENSION) + 40
    return (whole + b"".join(b[lead:] for b in bodies if b.startswith(EXTENSION))).decode()


def facts() -> list[Fact]:
    plain = xmp('xmlns:dc="http://purl.org/dc/elements/1.1/"', "<dc:title>T</dc:title>")
    history = xmp('xmlns:h="urn:h/"', f"<h:log>{'H' * 99_000}</h:log>")
    orient = xmp('xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"', "")
    turned = exif({0x112: 6})
    thumb = xmp('xmlns:xmp="http://ns.adobe.com/xap/1.0/"', "<xmp:Thumbnails>old</xmp:Thumbnails>")
    gain = xmp('xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0"', "")
    motion = xmp(
        'xmlns:GCamera="http://ns.google.com/photos/1.0/camera/" GCamera:MotionPhoto="1"'
        ' GCamera:MotionPhotoVersion="1"',
        "",
    )
    depth = xmp(
        'xmlns:GDepth="http://ns.google.com/photos/1.0/depthmap/" GDepth:Format="RangeLinear"', ""
    )
    back = (0xE2, mpf((0x30000, 0)))
    iso = (0xE2, b"urn:iso:std:iso:ts:21496:-1\0" + bytes(8))

    def add(what: str, data: bytes, seen: Any, fate: Any, new: Any = None) -> Fact:
        return Fact("JPEG", what, lambda: data, seen, fate, new)

    def said(pattern: str, *places: str) -> Any:
        """What announces something in XMP, and what lies in the file of it."""

        def seen(data: bytes) -> list[Any]:
            found: list[Any] = re.findall(pattern, text(data))
            found += [body for marker, body in segments(data) if marker == 0xE2]
            return found + ([behind(data)] if behind(data) else [])

        return seen

    return [
        add("XMP", jpeg(segment(plain)), lambda d: opened(d).info["xmp"], CARRIED),
        add(
            "XMP, extended (over 64 KB)",
            jpeg(*extended(plain, history)),
            lambda d: (text(d).count("H" * 99_000), text(d).count("<dc:title>T</dc:title>")),
            CARRIED,
        ),
        add(
            "XMP: an extended part that is damaged",
            jpeg(*extended(plain, history)[:2]),
            lambda d: (text(d).count("HHHH") > 9) + ("HasExtendedXMP" in text(d)),
            SAID,
        ),
        add(
            "XMP: orientation", jpeg((0xE1, turned), segment(orient)), _orientation, CHANGED, ["1"]
        ),
        add(
            "XMP: regions of faces of a turned photo",
            jpeg((0xE1, turned), segment(_regions())),
            lambda d: re.findall(r'st(?:Area|Dim):[xywh]="([^"]*)"', text(d)),
            CHANGED,
            ["32", "48", "0.6", "0.25", "0.2", "0.1"],
        ),
        add("XMP: thumbnails", jpeg(segment(thumb)), lambda d: "old" in text(d), CHANGED),
        add(
            "gain map (Ultra HDR)",
            jpeg(segment(gain), back, behind=jpeg(segment(gain))),
            said("hdrgm:[A-Z]\\w*"),
            SAID,
        ),
        add("gain map (ISO 21496-1)", jpeg(back, iso, behind=jpeg(iso)), said("hdrgm:"), SAID),
        add(
            "film of a motion photo", jpeg(segment(motion), behind=FILM), said("MotionPhoto"), SAID
        ),
        add("depth map in XMP", jpeg(segment(depth)), lambda d: "RangeLinear" in text(d), CARRIED),
        add(
            "depth map in XMP of a turned photo",
            jpeg((0xE1, turned), segment(depth)),
            lambda d: "RangeLinear" in text(d),
            SAID,
        ),
        add(
            "XMP: a second packet",
            jpeg(segment(plain), segment(thumb)),
            lambda d: sum(b.startswith(STANDARD) for _, b in segments(d)) > 1,
            SAID,
        ),
        Fact(
            "JPEG of a PNG's",
            "XMP of over 64 KB",
            lambda: _png(history),
            lambda d: (
                opened(d).info.get("xmp", b"").decode() if d[:4] == b"\x89PNG" else text(d)
            ).count("H" * 99_000),
            CARRIED,
        ),
        Fact(
            "JPEG of a PNG's",
            "XMP of over 64 KB that cannot be divided",
            lambda: _png(b"<?xpacket?>" + b"x" * 99_000),
            lambda d: opened(d).info["xmp"],
            REFUSED,
        ),
    ]


def _orientation(data: bytes) -> list[str]:
    return re.findall(r'tiff:Orientation="(\d)"', text(data))


def _regions() -> bytes:
    """A region of the Metadata Working Group, in shares of the stored picture, 48 x 32."""
    spaces = (
        'xmlns:mwg-rs="http://www.metadataworkinggroup.com/schemas/regions/"'
        ' xmlns:stDim="http://ns.adobe.com/xap/1.0/sType/Dimensions#"'
        ' xmlns:stArea="http://ns.adobe.com/xmp/sType/Area#"'
    )
    area = 'stArea:x="0.25" stArea:y="0.4" stArea:w="0.1" stArea:h="0.2" stArea:unit="normalized"'
    return xmp(
        spaces,
        '<mwg-rs:Regions rdf:parseType="Resource">'
        '<mwg-rs:AppliedToDimensions stDim:w="48" stDim:h="32" stDim:unit="pixel"/>'
        "<mwg-rs:RegionList><rdf:Bag><rdf:li><rdf:Description>"
        f"<mwg-rs:Area {area}/></rdf:Description></rdf:li></rdf:Bag></mwg-rs:RegionList>"
        "</mwg-rs:Regions>",
    )


def _png(packet: bytes) -> bytes:
    from tests.photo.facts.png import png

    return png((b"iTXt", b"XML:com.adobe.xmp" + bytes(5) + packet))
