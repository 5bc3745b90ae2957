"""Small JPEGs with segments, and packets of XMP, for tests."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from unblur.photo import jpeg
from unblur.photo.jpeg_segments import APP0, APP1, Segment

STANDARD = b"http://ns.adobe.com/xap/1.0/\0"
JFIF: Segment = (APP0, b"JFIF\0\1\2\0\0\1\0\1\0\0")
EXTENSION = b"http://ns.adobe.com/xmp/extension/\0"

_NAMESPACES = {
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "xmpNote": "http://ns.adobe.com/xmp/note/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "crs": "http://ns.adobe.com/camera-raw-settings/1.0/",
    "hdrgm": "http://ns.adobe.com/hdr-gain-map/1.0/",
    "GCamera": "http://ns.google.com/photos/1.0/camera/",
    "GDepth": "http://ns.google.com/photos/1.0/depthmap/",
    "Container": "http://ns.google.com/photos/1.0/container/",
    "Item": "http://ns.google.com/photos/1.0/container/item/",
    "mwg-rs": "http://www.metadataworkinggroup.com/schemas/regions/",
    "stDim": "http://ns.adobe.com/xap/1.0/sType/Dimensions#",
    "stArea": "http://ns.adobe.com/xmp/sType/Area#",
    "MP": "http://ns.microsoft.com/photo/1.2/",
    "MPRI": "http://ns.microsoft.com/photo/1.2/t/RegionInfo#",
    "MPReg": "http://ns.microsoft.com/photo/1.2/t/Region#",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
}


def picture(
    segments: list[Segment], behind: bytes = b"", width: int = 24, height: int = 16
) -> bytes:
    """A JPEG whose upper left quarter is bright."""
    pixels = np.full((height, width, 3), 40, np.uint8)
    pixels[: height // 2, : width // 2] = 220
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "jpeg", quality=95)
    plain = file.getvalue()
    bare = plain[:2] + plain[20:]  # without its JFIF segment
    return jpeg.with_segments(bare, segments) + behind


def with_xmp(packet: bytes) -> list[Segment]:
    return [(APP1, STANDARD + packet)]


def packet(properties: str, attributes: str = "") -> bytes:
    """A packet as writers lay it out, of properties as elements and as attributes."""
    used = properties + attributes
    declared = "".join(
        f' xmlns:{name}="{uri}"' for name, uri in _NAMESPACES.items() if f"{name}:" in used
    )
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
        ' <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
        f'  <rdf:Description rdf:about=""{declared} {attributes}>{properties}</rdf:Description>\n'
        ' </rdf:RDF>\n</x:xmpmeta>\n<?xpacket end="w"?>'
    ).encode()
