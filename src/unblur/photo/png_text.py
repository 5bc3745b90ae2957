"""The text chunks of a PNG, in which XMP, EXIF and IPTC may lie as well.

PNG (third edition), 11.3.3: `tEXt` (Latin-1), `zTXt` (the same, compressed), `iTXt` (UTF-8).
ImageMagick and ExifTool put EXIF, IPTC and others into texts whose keywords begin with
"Raw profile type", in hexadecimal digits.
"""

from __future__ import annotations

import re
import zlib

from unblur.photo.exif import LEAD

NAMES = (b"tEXt", b"zTXt", b"iTXt")
XMP = b"XML:com.adobe.xmp"

_PROFILE = b"Raw profile type "
_ROLES = {b"exif": "exif", b"app1": "exif", b"xmp": "xmp", b"iptc": "iptc", b"8bim": "photoshop"}
_LONGEST = 2**25
_XAP = b"http://ns.adobe.com/xap/1.0/\0"


def keyword(data: bytes) -> bytes:
    """The keyword of a text chunk's content."""
    return data[:79].split(b"\0")[0]


def role(data: bytes) -> str:
    """What a text chunk's content is of: a value of `_ROLES`, or "text" of the user's own."""
    name = keyword(data)
    if name == XMP:
        return "xmp"
    kind = name.removeprefix(_PROFILE).lower() if name.startswith(_PROFILE) else b""
    return _ROLES.get(kind, "text")


def block(name: bytes, data: bytes) -> bytes:
    """The XMP, EXIF, IPTC or Photoshop's resources in a text chunk.

    Empty if it is damaged or expands to over 32 MB.
    """
    text = _text(name, data)
    if keyword(data).startswith(_PROFILE):
        return _unwrapped(text)
    return text


def with_block(name: bytes, data: bytes, new: bytes) -> bytes:
    """The content of a text chunk with another block, in the layout of the old one."""
    word = keyword(data)
    if word.startswith(_PROFILE):
        old = _unwrapped(_text(name, data))
        lead = next((lead for lead in (LEAD, _XAP) if old.startswith(lead)), b"")
        new = profile(word.removeprefix(_PROFILE), lead + new)
    rest = data[len(word) + 1 :]
    if name == b"tEXt":
        return word + b"\0" + new
    if name == b"zTXt":
        return word + b"\0\0" + zlib.compress(new)
    head = rest[:2] + b"\0".join(rest[2:].split(b"\0", 2)[:2])
    return word + b"\0" + head + b"\0" + (zlib.compress(new) if rest[:1] == b"\1" else new)


def profile(kind: bytes, data: bytes) -> bytes:
    """A block as ImageMagick writes it into a text."""
    digits = data.hex().encode()
    lines = [digits[i : i + 72] for i in range(0, len(digits), 72)]
    return b"\n%s\n%8d\n%s\n" % (kind, len(data), b"\n".join(lines))


def profile_chunk(kind: bytes, data: bytes) -> bytes:
    """The content of a `zTXt` chunk of a block."""
    return _PROFILE + kind + b"\0\0" + zlib.compress(profile(kind, data))


def bare(data: bytes) -> bytes:
    """EXIF or XMP without what leads it in a JPEG."""
    return data.removeprefix(LEAD).removeprefix(_XAP)


def _unwrapped(text: bytes) -> bytes:
    found = re.match(rb"\s*[\w. -]{1,79}\n\s*(\d{1,9})\n", text)
    if not found:
        return b""
    try:
        return bytes.fromhex(text[found.end() :].decode("ascii"))[: int(found[1])]
    except ValueError:
        return b""


def _text(name: bytes, data: bytes) -> bytes:
    rest = data[len(keyword(data)) + 1 :]
    if name == b"tEXt":
        return rest
    if name == b"zTXt":
        return _expanded(rest[1:])
    parts = rest[2:].split(b"\0", 2)
    if len(parts) < 3:
        return b""
    return _expanded(parts[2]) if rest[:1] == b"\1" else parts[2]


def _expanded(data: bytes) -> bytes:
    stream = zlib.decompressobj()
    try:
        text = stream.decompress(data, _LONGEST)
    except zlib.error:
        return b""
    return text if stream.eof else b""
