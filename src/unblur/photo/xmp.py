"""XMP: what it says of the picture is made to agree with the new one; the rest stays as it is."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from unblur.photo import xmp_regions
from unblur.photo.xmp_tree import XMLNS, MalformedError, Node, Packet

GAIN_MAP = "the gain map of an HDR photo"
FILM = "the film of a motion photo"
DEPTH = "the depth map"
BEHIND = "what lies behind the picture"
OLD_PICTURE = "the old picture inside the XMP"
CREDENTIALS = "the content credentials (C2PA)"
"""What photos lose, in the words of `Origin.dropped`."""


@dataclass(frozen=True)
class _Stale:
    """Properties that do not hold for the new picture.

    Attributes:
        namespace: how it begins.
        names: matches the whole local name.
        what: is lost with them, for the user; empty for what follows from the pixels.
    """

    namespace: str
    names: str
    what: str


_GOOGLE = "http://ns.google.com/photos/"
# They belong to the old pixels, or announce what lies in the file outside the picture.
_STALE = (
    _Stale("http://ns.adobe.com/xap/1.0/", "Thumbnails", ""),
    _Stale("http://ns.adobe.com/hdr-gain-map/1.0/", ".*", GAIN_MAP),
    _Stale("http://ns.apple.com/HDRGainMap/1.0/", ".*", GAIN_MAP),
    _Stale(_GOOGLE + "1.0/camera/", "MotionPhoto.*|MicroVideo.*", FILM),
    _Stale("http://ns.oplus.com/photos/1.0/camera/", "(?:Motion|OLive)Photo.*|VideoLength", FILM),
    _Stale("http://ns.xiaomi.com/photos/1.0/camera/", "XMPMeta", BEHIND),
    _Stale(_GOOGLE + "1.0/container/", ".*", BEHIND),
    _Stale(_GOOGLE + "dd/1.0/", ".*", BEHIND),
    _Stale(_GOOGLE + "1.0/image/", ".*", OLD_PICTURE),
    _Stale("http://purl.org/dc/terms/", "provenance", CREDENTIALS),
)
_CROPS = (
    "HasCrop|Crop.*|GradientBasedCorrections|CircularGradientBasedCorrections"
    "|PaintBasedCorrections|MaskGroupBasedCorrections|RetouchAreas|RetouchInfo|RedEyeInfo"
    "|Upright.*|Perspective.*"
)
# They name positions that turning moves.
_STALE_TURNED = (
    _Stale("http://ns.adobe.com/camera-raw-settings/1.0/", _CROPS, "crops and masks of Camera Raw"),
    _Stale("http://ns.apple.com/adjustment-settings/1.0/", "Crop.*|Affine.*", "crops of Photos"),
    _Stale("http://ns.apple.com/faceinfo/1.0/", "AngleInfo.*", "the angles of faces"),
    _Stale(_GOOGLE + "1.0/depthmap/", ".*", DEPTH),
    _Stale(_GOOGLE + "1.0/focus/", ".*", DEPTH),
    _Stale(_GOOGLE + "1.0/panorama/", ".*", "the projection of a panorama"),
)
# What the items of a container hold, by their Item:Semantic.
_SEMANTICS = {"GainMap": GAIN_MAP, "MotionPhoto": FILM, "DepthMap": DEPTH, "Depth": DEPTH}


def upright(
    packet: bytes, orientation: int, size: tuple[int, int], reset: bool = False
) -> tuple[bytes, list[str]]:
    """Make a packet agree with a picture that has been set upright and is given new pixels.

    The orientation becomes 1; sizes and the regions of faces are turned; thumbnails, gain maps and
    what announces data outside the picture are taken out. A packet that says nothing of this comes
    back byte for byte, well-formed or not.

    Args:
        packet: as it lies in a file, the extended part of a JPEG's joined to it.
        orientation: that has been applied, EXIF's 1 to 8.
        size: width and height of the picture as stored.
        reset: whether the orientation becomes 1 even where none has been applied.

    Returns:
        the packet, empty if it needs changes and cannot be read; and what is lost, in a few words
        each.
    """
    data, codec = _utf8(packet)
    rules = _STALE + (_STALE_TURNED if orientation != 1 else ())
    reset = reset or orientation != 1
    if not _mentions(data, rules) and not (reset and xmp_regions.mentioned(data)):
        return packet, []
    body = data.rstrip(b"\0")
    try:
        tree = Packet(body)
    except MalformedError:
        return b"", ["its XMP, which cannot be read"]
    lost = _without(tree, rules)
    if reset:
        xmp_regions.reset(tree)
    if orientation != 1:
        lost += xmp_regions.turn(tree, orientation, size)
    new = tree.edited()
    if new == body:
        return packet, lost
    new += data[len(body) :]
    return (new.decode().encode(codec) if codec else new), list(dict.fromkeys(lost))


def _without(tree: Packet, rules: Iterable[_Stale]) -> list[str]:
    """Take out what is stale, and the declarations of the namespaces that were its own."""
    lost: list[str] = []
    gone: list[Node] = []
    for node in tree.nodes():
        rule = next((rule for rule in rules if _is(node, rule)), None)
        if rule is not None:
            tree.remove(node)
            gone.append(node)
            lost += [rule.what] if rule.what else []
    if not gone:
        return []
    kinds = [_SEMANTICS.get(tree.text(n)) for n in tree.nodes() if n.name[1] == "Semantic"]
    known = [kind for kind in kinds if kind]
    if known:
        lost = [*known, *(what for what in lost if what != BEHIND)]
    needed = {n.name[0] for n in tree.kept()}
    for node in tree.nodes():
        uri = tree.text(node) if node.name[0] == XMLNS else ""
        if uri and uri not in needed and any(uri.startswith(rule.namespace) for rule in rules):
            tree.remove(node)
    return list(dict.fromkeys(lost))


def _is(node: Node, rule: _Stale) -> bool:
    namespace, local = node.name
    return namespace.startswith(rule.namespace) and bool(re.fullmatch(rule.names, local))


def _mentions(data: bytes, rules: Iterable[_Stale]) -> bool:
    return any(
        rule.namespace.encode() in data
        and (rule.names == ".*" or re.search(rf"\b(?:{rule.names})\b".encode(), data))
        for rule in rules
    )


def _utf8(packet: bytes) -> tuple[bytes, str]:
    """The packet in UTF-8, and the encoding it had if that is UTF-16, else empty."""
    for start, codec in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        plain = "<".encode(codec)
        if packet.startswith((start, plain)) and packet[:4] != start + b"\0\0":
            try:
                return packet.decode(codec).encode(), codec
            except UnicodeError:
                return packet, ""
    return packet, ""
