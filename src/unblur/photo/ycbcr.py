"""Luma and chroma of RGB, by the matrices of ITU-T H.273, 8.3."""

from __future__ import annotations

from typing import Any

LUMA = {
    1: (0.2126, 0.0722),
    4: (0.30, 0.11),
    5: (0.299, 0.114),
    6: (0.299, 0.114),
    7: (0.212, 0.087),
    9: (0.2627, 0.0593),
}
"""Matrix -> the shares of red and blue in luma."""


def planes(image: Any, matrix: int, full: bool, bits: int) -> Any:
    """Cr, Y and Cb of a picture, where an encoder of the identity matrix takes R, G and B.

    Args:
        image: RGB or RGBA, of uchar or ushort; alpha is kept.
        matrix: one of `LUMA`.
        bits: of a stored sample, at most those of the picture's.
    """
    red, blue = LUMA[matrix]
    luma = [red, 1 - red - blue, blue]
    rows = [
        [(colour - part) / (2 * (1 - share)) for colour, part in zip(unit, luma, strict=True)]
        for unit, share in (((1, 0, 0), red), ((0, 0, 1), blue))
    ]
    whole = 255 if image.format == "uchar" else 65535
    top, middle = 2**bits - 1, 2 ** (bits - 1)
    if full:
        scales, offsets = (top, top, top), (middle, 0, middle)
    else:
        step = 2 ** (bits - 8)
        scales, offsets = (224 * step, 219 * step, 224 * step), (middle, 16 * step, middle)
    linear = image[:3].cast("double").recomb([rows[0], luma, rows[1]])
    samples = linear.linear([scale / whole for scale in scales], list(offsets)).rint()
    samples = (samples < 0).ifthenelse(0, (samples > top).ifthenelse(top, samples))
    step = 1 if image.format == "uchar" else 2 ** (16 - bits)
    made = (samples * step).cast(image.format)
    made = made.bandjoin(image[3]) if image.bands > 3 else made
    return made.copy(interpretation=image.interpretation)
