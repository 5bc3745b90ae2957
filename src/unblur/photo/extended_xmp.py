"""XMP in the segments of a JPEG: a standard packet, and an extended one where 64 KB are too few.

Adobe XMP Specification, Part 3 (2020), section 1.1.3.1.
"""

from __future__ import annotations

import hashlib
import re

from unblur.errors import CannotHoldError, Hint
from unblur.photo.xmp_tree import RDF, XMLNS, Attribute, Element, MalformedError, Node, Packet

STANDARD = b"http://ns.adobe.com/xap/1.0/\0"
EXTENSION = b"http://ns.adobe.com/xmp/extension/\0"
"""How the contents of the two kinds of APP1 segments begin."""

LOST = "the extended part of the XMP, which is damaged"

_NOTE = "http://ns.adobe.com/xmp/note/"
_HAS_EXTENDED = (_NOTE, "HasExtendedXMP")
_LONGEST, _CHUNK = 65502, 65400
_ABOUT = {(RDF, name) for name in ("about", "ID", "nodeID")}
_PADDING = re.compile(rb"\s+(<\?xpacket\s+end=[^>]*\?>)\s*\Z")


def joined(packet: bytes, parts: list[bytes]) -> tuple[bytes, list[str]]:
    """One packet with all properties, and what of the parts is lost, in a few words each.

    Args:
        packet: the standard packet.
        parts: the contents of the segments that begin with `EXTENSION`.
    """
    if not parts:
        return packet, []
    try:
        main = Packet(packet.rstrip(b"\0"))
        guids = main.named(_HAS_EXTENDED)
        extended = _assembled(parts, main.text(guids[0]).encode()) if guids else b""
        ending = _rdf(main)
        content = _content(Packet(extended))
    except (MalformedError, UnicodeError):
        return _unannounced(packet), [LOST]
    for node in guids:
        main.remove(node)
    main.insert(ending.close, content)
    return main.edited(), []


def segments(packet: bytes) -> list[bytes]:
    """The contents of the APP1 segments that hold a packet.

    Raises:
        CannotHoldError: if it is longer than a segment can be, and cannot be divided.
    """
    if len(packet) > _LONGEST:
        packet = _PADDING.sub(rb"\n\1", packet.rstrip(b"\0"))
    if len(packet) <= _LONGEST:
        return [STANDARD + packet]
    try:
        standard, extended = _divided(Packet(packet))
    except MalformedError:
        standard, extended = packet, b""
    if len(standard) > _LONGEST:
        hint = Hint("format", ("png", "tiff"))
        raise CannotHoldError("has more XMP than a JPEG can hold", hint=hint)
    head = EXTENSION + _guid(extended) + len(extended).to_bytes(4, "big")
    return [
        STANDARD + standard,
        *(
            head + at.to_bytes(4, "big") + extended[at : at + _CHUNK]
            for at in range(0, len(extended), _CHUNK)
        ),
    ]


def _assembled(parts: list[bytes], guid: bytes) -> bytes:
    """The extended packet; raises MalformedError unless the parts are all of it."""
    lead = len(EXTENSION)
    found: dict[int, bytes] = {}
    length = -1
    for part in parts:
        if part[lead : lead + 32] == guid and len(part) >= lead + 40:
            length = int.from_bytes(part[lead + 32 : lead + 36], "big")
            found[int.from_bytes(part[lead + 36 : lead + 40], "big")] = part[lead + 40 :]
    end = 0
    for at, part in sorted(found.items()):
        if at != end:
            break
        end += len(part)
    if end != length:
        raise MalformedError("incomplete")
    return b"".join(part for _, part in sorted(found.items()))[:length]


def _content(extended: Packet) -> bytes:
    """What is in the RDF element, with the namespaces that were declared around it."""
    outer = _rdf(extended)
    for child in outer.children:
        own = {node.name[1] for node in child.attributes if node.name[0] == XMLNS}
        inherited = {p: u for p, u in outer.prefixes.items() if p not in own and p != "xml"}
        at = child.attributes[-1].end if child.attributes else _name_end(extended, child)
        extended.insert(at, _declarations(inherited))
    # The whole is cut at where the content starts and ends, which no change moves before it.
    start, end = outer.inner, len(extended.data) - outer.close
    edited = extended.edited()
    return edited[start : len(edited) - end]


def _divided(packet: Packet) -> tuple[bytes, bytes]:
    """The standard and the extended packet: the largest properties go into the second."""
    movable: list[tuple[Element, Node]] = []
    for description in _rdf(packet).children:
        movable += [(description, child) for child in description.children]
        movable += [
            (description, a)
            for a in description.attributes
            if a.name[0] != XMLNS and a.name not in _ABOUT
        ]
    movable.sort(key=lambda pair: pair[1].start - pair[1].end)
    excess = len(packet.data) + 200 - _LONGEST
    moved: list[tuple[Element, Node]] = []
    for description, node in movable:
        if excess <= 0:
            break
        excess -= node.end - node.start
        moved.append((description, node))
        packet.remove(node)
    by_source: dict[int, tuple[Element, list[Node]]] = {}
    for description, node in moved:
        by_source.setdefault(description.start, (description, []))[1].append(node)
    body = b"".join(_description(packet, *part) for part in by_source.values())
    extended = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="' + RDF.encode() + b'">'
    ) + (body + b"</rdf:RDF></x:xmpmeta>")
    note = f' <rdf:Description xmlns:rdf="{RDF}" rdf:about="" xmlns:xmpNote="{_NOTE}"'
    packet.insert(
        _rdf(packet).close, note.encode() + b' xmpNote:HasExtendedXMP="' + _guid(extended) + b'"/>'
    )
    return packet.edited(), extended


def _description(packet: Packet, source: Element, nodes: list[Node]) -> bytes:
    """A description with some of another's properties."""
    raw = [(node, packet.data[node.start : node.end]) for node in nodes]
    about = [a for a in source.attributes if a.name in _ABOUT]
    attributes = [packet.data[a.start : a.end] for a in about]
    attributes += [text for node, text in raw if isinstance(node, Attribute)]
    inside = [text for node, text in raw if isinstance(node, Element)]
    prefixes = {**source.prefixes, "rdf": RDF}
    prefixes.pop("xml", None)
    start = b"<rdf:Description" + _declarations(prefixes) + b"".join(attributes) + b">"
    return start + b"".join(inside) + b"</rdf:Description>"


def _unannounced(packet: bytes) -> bytes:
    """The standard packet without the announcement of an extended one, if it can be read."""
    try:
        main = Packet(packet.rstrip(b"\0"))
    except MalformedError:
        return packet
    for node in main.named(_HAS_EXTENDED):
        main.remove(node)
    return main.edited()


def _declarations(prefixes: dict[str, str]) -> bytes:
    made = ""
    for prefix, uri in prefixes.items():
        escaped = uri.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
        made += f' xmlns{":" if prefix else ""}{prefix}="{escaped}"'
    return made.encode()


def _rdf(packet: Packet) -> Element:
    found = next((element for element in packet.elements if element.name == (RDF, "RDF")), None)
    if found is None or found.inner == found.end:
        raise MalformedError("no RDF")
    return found


def _name_end(packet: Packet, element: Element) -> int:
    match = re.compile(rb"<[^\s/>]+").match(packet.data, element.start)
    assert match is not None
    return match.end()


def _guid(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).hexdigest().upper().encode()
