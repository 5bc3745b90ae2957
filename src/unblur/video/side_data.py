"""What FFmpeg's decoders put beside a frame."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def side_data(frame: Any) -> Mapping[Any, Any]:
    """The data by FFmpeg's name, without `AV_FRAME_DATA_`."""
    from av.sidedata.sidedata import Type

    # PyAV's list of kinds is shorter than FFmpeg's, and one that it lacks would hide all others.
    if "_missing_" not in vars(Type):
        Type._missing_ = classmethod(_unnamed)  # pyright: ignore[reportAttributeAccessIssue]
    return frame.side_data


def _unnamed(kinds: Any, number: object) -> Any:
    made = object.__new__(kinds)
    made._name_, made._value_ = f"KIND_{number}", number
    return made
