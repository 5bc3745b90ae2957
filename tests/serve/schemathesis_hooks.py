"""What schemathesis sends as a photo: whole ones, damaged ones, and bytes that are none.

Given to it by SCHEMATHESIS_HOOKS; it imports this file alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyvips
import schemathesis
from hypothesis import strategies as st

_Y, _X = np.mgrid[:40, :48]
_PIXELS = np.stack([128 + 100 * np.sin(_X / (2 + k)) * np.cos(_Y / 3) for k in range(4)], -1)


def _files() -> list[bytes]:
    shapes: list[Any] = [_PIXELS[..., :3], _PIXELS, _PIXELS[..., :1]]
    images: list[Any] = [pyvips.Image.new_from_array(pixels.astype(np.uint8)) for pixels in shapes]
    deep: Any = pyvips.Image.new_from_array((_PIXELS[..., :3] * 257).astype(np.uint16))
    made = [image.write_to_buffer(kind) for image in images for kind in (".png", ".tif", ".webp")]
    return [*made, images[0].write_to_buffer(".jpg"), deep.write_to_buffer(".png")]


WHOLE = st.sampled_from(_files())
CUT = st.tuples(WHOLE, st.floats(0, 1)).map(lambda pair: pair[0][: int(pair[1] * len(pair[0]))])
CHANGED = st.tuples(WHOLE, st.integers(0, 2**16), st.binary(min_size=1, max_size=4)).map(
    lambda t: t[0][: t[1] % len(t[0])] + t[2] + t[0][t[1] % len(t[0]) + len(t[2]) :]
)
schemathesis.openapi.format("binary", st.one_of(WHOLE, CUT, CHANGED, st.binary(max_size=100)))
