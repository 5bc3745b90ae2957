"""XMP packets as trees of elements that know their place in the bytes.

A packet is changed by replacing parts of its bytes, so that all else stays byte for byte: prefixes,
white space, processing instructions. The parser is expat; entities are not expanded, because a
document type, which alone could define any, is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape
from xml.parsers import expat

Name = tuple[str, str]
"""Namespace and local name."""

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
XMLNS = "xmlns"
"""Stands for the namespace of declarations, whose local names are the prefixes."""

_XML = "http://www.w3.org/XML/1998/namespace"
_TAG = re.compile(rb"<([^\s/>]+)((?:\s+[^\s=]+\s*=\s*(?:\"[^\"]*\"|'[^']*'))*)\s*(/?)>", re.DOTALL)
_ATTRIBUTE = re.compile(rb"\s+([^\s=]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_MOST_BYTES, _MOST_NODES, _DEEPEST = 2**26, 2**18, 200


class MalformedError(ValueError):
    """The packet is no XML that can be read, or is too large."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """Extents in the packet: of the whole with the space before it, and of the value."""

    name: Name
    start: int
    end: int
    inner: int
    close: int


@dataclass(slots=True, eq=False)
class Element:
    """Extents in the packet: of the whole, and of the content between the tags."""

    name: Name
    parent: Element | None
    prefixes: dict[str, str]
    attributes: list[Attribute]
    start: int
    inner: int
    close: int = 0
    end: int = 0
    children: list[Element] = field(default_factory=list)


Node = Attribute | Element


class Packet:
    """A parsed packet, and the changes that are to be made to it.

    Args:
        data: UTF-8, or another encoding that agrees with ASCII.

    Raises:
        MalformedError: if it is no well-formed XML, has a document type, is over 64 MiB, or has
            more parts or levels than any packet needs.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.elements: list[Element] = []
        self._edits: list[tuple[int, int, bytes]] = []
        _Parser(data, self.elements)

    def named(self, *names: Name) -> list[Node]:
        """The elements and attributes of these names, in their order."""
        return [node for node in self.nodes() if node.name in names]

    def nodes(self) -> Iterator[Node]:
        for element in self.elements:
            yield element
            yield from element.attributes

    def text(self, node: Node) -> str:
        """The value of an attribute or of an element without elements in it."""
        raw = self.data[node.inner : node.close].decode("utf-8", "replace")
        return unescape(raw).strip()

    def set(self, node: Node, value: str) -> None:
        """Give a node another value, which holds none of XML's special characters."""
        self.edit(node, value.encode())

    def edit(self, node: Node, content: bytes) -> None:
        if node.inner == node.close and isinstance(node, Element):
            return  # <a/> has no place for content
        self._edits.append((node.inner, node.close, content))

    def insert(self, at: int, content: bytes) -> None:
        self._edits.append((at, at, content))

    def remove(self, node: Node) -> None:
        """Take out a node with all that is in it."""
        self._edits.append((node.start, node.end, b""))

    def kept(self) -> Iterator[Node]:
        """The nodes that no change takes out or replaces as part of another."""
        gone = sorted((start, end) for start, end, new in self._edits if not new)
        at = behind = 0
        for node in self.nodes():
            while at < len(gone) and gone[at][0] <= node.start:
                behind = max(behind, gone[at][1])
                at += 1
            if node.start >= behind:
                yield node

    def edited(self) -> bytes:
        """The bytes with the changes made; of nested ones the outermost."""
        parts, at = list[bytes](), 0
        for start, end, new in sorted(self._edits, key=lambda edit: (edit[0], -edit[1])):
            if start < at:
                continue
            parts += [self.data[at:start], new]
            at = end
        return b"".join([*parts, self.data[at:]])


def fields(element: Element) -> dict[Name, Node]:
    """The fields of a structure in each of RDF's forms: attributes, elements, or a Description."""
    found: dict[Name, Node] = {a.name: a for a in element.attributes}
    for child in element.children:
        if child.name == (RDF, "Description"):
            found |= {a.name: a for a in child.attributes}
            found |= {c.name: c for c in child.children}
        else:
            found[child.name] = child
    return found


def items(element: Element) -> list[Element]:
    """The items of an array."""
    return [i for array in element.children for i in array.children if i.name == (RDF, "li")]


class _Parser:
    """Fills a list with the elements of a packet, in the order in which they start."""

    def __init__(self, data: bytes, elements: list[Element]) -> None:
        if len(data) > _MOST_BYTES:
            raise MalformedError("too long")
        self._data, self._elements = data, elements
        self._open: list[Element] = []
        self._nodes = 0
        self._parser = parser = expat.ParserCreate()
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.StartDoctypeDeclHandler = self._doctype
        try:
            parser.Parse(data, True)
        except (expat.ExpatError, UnicodeError, LookupError) as error:
            raise MalformedError(str(error)) from None

    def _doctype(self, *_: object) -> None:
        raise MalformedError("has a document type")

    def _start(self, name: str, _: object) -> None:
        start = self._parser.CurrentByteIndex
        tag = _TAG.match(self._data, start)
        if tag is None or len(self._open) >= _DEEPEST:
            raise MalformedError("has tags that cannot be read, or too deep")
        raw = list(_ATTRIBUTE.finditer(self._data, tag.start(2), tag.end(2)))
        parent = self._open[-1] if self._open else None
        prefixes = parent.prefixes if parent else {"xml": _XML}
        declared = [m for m in raw if m[1] == b"xmlns" or m[1].startswith(b"xmlns:")]
        # A declaration copies those in scope.
        self._nodes += 1 + len(raw) + (len(prefixes) // 8 if declared else 0)
        if self._nodes > _MOST_NODES:
            raise MalformedError("has too many parts")
        if declared:
            prefixes = prefixes | {
                m[1].decode("utf-8", "replace").partition(":")[2]: _value(m) for m in declared
            }
        attributes = [_attribute(m, prefixes) for m in raw]
        full = _resolved(name, prefixes, prefixes.get("", ""))
        element = Element(full, parent, prefixes, attributes, start, tag.end())
        if tag[3]:
            element.inner = element.close = element.end = tag.end()
        if parent is not None:
            parent.children.append(element)
        self._open.append(element)
        self._elements.append(element)

    def _end(self, _: str) -> None:
        element = self._open.pop()
        if not element.end:
            element.close = self._parser.CurrentByteIndex
            element.end = self._data.index(b">", element.close) + 1


def _attribute(match: re.Match[bytes], prefixes: dict[str, str]) -> Attribute:
    name = match[1].decode("utf-8", "replace")
    value = 2 if match[2] is not None else 3
    declares = name == "xmlns" or name.startswith("xmlns:")
    full = (XMLNS, name.partition(":")[2]) if declares else _resolved(name, prefixes, "")
    return Attribute(full, match.start(), match.end(), match.start(value), match.end(value))


def _resolved(name: str, prefixes: dict[str, str], default: str) -> Name:
    prefix, colon, local = name.partition(":")
    return (prefixes.get(prefix, ""), local) if colon else (default, name)


def _value(match: re.Match[bytes]) -> str:
    raw = match[2] if match[2] is not None else match[3]
    return unescape(raw.decode("utf-8", "replace")).strip()
