"""Deblurs videos; everything but the frames is kept."""

from __future__ import annotations

from unblur.video.deblur import deblur_video
from unblur.video.source import VIDEOS, is_video

__all__ = ["VIDEOS", "deblur_video", "is_video"]
