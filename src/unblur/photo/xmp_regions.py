"""Sizes, positions and regions in XMP, turned with the picture.

Metadata Working Group, Guidelines for Handling Image Metadata 2.0, section 5.9 (regions of faces);
Microsoft's People Tagging; IPTC Photo Metadata Standard 2019.1, image regions.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from functools import partial

from unblur.photo import orientation as turning
from unblur.photo.xmp_tree import RDF, Element, Name, Node, Packet, fields, items

LOST = "regions that cannot be turned"

_TIFF, _EXIF = "http://ns.adobe.com/tiff/1.0/", "http://ns.adobe.com/exif/1.0/"
_AREAS = ("http://ns.adobe.com/xmp/sType/Area#", "http://ns.acdsee.com/sType/Area#")
_DIMENSIONS = (
    "http://ns.adobe.com/xap/1.0/sType/Dimensions#", "http://ns.acdsee.com/sType/Dimensions#",
)  # fmt: skip
_RECTANGLE = ("http://ns.microsoft.com/photo/1.2/t/Region#", "Rectangle")
_IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_PAIRS: tuple[tuple[Name, Name], ...] = (
    ((_TIFF, "ImageWidth"), (_TIFF, "ImageLength")),
    ((_TIFF, "XResolution"), (_TIFF, "YResolution")),
    ((_EXIF, "PixelXDimension"), (_EXIF, "PixelYDimension")),
    ((_EXIF, "FocalPlaneXResolution"), (_EXIF, "FocalPlaneYResolution")),
)
_NAMES = re.compile(
    rb"Orientation|Image(?:Width|Length)|[XY]Resolution|Pixel[XY]Dimension|sType/Area#"
    rb"|sType/Dimensions#|t/Region#|RegionBoundary|Subject(?:Area|Location)"
)

_Region = Callable[[Packet, Element, int, tuple[int, int]], None]


def mentioned(data: bytes) -> bool:
    """Whether a packet may say something of the orientation, of sizes or of positions."""
    return bool(_NAMES.search(data))


def reset(packet: Packet) -> None:
    """Set the orientation to 1."""
    for node in packet.named((_TIFF, "Orientation"), (_EXIF, "Orientation")):
        if packet.text(node) != "1":
            packet.set(node, "1")


def turn(packet: Packet, orientation: int, size: tuple[int, int]) -> list[str]:
    """Turn what depends on the orientation; what had to be taken out, in words.

    Args:
        orientation: that has been applied, 2 to 8.
        size: width and height of the picture as stored.
    """
    if orientation >= 5:
        for one, two in _PAIRS:
            _exchange(packet, packet.named(one), packet.named(two))
    lost: list[str] = []
    for element in packet.elements:
        for region in _regions(element, orientation):
            try:
                region(packet, element, orientation, size)
            except (KeyError, ValueError, IndexError, InvalidOperation):
                packet.remove(_item(element))
                lost = [LOST]
    return lost


def _regions(element: Element, orientation: int) -> list[_Region]:
    """How the element is turned; empty if it is no region."""
    found: list[_Region] = []
    names = fields(element)
    found += [partial(_area, kind=ns) for ns in _AREAS if {(ns, "x"), (ns, "y")} & names.keys()]
    if element.name[1] == "AppliedToDimensions" and orientation >= 5:
        found += [partial(_dimensions, kind=ns) for ns in _DIMENSIONS if (ns, "w") in names]
    if _RECTANGLE in names:
        found.append(_rectangle)
    if element.name == (_IPTC, "RegionBoundary"):
        found.append(_boundary)
    if element.name in ((_EXIF, "SubjectArea"), (_EXIF, "SubjectLocation")):
        found.append(_subject)
    # A Description in a structure shows its fields a second time.
    return [] if element.name == (RDF, "Description") and _inside(element) else found


def _area(
    packet: Packet, element: Element, orientation: int, size: tuple[int, int], kind: str
) -> None:
    """MWG: the centre, and sides or a diameter; from 0 to 1."""
    found = fields(element)
    unit = found.get((kind, "unit"))
    if unit is not None and packet.text(unit) != "normalized":
        raise ValueError("not normalized")
    x, y = found[kind, "x"], found[kind, "y"]
    point = turning.point(orientation, _number(packet, x), _number(packet, y), 1, 1)
    _set(packet, (x, y), point)
    if orientation >= 5 and ((kind, "w") in found or (kind, "h") in found):
        _exchange(packet, [found[kind, "w"]], [found[kind, "h"]])


def _dimensions(
    packet: Packet, element: Element, orientation: int, size: tuple[int, int], kind: str
) -> None:
    found = fields(element)
    _exchange(packet, [found[kind, "w"]], [found[kind, "h"]])


def _rectangle(packet: Packet, element: Element, orientation: int, size: tuple[int, int]) -> None:
    """Microsoft: left, top, width and height in one text; from 0 to 1."""
    node = fields(element)[_RECTANGLE]
    x, y, w, h = (Decimal(part) for part in packet.text(node).split(","))
    box = turning.box(orientation, x, y, w, h, 1, 1)
    packet.set(node, ", ".join(_written(value) for value in box))


def _boundary(packet: Packet, element: Element, orientation: int, size: tuple[int, int]) -> None:
    """IPTC: a rectangle, a circle or a polygon; from 0 to 1, or in pixels."""
    found = {name[1]: node for name, node in fields(element).items() if name[0] == _IPTC}
    pixels = packet.text(found["rbUnit"]) == "pixel"
    width, height = (Decimal(side if pixels else 1) for side in size)
    shape = packet.text(found["rbShape"])
    if shape == "polygon":
        for item in items(_element(found["rbVertices"])):
            corner = {name[1]: node for name, node in fields(item).items()}
            pair = corner["rbX"], corner["rbY"]
            x, y = (_number(packet, node) for node in pair)
            _set(packet, pair, turning.point(orientation, x, y, width, height))
        return
    pair = found["rbX"], found["rbY"]
    x, y = (_number(packet, node) for node in pair)
    if shape == "circle":
        _set(packet, pair, turning.point(orientation, x, y, width, height))
        if orientation >= 5 and not pixels:  # the radius is a share of the width
            radius = _number(packet, found["rbRx"]) * size[0] / size[1]
            packet.set(found["rbRx"], _written(radius))
        return
    sides = found["rbW"], found["rbH"]
    w, h = (_number(packet, node) for node in sides)
    new = turning.box(orientation, x, y, w, h, width, height)
    _set(packet, pair + sides, new)


def _subject(packet: Packet, element: Element, orientation: int, size: tuple[int, int]) -> None:
    """EXIF: an array of two to four whole numbers, in pixels."""
    parts = items(element)
    values = [int(packet.text(part)) for part in parts]
    new = turning.subject(orientation, values, *size)
    for part, value in zip(parts, new, strict=True):
        packet.set(part, str(value))


def _exchange(packet: Packet, one: list[Node], two: list[Node]) -> None:
    """Exchange two values; both are taken out if there is not one of each."""
    if len(one) == len(two) == 1:
        first, second = packet.text(one[0]), packet.text(two[0])
        if re.fullmatch(r"[-+0-9./eE]+ [-+0-9./eE]+", f"{first} {second}"):
            packet.set(one[0], second)
            packet.set(two[0], first)
            return
    for node in one + two:
        packet.remove(node)


def _set(packet: Packet, nodes: tuple[Node, ...], values: tuple[Decimal, ...]) -> None:
    for node, value in zip(nodes, values, strict=True):
        packet.set(node, _written(value))


def _number(packet: Packet, node: Node) -> Decimal:
    value = Decimal(packet.text(node))
    if not value.is_finite() or abs(value.adjusted()) > 30:
        raise ValueError("no number")
    return value


def _written(value: Decimal) -> str:
    return f"{value:f}"


def _element(node: Node) -> Element:
    if not isinstance(node, Element):
        raise ValueError("no array")
    return node


def _inside(element: Element) -> bool:
    return element.parent is not None and element.parent.name != (RDF, "RDF")


def _item(element: Element) -> Element:
    """The item of an array that holds the element; the element itself outside of arrays."""
    at: Element | None = element
    while at is not None:
        if at.name == (RDF, "li"):
            return at
        at = at.parent
    return element
