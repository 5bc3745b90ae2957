"""Converts frames to RGB arrays, and changes of arrays back into frames."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from unblur.errors import VideoError
from unblur.video.facts import Facts

_MATRICES = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9}
"""FFmpeg's number of a matrix (H.273) -> the scaler's."""
_UNKNOWN = (0, 2)
_LIMITED, _FULL = 1, 2


def usual_matrix(facts: Facts) -> int:
    """The matrix that players assume by default: BT.709 from 720 lines on, else BT.601."""
    return 1 if facts.height >= 720 else 6


def is_rgb(pixel_format: str) -> bool:
    from av.video.format import VideoFormat

    kind = VideoFormat(pixel_format, 64, 64)
    return kind.is_rgb or kind.has_palette


class Colours:
    """Converts with the stream's own matrix and range, both ways.

    Only the difference between two arrays is written: a frame without a change keeps every sample,
    including colours outside RGB.

    Raises:
        VideoError: if the matrix is one that cannot be converted.
    """

    def __init__(self, facts: Facts, pixel_format: str) -> None:
        from av.video.format import VideoFormat
        from av.video.reformatter import Interpolation, VideoReformatter

        kind = VideoFormat(facts.pixel_format, 64, 64)
        unknown = facts.color_matrix in _UNKNOWN
        matrix = usual_matrix(facts) if unknown else facts.color_matrix
        if matrix not in _MATRICES:
            raise VideoError(f"has colours of an unusual matrix ({matrix}, as H.273 counts)")
        matrix = _MATRICES[matrix]
        rgb = is_rgb(facts.pixel_format) and is_rgb(pixel_format)
        full = facts.color_range == _FULL or rgb
        range_ = _FULL if full else _LIMITED
        self._peak = 2 ** max(c.bits for c in VideoFormat(pixel_format, 64, 64).components) - 1
        self._rgb = "rgb48le" if max(c.bits for c in kind.components) > 8 else "rgb24"
        flags = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
        common: dict[str, Any] = {"interpolation": flags | Interpolation.BITEXACT, "threads": 1}
        source = {"src_colorspace": matrix, "src_color_range": range_}
        target = {"format": pixel_format, "dst_colorspace": matrix, "dst_color_range": range_}
        # A reformatter per conversion: each caches its tables.
        self._to_rgb, self._to_yuv, self._to_format = (
            partial(VideoReformatter().reformat, **ends, **common)
            for ends in (
                {**source, "format": self._rgb, "dst_color_range": _FULL},
                {**target, "src_color_range": _FULL},
                {**source, **target},
            )
        )

    def read(self, frame: Any) -> np.ndarray:
        """(h, w, 3) RGB of uint8, or of uint16 where the frame has more than 8 bits."""
        return self._to_rgb(frame).to_ndarray()

    def change(self, frame: Any, before: np.ndarray, after: np.ndarray) -> Any:
        """The frame in the encoder's format, with the change from one array to the other."""
        frame = self._to_format(frame)
        if not np.array_equal(before, after):
            frame.make_writable()  # the decoder may still refer to it
            old, new = self._write(before), self._write(after)
            for plane, was, now in zip(frame.planes, old.planes, new.planes, strict=True):
                self._add(plane, was, now)
        return frame

    def _write(self, array: np.ndarray) -> Any:
        from av import VideoFrame

        frame = VideoFrame.from_ndarray(np.ascontiguousarray(array), format=self._rgb)
        return self._to_yuv(frame)

    def _add(self, plane: Any, was: Any, now: Any) -> None:
        kind, signed = (np.uint8, np.int16) if self._peak < 256 else (np.uint16, np.int32)
        rows = [np.frombuffer(p, kind).reshape(p.height, -1) for p in (plane, was, now)]
        used = min(row.shape[1] for row in rows)  # the padding may differ
        mine, before, after = (row[:, :used] for row in rows)
        total = np.subtract(after, before, dtype=signed)
        total += mine
        mine[:] = np.clip(total, 0, self._peak, out=total)
