"""The sequence header of an AV1 stream, in which an AVIF's picture says its colours as well.

AV1 bitstream specification, sections 5.3 (units), 5.5 (the header), 5.9.2.
"""

from __future__ import annotations

_SEQUENCE = 1
_SRGB_IDENTITY = (1, 13, 0)


def colours(stream: bytes) -> tuple[int, int, int, bool] | None:
    """Primaries, transfer, matrix and whether the range is full; None if it does not say."""
    try:
        start, end = _header(stream)
        bits = _bits(stream[start:end])
        _, mono, at = _description(bits)
        if bits[at] == "0":
            return None
        points = tuple(int(bits[at + 1 + 8 * i : at + 9 + 8 * i], 2) for i in range(3))
        full = (points == _SRGB_IDENTITY and not mono) or bits[at + 25] == "1"
    except (IndexError, ValueError):
        return None
    return points[0], points[1], points[2], full


def with_colours(stream: bytes, new: tuple[int, int, int, bool]) -> bytes:
    """The stream with other colours in its header; no sample changes.

    Raises:
        ValueError: if the header is not understood, or the new colours are the identity with sRGB,
            whose header has another layout.
    """
    try:
        start, end = _header(stream)
        bits = _bits(stream[start:end])
        profile, mono, at = _description(bits)
        old = tuple(int(bits[at + 1 + 8 * i : at + 9 + 8 * i], 2) for i in range(3))
        behind = at + (25 if bits[at] == "1" else 1)
        identity = bits[at] == "1" and old == _SRGB_IDENTITY and not mono
        behind += not identity
        if new[:3] == _SRGB_IDENTITY:
            raise ValueError("the identity with sRGB")
        said = "1" + "".join(f"{value:08b}" for value in new[:3]) + "01"[new[3]]
        if identity and profile == 2:  # of 12 bits: says that chroma is not sub-sampled
            said += "0"
        # The last one bit ends the header, zeros pad it.
        bits = bits[:at] + said + bits[behind : bits.rindex("1") + 1]
    except IndexError:
        raise ValueError("a header that ends early") from None
    bits += "0" * (-len(bits) % 8)
    header = int(bits, 2).to_bytes(len(bits) // 8, "big")
    if len(header) > 127:
        raise ValueError("a header of more than 127 bytes")
    return stream[: start - 1] + bytes([len(header)]) + header + stream[end:]


def _header(stream: bytes) -> tuple[int, int]:
    """Start and end of the sequence header's content; its size is the byte before."""
    at = 0
    while True:
        first, size = stream[at], stream[at + 1]
        if first & 6 != 2 or size > 127 or at + 2 + size > len(stream):
            raise ValueError("a unit of another layout")
        if first >> 3 & 15 == _SEQUENCE:
            return at + 2, at + 2 + size
        at += 2 + size


def _bits(data: bytes) -> str:
    return "".join(f"{byte:08b}" for byte in data)


def _description(bits: str) -> tuple[int, bool, int]:
    """The profile, whether there is one plane, and the place of color_description_present_flag."""
    at = 0

    def take(count: int) -> int:
        nonlocal at
        at += count
        return int(bits[at - count : at], 2)

    profile, _, reduced = take(3), take(1), take(1)
    if reduced:
        take(5)
    else:
        if take(1):
            raise ValueError("a film's times")
        delays = take(1)
        for _ in range(take(5) + 1):
            take(12)
            if take(5) > 7:
                take(1)
            if delays and take(1):
                take(4)
    width, height = take(4) + 1, take(4) + 1
    take(width)
    take(height)
    if not reduced and take(1):
        take(7)
    take(3)
    if not reduced:
        take(4)
        ordered = take(1)
        if ordered:
            take(2)
        screen = 2 if take(1) else take(1)
        if screen and not take(1):
            take(1)
        if ordered:
            take(3)
    take(3)
    deep = take(1)
    if profile == 2 and deep:
        take(1)
    mono = profile != 1 and bool(take(1))
    return profile, mono, at
