"""XMP agrees with the new picture, and is otherwise what it was."""

from __future__ import annotations

import re
from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.photo.jpegs import packet
from unblur.photo import xmp

SIZE = (400, 200)
FORMS: dict[str, Callable[[str], bytes]] = {
    "attributes": lambda o: packet(
        "", f'tiff:Orientation="{o}" tiff:ImageWidth="400" tiff:ImageLength="200"'
    ),
    "elements": lambda o: packet(
        f"<tiff:Orientation>{o}</tiff:Orientation>"
        "<tiff:ImageWidth>400</tiff:ImageWidth><tiff:ImageLength>200</tiff:ImageLength>"
    ),
}
FACE = """<mwg-rs:Regions rdf:parseType="Resource">
<mwg-rs:AppliedToDimensions stDim:w="400" stDim:h="200" stDim:unit="pixel"/>
<mwg-rs:RegionList><rdf:Bag><rdf:li><rdf:Description mwg-rs:Name="Anna" mwg-rs:Type="Face">
<mwg-rs:Area stArea:x="0.2" stArea:y="0.3" stArea:w="0.1" stArea:h="0.4" stArea:unit="normalized"/>
</rdf:Description></rdf:li></rdf:Bag></mwg-rs:RegionList></mwg-rs:Regions>"""
FACE_IN_ELEMENTS = """<mwg-rs:Regions><rdf:Description><mwg-rs:AppliedToDimensions>
<rdf:Description><stDim:w>400</stDim:w><stDim:h>200</stDim:h></rdf:Description>
</mwg-rs:AppliedToDimensions><mwg-rs:RegionList><rdf:Bag><rdf:li rdf:parseType="Resource">
<mwg-rs:Name>Anna</mwg-rs:Name><mwg-rs:Area rdf:parseType="Resource">
<stArea:x>0.2</stArea:x><stArea:y>0.3</stArea:y><stArea:w>0.1</stArea:w><stArea:h>0.4</stArea:h>
</mwg-rs:Area></rdf:li></rdf:Bag></mwg-rs:RegionList></rdf:Description></mwg-rs:Regions>"""
CENTRES = {2: "0.8 0.3", 3: "0.8 0.7", 4: "0.2 0.7", 5: "0.3 0.2", 6: "0.7 0.2", 7: "0.7 0.8",
           8: "0.3 0.8"}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_orientation_and_sizes(form: str) -> None:
    for orientation in range(2, 9):
        new, lost = xmp.upright(FORMS[form](str(orientation)), orientation, SIZE)
        turned = orientation >= 5
        sides = ("200", "400") if turned else ("400", "200")
        assert (values(new, "Orientation"), lost) == (["1"], [])
        assert values(new, "ImageWidth") + values(new, "ImageLength") == list(sides)
    before = FORMS[form]("6")
    assert xmp.upright(before, 1, SIZE) == (before, [])


@pytest.mark.parametrize("form", [FACE, FACE_IN_ELEMENTS])
@pytest.mark.parametrize("orientation", CENTRES)
def test_faces_turn_with_the_picture(form: str, orientation: int) -> None:
    new, lost = xmp.upright(packet(form), orientation, SIZE)
    x, y = CENTRES[orientation].split()
    sides = ["0.4", "0.1"] if orientation >= 5 else ["0.1", "0.4"]
    assert lost == []
    assert [values(new, name, "Area#")[0] for name in "xywh"] == [x, y, *sides]
    dimensions = [values(new, name, "Dimensions#")[0] for name in "wh"]
    assert dimensions == (["200", "400"] if orientation >= 5 else ["400", "200"])
    assert values(new, "Name") == ["Anna"]


def test_other_regions_turn_too() -> None:
    person = (
        '<MP:RegionInfo rdf:parseType="Resource"><MPRI:Regions><rdf:Bag><rdf:li'
        ' MPReg:Rectangle="0.1, 0.2, 0.3, 0.4" MPReg:PersonDisplayName="Anna"/></rdf:Bag>'
        "</MPRI:Regions></MP:RegionInfo>"
    )
    new, _ = xmp.upright(packet(person), 6, SIZE)
    assert values(new, "Rectangle") == ["0.4, 0.1, 0.4, 0.3"]
    area = (
        '<Iptc4xmpExt:ImageRegion><rdf:Bag><rdf:li rdf:parseType="Resource">'
        '<Iptc4xmpExt:RegionBoundary rdf:parseType="Resource" Iptc4xmpExt:rbShape="{}"'
        ' Iptc4xmpExt:rbUnit="{}">{}</Iptc4xmpExt:RegionBoundary></rdf:li></rdf:Bag>'
        "</Iptc4xmpExt:ImageRegion>"
    )

    def fields(**found: str) -> str:
        return "".join(f"<Iptc4xmpExt:{k}>{v}</Iptc4xmpExt:{k}>" for k, v in found.items())

    box = area.format("rectangle", "pixel", fields(rbX="10", rbY="20", rbW="30", rbH="40"))
    new, _ = xmp.upright(packet(box), 8, SIZE)
    assert [values(new, f"rb{name}")[0] for name in "XYWH"] == ["20", "360", "40", "30"]
    circle = area.format("circle", "relative", fields(rbX="0.1", rbY="0.2", rbRx="0.1"))
    new, _ = xmp.upright(packet(circle), 6, SIZE)
    assert [values(new, f"rb{name}")[0] for name in ("X", "Y", "Rx")] == ["0.8", "0.1", "0.2"]
    corners = (
        "<rdf:Seq>" + '<rdf:li Iptc4xmpExt:rbX="0.1" Iptc4xmpExt:rbY="0.2"/>' * 3 + "</rdf:Seq>"
    )
    polygon = area.format("polygon", "relative", fields(rbVertices=corners))
    new, _ = xmp.upright(packet(polygon), 3, SIZE)
    assert (values(new, "rbX"), values(new, "rbY")) == (["0.9"] * 3, ["0.8"] * 3)
    subject = "<exif:SubjectArea><rdf:Seq>{}</rdf:Seq></exif:SubjectArea>"
    numbers = "".join(f"<rdf:li>{n}</rdf:li>" for n in (10, 20, 30, 40))
    new, lost = xmp.upright(packet(subject.format(numbers)), 6, SIZE)
    assert (re.findall(rb"<rdf:li>(\d+)", new), lost) == ([b"179", b"10", b"40", b"30"], [])


@pytest.mark.parametrize(
    "area",
    ['stArea:x="0.2"', 'stArea:x="a" stArea:y="0.1"', 'stArea:x="NaN" stArea:y="1"',
     'stArea:x="9" stArea:y="9" stArea:unit="pixel"', 'stArea:x="1e999999999" stArea:y="1"'],
)  # fmt: skip
def test_regions_that_cannot_be_turned_are_taken_out(area: str) -> None:
    region = (
        f'<rdf:li><rdf:Description mwg-rs:Name="B"><mwg-rs:Area {area}/></rdf:Description></rdf:li>'
    )
    faces = FACE.replace("<rdf:Bag>", f"<rdf:Bag>{region}")
    new, lost = xmp.upright(packet(faces), 6, SIZE)
    assert lost == ["regions that cannot be turned"]
    assert values(new, "Name") == ["Anna"]


def test_what_is_stale_is_taken_out_with_its_namespace() -> None:
    directory = (
        "<Container:Directory><rdf:Seq><rdf:li rdf:parseType='Resource'><Container:Item"
        ' Item:Semantic="GainMap" Item:Length="99"/></rdf:li></rdf:Seq></Container:Directory>'
    )
    thumbnail = "<xmp:Thumbnails><rdf:Alt><rdf:li>/9j/</rdf:li></rdf:Alt></xmp:Thumbnails>"
    title = "<photoshop:Headline>A &amp; B &#xA; \u00e9</photoshop:Headline>"
    whole = packet(
        directory + thumbnail + title,
        'hdrgm:Version="1.0" xmp:Rating="4" GCamera:MotionPhoto="1" GCamera:BurstID="7"',
    )
    new, lost = xmp.upright(whole, 1, SIZE)
    assert sorted(lost) == [xmp.FILM, xmp.GAIN_MAP]
    for word in (b"hdr", b"ontainer", b"Item", b"MotionPhoto", b"Thumbnails"):
        assert word not in new
    assert title.encode() in new
    assert b'xmp:Rating="4"' in new
    assert b'GCamera:BurstID="7"' in new
    assert xmp.upright(new, 1, SIZE) == (new, [])
    depth, crop = "<GDepth:Data>AAAA</GDepth:Data>", 'crs:CropTop="0.1" crs:Exposure="1"'
    whole = packet(depth, crop)
    assert xmp.upright(whole, 1, SIZE) == (whole, [])
    new, lost = xmp.upright(whole, 2, SIZE)
    assert sorted(lost) == ["crops and masks of Camera Raw", xmp.DEPTH]
    assert values(new, "Exposure") == ["1"]
    assert b"Crop" not in new


def test_utf16_and_zero_bytes_at_the_end() -> None:
    text = FORMS["elements"]("6").decode().encode("utf-16-le")
    new, _ = xmp.upright(b"\xff\xfe" + text, 6, SIZE)
    assert "<tiff:Orientation>1</tiff:Orientation>".encode("utf-16-le") in new
    assert new.startswith(b"\xff\xfe")
    new, _ = xmp.upright(FORMS["elements"]("6") + b"\0\0", 6, SIZE)
    assert new.endswith(b"?>\0\0")


def test_what_is_no_xml_is_carried_or_said() -> None:
    laughs = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + FORMS["elements"]("&b;")
    deep = packet("<tiff:Orientation>" + "<a>" * 10**5 + "</a>" * 10**5 + "</tiff:Orientation>")
    for bad in (laughs, deep, b"<tiff:Orientation>6", b"\xff\xfe<\0t\0Orientation\0\0\xd8"):
        assert xmp.upright(bad, 1, SIZE) == (bad, [])
        _, lost = xmp.upright(bad, 6, SIZE)
        assert lost in ([], ["its XMP, which cannot be read"])
    assert xmp.upright(b"<not xml", 6, SIZE) == (b"<not xml", [])
    assert xmp.upright(b"<hdr http://ns.adobe.com/hdr-gain-map/1.0/", 1, SIZE)[0] == b""


@settings(max_examples=150)
@given(st.data())
def test_mutations_are_carried_or_said(data: st.DataObject) -> None:
    good = packet(FACE + FACE_IN_ELEMENTS, 'tiff:Orientation="6" hdrgm:Version="1"')
    bad = bytearray(good)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(bad) - 1))
        cut = data.draw(st.integers(0, 40))
        bad[at : at + cut] = data.draw(st.sampled_from([b"", b"<", b'"', b"\xff", b"</a>", b"0"]))
    new, lost = xmp.upright(bytes(bad), data.draw(st.integers(1, 8)), SIZE)
    assert new or lost
    if new and is_xml(bytes(bad)):
        assert is_xml(new)


def is_xml(data: bytes) -> bool:
    """Whether a parser that minds namespaces takes it."""
    try:
        ET.fromstring(data)
    except ET.ParseError:
        return False
    return True


def values(data: bytes, name: str, namespace: str = "") -> list[str]:
    """Of the elements and attributes with a name, by ElementTree."""
    found: list[str] = []
    for element in ET.fromstring(data).iter():
        pairs = [*element.attrib.items(), (element.tag, element.text or "")]
        for key, value in pairs:
            space, _, local = key.rpartition("}")
            if local == name and namespace in space:
                found.append(value)
    return found
