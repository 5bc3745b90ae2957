"""Killed and gone on; bad files, bad names, a full disk: one line each, nothing half-written."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tests.video.clips import blend, frames, packets, planes, times, write_clip, write_sine
from unblur.errors import VideoError
from unblur.video import deblur as module
from unblur.video import deblur_video
from unblur.video.facts import inspect


@pytest.fixture(autouse=True)
def short_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every clip here is of several."""
    monkeypatch.setattr(module, "FRAMES", 8)


def test_goes_on_after_a_kill(tmp_path: Path) -> None:
    # In mpeg4: x264 with AVX-512 does not give the same bytes for the same frames each time.
    source = write_clip(tmp_path / "a.mp4", count=40, audio="aac", steps=(512, 700))
    script = f"""
import os, signal
from pathlib import Path
from tests.video.clips import blend
from unblur.video import deblur, deblur_video
deblur.FRAMES = 8
calls = []
def killed(frame, strength):
    calls.append(1)
    if len(calls) == 21:
        os.kill(os.getpid(), signal.SIGKILL)
    return blend(frame, strength)
deblur_video(killed, Path({str(source)!r}), Path({str(tmp_path / "b.mp4")!r}), codec="mpeg4")
"""
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", script], cwd=root, check=False)
    assert done.returncode == -signal.SIGKILL
    assert not (tmp_path / "b.mp4").exists()

    calls: list[int] = []
    reports: list[int] = []

    def counted(frame: np.ndarray, strength: float) -> np.ndarray:
        calls.append(1)
        return blend(frame, strength)

    deblur_video(
        counted,
        source,
        tmp_path / "b.mp4",
        codec="mpeg4",
        report=lambda done, _: reports.append(done),
    )
    assert len(calls) == 40 - 16  # the third segment of eight was the one it was killed in
    assert reports[:3] == [8, 16, 17]
    deblur_video(blend, source, tmp_path / "c.mp4", codec="mpeg4")
    assert (tmp_path / "b.mp4").read_bytes() == (tmp_path / "c.mp4").read_bytes()
    assert times(tmp_path / "b.mp4") == times(source)


def test_segments_of_other_settings_are_not_used(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "a.mkv", "ffv1", count=20)

    def stopped(frame: np.ndarray, strength: float) -> np.ndarray:
        if len(list((tmp_path / ".b.mkv.unblur").glob("0*"))) == 2:
            raise KeyboardInterrupt
        return frame

    with pytest.raises(KeyboardInterrupt):
        deblur_video(stopped, source, tmp_path / "b.mkv", identity="one")
    deblur_video(blend, source, tmp_path / "b.mkv", identity="another")
    deblur_video(blend, source, tmp_path / "c.mkv")
    for ours, wanted in zip(frames(tmp_path / "b.mkv"), frames(tmp_path / "c.mkv"), strict=True):
        np.testing.assert_array_equal(planes(ours)[0], planes(wanted)[0])


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("missing.mp4", "does not exist"),
        (".", "is a folder"),
        ("text.mp4", "not a video that can be read"),
        ("empty.mp4", "not a video that can be read"),
        ("sound.mp4", "has no video"),
        ("cut.mp4", "truncated after frame"),
        ("cut.mkv", "truncated after frame"),
    ],
)
def test_bad_input_is_one_line(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "text.mp4").write_text("no video at all\n" * 99)
    (tmp_path / "empty.mp4").touch()
    with av.open(str(tmp_path / "sound.mp4"), "w") as container:
        write_sine(container, container.add_stream("aac", rate=48000))
    if name.startswith("cut"):
        whole = write_clip(tmp_path / f"whole{Path(name).suffix}", "mpeg4", count=90).read_bytes()
        if name == "cut.mp4":  # as a download with the index in front
            write_front(tmp_path / "whole.mp4", tmp_path / name)
            whole = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(whole[: len(whole) * 2 // 3])
    before = sorted(tmp_path.iterdir())
    with pytest.raises(VideoError, match=said) as caught:
        deblur_video(blend, tmp_path / name, tmp_path / "out.mp4")
    assert "\n" not in str(caught.value)
    assert sorted(tmp_path.iterdir()) == before


def test_a_damaged_frame_is_named_and_nothing_is_left(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "a.mp4", count=30, options={"g": "1", "bf": "0"})
    data = bytearray(source.read_bytes())
    spoilt = packets(source, 0)[20][-1]
    start = data.index(spoilt)
    data[start : start + len(spoilt)] = b"\xff" * len(spoilt)
    source.write_bytes(data)
    with pytest.raises(VideoError, match=r"is damaged after frame \d\d"):
        deblur_video(blend, source, tmp_path / "b.mp4")
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]


@pytest.mark.parametrize(
    ("out", "options", "said"),
    [
        ("there.mp4", {}, "exists already"),
        ("out.wmv", {}, "write it as mp4"),
        ("out.avi", {}, "AVI keeps no times"),
        ("out.mp4", {"codec": "cinepak"}, "no codec 'cinepak'"),
        ("out.webm", {"codec": "h264"}, "cannot be written to .webm"),
        ("out.mp4", {"quality": 99}, "0 to 51, not 99"),
        ("there.mp4/out.mp4", {}, "cannot be written"),
    ],
)
def test_bad_output_is_one_line(
    tmp_path: Path, out: str, options: dict[str, Any], said: str
) -> None:
    source = write_clip(tmp_path / "a.mp4", count=2)
    (tmp_path / "there.mp4").write_text("mine")
    with pytest.raises(VideoError, match=said):
        deblur_video(blend, source, tmp_path / out, **options)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.mp4", "there.mp4"]
    assert (tmp_path / "there.mp4").read_text() == "mine"


def test_a_rate_that_no_video_has_is_no_traceback(tmp_path: Path) -> None:
    data = bytearray(write_clip(tmp_path / "a.mp4", steps=(1,)).read_bytes())
    at = data.index(b"mdhd") + 16  # ticks a second: ISO/IEC 14496-12, 8.4.2
    data[at : at + 4] = (2**31 - 1).to_bytes(4, "big")
    (tmp_path / "b.mp4").write_bytes(data)
    assert inspect(tmp_path / "b.mp4").rate == 65535


@pytest.mark.parametrize("limit", [2_000, 40_000])
def test_a_full_disk_is_one_line_and_can_be_gone_on_from(tmp_path: Path, limit: int) -> None:
    source = write_clip(tmp_path / "a.mkv", "ffv1", "yuv444p", 20)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        with pytest.raises(VideoError, match=r"b.mkv: cannot be written \("):
            deblur_video(blend, source, tmp_path / "b.mkv")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert not (tmp_path / "b.mkv").exists()
    assert not list(tmp_path.glob(".*/.*"))
    deblur_video(blend, source, tmp_path / "b.mkv")
    assert len(frames(tmp_path / "b.mkv")) == 20


def write_front(source: Path, out: Path) -> None:
    with (
        av.open(str(source)) as container,
        av.open(str(out), "w", container_options={"movflags": "faststart"}) as file,
    ):
        stream = file.add_stream_from_template(container.streams.video[0])
        for packet in container.demux(video=0):
            if packet.size:
                packet.stream = stream
                file.mux(packet)


def test_without_pyav_the_line_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "clip.mkv").write_bytes(b"\x1aE\xdf\xa3" + bytes(100))
    monkeypatch.setitem(sys.modules, "av", None)
    monkeypatch.setitem(sys.modules, "av.error", None)
    with pytest.raises(VideoError, match=r"is a video; pip install 'unblur\[video\]'"):
        deblur_video(lambda frame, _: frame, tmp_path / "clip.mkv", tmp_path / "out.mkv")
    assert not (tmp_path / "out.mkv").exists()
