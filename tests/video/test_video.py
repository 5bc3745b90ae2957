"""A video comes back whole: times, colours, sound, tags; killed and gone on; bad files."""

from __future__ import annotations

import io
import os
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.video.clips import blend, frames, packets, picture, planes, times, write_clip
from unblur.datasets import read_rgb
from unblur.video import deblur as module
from unblur.video import deblur_video, is_video
from unblur.video.hdr_metadata import read_hdr_metadata
from unblur.video.mux import decoding_times

EXAMPLES = Path(__file__).parents[2] / "examples"
GOPRO = Path(__file__).parents[3] / "shared/data/gopro240/GOPR0477_11_00.mp4"


@pytest.fixture(autouse=True)
def short_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every clip here is of several."""
    monkeypatch.setattr(module, "FRAMES", 8)


KEPT: dict[str, dict[str, Any]] = {
    "a.mp4": {"audio": "aac", "subtitles": "mov_text", "rotation": 90, "steps": (512, 700, 900)},
    "b.mov": {
        "audio": "pcm_s16le", "rotation": 180, "flip": True, "aspect": Fraction(4, 3),
        "tags": {"com.example.camera": "one"},
    },
    "c.mkv": {
        "codec": "libx265", "pixel_format": "yuv420p10le", "color": (1, 9, 9, 16),
        "audio": "flac", "subtitles": "subrip", "steps": (310, 640, 1601),
    },
    "d.webm": {"codec": "libvpx-vp9", "audio": "libopus", "color": (1, 5, 6, 6), "rotation": 270},
    "e.avi": {
        "codec": "mjpeg", "pixel_format": "yuvj420p", "color": (2, 5, 5, 6),
        "audio": "pcm_s16le",
    },
    "f.mp4": {"color": (2, 1, 1, 13), "aspect": Fraction(8, 9)},
}  # fmt: skip


@pytest.mark.parametrize("name", KEPT)
def test_all_but_the_picture_comes_back(tmp_path: Path, name: str) -> None:
    source = write_clip(tmp_path / name, **KEPT[name])
    out = tmp_path / f"out-{name}"
    reports: list[tuple[int, int]] = []
    said: list[str] = []
    deblur_video(blend, source, out, report=lambda *n: reports.append(n), warn=said.append)

    assert facts(out) == facts(source)
    assert times(out) == times(source)
    with av.open(str(source)) as container:
        copied = [s.index for s in container.streams if s.type in ("audio", "subtitle")]
    for index in copied:
        assert packets(out, index) == packets(source, index)
    assert reports == [(n + 1, 20) for n in range(20)]
    assert said == []
    assert sorted(p.name for p in tmp_path.iterdir()) == [name, out.name]


def test_covers_and_attachments_are_copied(tmp_path: Path) -> None:
    picture_file = io.BytesIO()
    with av.open(picture_file, "w", format="image2pipe") as file:
        stream: Any = file.add_stream("mjpeg", rate=1)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        file.mux(stream.encode(av.VideoFrame.from_ndarray(picture(0), format="rgb24")))
        file.mux(stream.encode(None))
    source = write_clip(tmp_path / "a.mkv", count=5, cover=picture_file.getvalue())
    out = tmp_path / "b.mkv"
    deblur_video(blend, source, out)
    with av.open(str(out)) as container:
        assert [s.type for s in container.streams] == ["video", "video", "attachment"]
        attached: Any = container.streams[2]
        assert attached.data == b"letters"
    assert [p[-1] for p in packets(out, 1)] == [picture_file.getvalue()]
    assert len(frames(out)) == 5


@pytest.mark.parametrize(
    ("pixel_format", "color"),
    [
        ("yuv420p", (1, 1, 1, 1)),
        ("yuv420p", (2, 5, 5, 6)),
        ("yuv444p", (1, 2, 2, 2)),
        ("yuv422p10le", (1, 9, 9, 16)),
        ("yuv420p12le", (2, 9, 9, 18)),
        ("gray", (2, 2, 2, 2)),
        ("bgr0", (2, 2, 2, 2)),
    ],
)
def test_only_the_change_is_written(
    tmp_path: Path, pixel_format: str, color: tuple[int, int, int, int]
) -> None:
    source = write_clip(tmp_path / "a.mkv", "ffv1", pixel_format, 3, color=color)
    deblur_video(blend, source, tmp_path / "same.mkv", strength=0.0)
    deblur_video(blend, source, tmp_path / "dark.mkv")
    for old, same, dark in zip(
        frames(source), frames(tmp_path / "same.mkv"), frames(tmp_path / "dark.mkv"), strict=True
    ):
        assert same.format.name == dark.format.name == pixel_format
        for before, after in zip(planes(old), planes(same), strict=True):
            np.testing.assert_array_equal(after, before)
        # In the stream's own matrix and range, the change is what the network was asked for.
        wanted = blend(rgb(old, color), 1.0).astype(float)
        error = np.abs(rgb(dark, color) - wanted)
        assert error.mean() < 1
        assert error.max() < (4 if "420" not in pixel_format and "422" not in pixel_format else 16)


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_rgb_frames_keep_their_colours(tmp_path: Path, codec: str) -> None:
    source = write_clip(tmp_path / "a.mkv", "ffv1", "bgr0", 2, color=(2, 2, 2, 2))
    deblur_video(blend, source, tmp_path / "b.mkv", codec=codec, quality=1)
    for old, new in zip(frames(source), frames(tmp_path / "b.mkv"), strict=True):
        wanted = blend(old.to_ndarray(format="rgb24"), 1.0).astype(float)
        assert np.abs(new.to_ndarray(format="rgb24") - wanted).mean() < 1.5


def test_deep_frames_reach_the_network_deep(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "a.mkv", "ffv1", "yuv420p10le", 2)
    seen: list[np.ndarray] = []

    def note(frame: np.ndarray, strength: float) -> np.ndarray:
        seen.append(frame)
        return frame

    deblur_video(note, source, tmp_path / "b.mkv")
    assert seen[0].dtype == np.uint16
    assert seen[0].max() > 40000
    assert len(np.unique(seen[0] >> 6)) > 256


@pytest.mark.parametrize("codec", ["hevc", "av1"])
def test_high_dynamic_range_is_said_again(tmp_path: Path, codec: str) -> None:
    display = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50)"
    options = {"x265-params": f"log-level=none:master-display={display}:max-cll=1000,400"}
    color = (1, 9, 9, 16)
    source = write_clip(
        tmp_path / "a.mkv", "libx265", "yuv420p10le", 3, color=color, options=options
    )
    deblur_video(blend, source, tmp_path / "b.mkv", codec=codec)
    said = read_hdr_metadata(frames(source)[0])
    again = read_hdr_metadata(frames(tmp_path / "b.mkv")[0])
    assert again.light == said.light == (1000, 400)
    assert np.array(again.display, float) == pytest.approx(np.array(said.display, float), rel=1e-3)


@pytest.mark.parametrize(
    ("name", "codec", "wanted"),
    [
        ("a.mp4", "hevc", "hevc"), ("a.mp4", "av1", "av1"), ("a.mov", "prores", "prores"),
        ("a.webm", "auto", "vp9"), ("a.mkv", "ffv1", "ffv1"), ("a.mov", "h264", "h264"),
        ("a.mp4", "auto", "mpeg4"),
    ],
)  # fmt: skip
def test_codecs_by_name(tmp_path: Path, name: str, codec: str, wanted: str, capfd: Any) -> None:
    source = write_clip(tmp_path / "in.mov", "mpeg4", count=10)
    capfd.readouterr()
    deblur_video(blend, source, tmp_path / name, codec=codec)
    assert capfd.readouterr() == ("", "")
    with av.open(str(tmp_path / name)) as container:
        assert container.streams.video[0].codec_context.codec.canonical_name == wanted
        assert len(list(container.decode(video=0))) == 10


@pytest.mark.skipif(not hasattr(os, "sched_getscheduler"), reason="needs scheduling policies")
def test_an_encoder_leaves_all_threads_their_scheduling_policy(tmp_path: Path) -> None:
    """As root, SVT-AV1 would make them real-time ones."""

    def policies() -> set[int]:
        return {os.sched_getscheduler(int(task.name)) for task in Path("/proc/self/task").iterdir()}

    before = policies()
    clip = write_clip(tmp_path / "a.mp4", count=3)
    deblur_video(blend, clip, tmp_path / "out.mp4", codec="av1")
    assert policies() == before


@given(st.permutations(range(12)), st.lists(st.integers(1, 900), min_size=12, max_size=12))
def test_packets_are_decoded_in_time(order: list[int], steps: list[int]) -> None:
    shown = np.cumsum(steps).tolist()
    pts = [shown[i] for i in order]
    dts = list(decoding_times(pts))
    assert all(a < b for a, b in pairwise(dts))
    assert all(d <= p for d, p in zip(dts, pts, strict=True))


@pytest.mark.parametrize("clip", ["panned", "gopro"])
def test_the_network_adds_no_flicker(tmp_path: Path, clip: str) -> None:
    from unblur.inference.deblurrer import Deblurrer

    if clip == "gopro" and not GOPRO.exists():
        pytest.skip("the 240 fps clip is not there")
    source = tmp_path / "a.mp4"
    if clip == "gopro":
        shrink(GOPRO, source, count=8, size=(320, 180))
    else:
        pan(EXAMPLES / "licenseplate_motion.jpg", source, count=8, size=(320, 180))
    # Without loss: x264's threads make another file each time, which comes to 0.15 to 0.46 levels.
    deblur_video(Deblurrer(), source, tmp_path / "b.mkv", codec="ffv1")
    before, after = brightness(source), brightness(tmp_path / "b.mkv")
    # Grey levels of 255. The eye sees steps of the whole picture from about half a level on.
    assert np.abs(np.diff(after) - np.diff(before)).max() < 0.25
    assert np.abs(np.diff(after)).max() <= np.abs(np.diff(before)).max() + 0.1


def test_is_video(tmp_path: Path) -> None:
    def file(name: str, head: bytes) -> Path:
        (tmp_path / name).write_bytes(head)
        return tmp_path / name

    assert is_video(write_clip(tmp_path / "a.mp4", count=1))
    assert is_video(write_clip(tmp_path / "a.mkv", count=1).rename(tmp_path / "no-ending"))
    assert is_video(file("empty.mov", b""))
    assert is_video(tmp_path / "missing.MKV")
    assert not is_video(file("b.gif", b"GIF89a"))
    assert not is_video(file("c.mp4", b"\xff\xd8\xff\xe0 a mislabelled photo"))
    assert not is_video(file("d.avif", b"\0\0\0\x1cftypavif\0\0\0\0"))
    assert not is_video(file("e.webp", b"RIFF\0\0\0\0WEBP"))
    assert not is_video(tmp_path / "missing.jpg")


def facts(path: Path) -> dict[str, Any]:
    """What the file says of itself, the encoder's own marks aside."""
    own = ("encoder", "duration", "software")
    with av.open(str(path)) as container:
        streams = [
            (s.type, s.time_base, s.start_time, s.duration, s.disposition, strip(s.metadata, own))
            for s in container.streams
        ]
        video = container.streams.video[0]
        frame: Any = next(container.decode(video=0))
        matrix = frame.side_data.get("DISPLAYMATRIX")
        return {
            "container": container.format.name,
            "streams": streams,
            "tags": strip(container.metadata, own),
            "chapters": [(c["start"], c["end"], c["metadata"]) for c in container.chapters()],
            "colour": (
                frame.color_range, frame.colorspace, frame.color_primaries, frame.color_trc
            ),
            "format": frame.format.name,
            "aspect": video.sample_aspect_ratio,
            "matrix": matrix and bytes(matrix),
        }  # fmt: skip


def strip(tags: dict[str, str], own: tuple[str, ...]) -> dict[str, str]:
    return {key: value for key, value in tags.items() if key.lower() not in own}


def rgb(frame: Any, color: tuple[int, ...]) -> np.ndarray:
    """8 bit, by the matrix that players take for so small a picture where none is said."""
    matrix = 5 if color[1] == 2 else color[1]
    full = 2 if color[0] == 2 else 1
    return frame.to_ndarray(
        format="rgb24", src_colorspace=matrix, src_color_range=full, dst_color_range=2
    ).astype(float)


def brightness(path: Path) -> np.ndarray:
    return np.array([f.to_ndarray(format="gray").mean() for f in frames(path)])


def pan(photo: Path, out: Path, count: int, size: tuple[int, int]) -> None:
    """A camera that turns by two pixels a frame."""
    image, (width, height) = read_rgb(photo), size
    with av.open(str(out), "w") as file:
        stream: Any = file.add_stream("libx264", rate=30, options={"crf": "10"})
        stream.width, stream.height = size
        for number in range(count):
            part = np.ascontiguousarray(image[:height, 2 * number : 2 * number + width])
            file.mux(stream.encode(av.VideoFrame.from_ndarray(part, format="rgb24")))
        file.mux(stream.encode(None))


def shrink(source: Path, out: Path, count: int, size: tuple[int, int]) -> None:
    with av.open(str(source)) as container, av.open(str(out), "w") as file:
        stream: Any = file.add_stream("libx264", rate=240, options={"crf": "10"})
        stream.width, stream.height = size
        for number, frame in enumerate(container.decode(video=0)):
            if number == count:
                break
            small = frame.reformat(*size, interpolation="AREA")
            small.pts, small.time_base, small.pict_type = number, Fraction(1, 240), 0
            file.mux(stream.encode(small))
        file.mux(stream.encode(None))
