"""Makes small videos with PyAV, with all that a file can carry."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from unblur.video.priority import kept_priority

HEIGHT, WIDTH = 48, 64
BASE = Fraction(1, 15360)


def picture(number: int) -> np.ndarray:
    """(HEIGHT, WIDTH, 3) uint8 waves that move from frame to frame."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    waves = [128 + 100 * np.sin((x + number) / 5 + k) * np.cos(y / 7 + k) for k in range(3)]
    return np.stack(waves, -1).astype(np.uint8)


def write_clip(
    path: Path,
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    count: int = 20,
    *,
    options: dict[str, str] | None = None,
    color: tuple[int, int, int, int] = (1, 1, 1, 1),
    steps: tuple[int, ...] = (512,),
    audio: str | None = None,
    subtitles: str | None = None,
    rotation: int = 0,
    flip: bool = False,
    aspect: Fraction | None = None,
    cover: bytes | None = None,
    tags: dict[str, str] | None = None,
) -> Path:
    """Writes a clip; `color` is range, matrix, primaries, transfer; `steps` between frames."""
    flags = {"movflags": "use_metadata_tags"} if tags else {}
    with kept_priority(), av.open(str(path), "w", container_options=flags) as out:
        video: Any = out.add_stream(codec, rate=30, options=options)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, pixel_format
        base = Fraction(1, 30) if path.suffix == ".avi" else BASE
        video.time_base = video.codec_context.time_base = base
        context = video.codec_context
        context.color_range, context.colorspace = color[:2]
        context.color_primaries, context.color_trc = color[2:]
        if aspect:
            context.sample_aspect_ratio = aspect
        if rotation or flip:
            video.set_display_rotation(rotation, hflip=flip)
        video.metadata["language"] = "deu"
        out.metadata.update({"title": "waves", **(tags or {})})
        second = Fraction(1, 1000)
        titles = {"title": "first"}, {"title": "second"}
        if path.suffix != ".avi":
            ends = (0, 300), (300, 600)
            chapters = [
                {"id": i, "start": a, "end": b, "time_base": second, "metadata": titles[i]}
                for i, (a, b) in enumerate(ends)
            ]
            out.set_chapters(chapters)  # pyright: ignore[reportArgumentType]
        sound: Any = out.add_stream(audio, rate=48000) if audio else None
        words: Any = out.add_mux_stream(subtitles) if subtitles else None
        if words:
            words.time_base = second
            words.metadata["language"] = "eng"
            words.disposition = 0x40  # forced
        if cover:
            out.add_attachment("cover.jpg", "image/jpeg", cover)
            out.add_attachment("font.ttf", "application/x-truetype-font", b"letters")
        time = 0
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(picture(number), format="rgb24").reformat(
                format=pixel_format, dst_colorspace=color[1], dst_color_range=color[0]
            )
            frame.pts, frame.time_base = time, base
            time += 1 if path.suffix == ".avi" else steps[number % len(steps)]
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        if sound:
            write_sine(out, sound)
        if words:
            _write_titles(out, words, subtitles == "mov_text")
    return path


def packets(path: Path, index: int) -> list[tuple[Any, ...]]:
    """Times and bytes of one stream's packets."""
    with av.open(str(path)) as container:
        found = container.demux(container.streams[index])
        return [(p.pts, p.dts, p.time_base, bytes(p)) for p in found if p.size]


def frames(path: Path) -> list[Any]:
    """Every frame of the video, decoded."""
    with av.open(str(path)) as container:
        return list(container.decode(video=0))


def planes(frame: Any) -> list[np.ndarray]:
    """What a frame holds, without the padding at the ends of lines."""
    deep = max(c.bits for c in frame.format.components) > 8
    found = []
    for plane in frame.planes:
        rows = np.frombuffer(plane, np.uint16 if deep else np.uint8).reshape(plane.height, -1)
        packed = 1 if frame.format.is_planar or len(frame.planes) > 1 else 4
        packed = 1 if len(frame.format.components) == 1 else packed
        found.append(rows[:, : plane.width * packed].astype(int))
    return found


def blend(frame: np.ndarray, strength: float) -> np.ndarray:
    """Stands in for the network: a picture that is darker on the left."""
    shade = np.linspace(0.6, 1, frame.shape[1])[:, None]
    return np.rint(frame * (1 + strength * (shade - 1))).astype(frame.dtype)


def times(path: Path) -> list[tuple[int, Fraction]]:
    return [(f.pts, f.time_base) for f in frames(path)]


def write_sine(out: Any, stream: Any) -> None:
    for number in range(30):
        wave = np.sin((np.arange(1024) + 1024 * number) * (2 * np.pi * 440 / 48000)) * 0.1
        kind = stream.codec_context.format.name
        wave = wave if kind.startswith("flt") else wave * 32767
        form = {"flt": np.float32, "s32": np.int32}.get(kind.rstrip("p"), np.int16)
        data = np.repeat(wave[None], 2, axis=0).astype(form)
        if not kind.endswith("p"):
            data = np.ascontiguousarray(data.T).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(data, format=kind, layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = 48000, number * 1024, Fraction(1, 48000)
        out.mux(stream.encode(frame))
    out.mux(stream.encode(None))


def _write_titles(out: Any, stream: Any, lengths: bool) -> None:
    for time, text in ((100, b"one"), (400, b"two")):
        packet = av.Packet(len(text).to_bytes(2, "big") + text if lengths else text)
        packet.pts = packet.dts = time
        packet.duration, packet.time_base, packet.stream = 150, Fraction(1, 1000), stream
        out.mux(packet)
