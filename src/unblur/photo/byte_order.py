"""Values of a big-endian file's tags as those of a little-endian one."""

from __future__ import annotations

import numpy as np

# By the types of TIFF 6.0, section 2, and of BigTIFF; rationals are pairs.
_WORDS = {3: 2, 4: 4, 5: 4, 8: 2, 9: 4, 10: 4, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_LONG = 4


def swapped(value: bytes, kind: int) -> bytes:
    """The numbers of a type in the other order; bytes and texts as they are."""
    word = _WORDS.get(kind, 1)
    return np.frombuffer(value, f">u{word}").astype(f"<u{word}").tobytes()


def records(value: bytes) -> bytes:
    """IPTC records, which are bytes although some write them as numbers, and turn these round."""
    begins, whole = b"\x1c", len(value) // 4 * 4
    turned = swapped(value[:whole], _LONG) + value[whole:]
    return turned if value[:1] != begins == turned[:1] else value


def comment(value: bytes, kind: int) -> bytes:
    """A UserComment in UTF-16, which is in the order of the file, in the other order.

    EXIF does not say so, and some write it otherwise: the high bytes are those that differ less.
    """
    code, text = value[:8], value[8:]
    if code != b"UNICODE\0" or len(text) % 2 or len(set(text[::2])) > len(set(text[1::2])):
        return value
    return code + swapped(text, 3)
