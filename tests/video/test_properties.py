"""Whatever a video says of itself is in the result, or a line is said before the work."""

from __future__ import annotations

import io
import struct
import tempfile
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.stream import Disposition
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.video.clips import blend, write_clip
from unblur.errors import VideoError
from unblur.video import boxes, deblur_video
from unblur.video.alpha import has_alpha_layer
from unblur.video.boxes import Box
from unblur.video.facts import inspect
from unblur.video.rehearsal import lost, properties
from unblur.video.source import frames, open_video

QUIET = {"x265-params": "log-level=none"}
XML = b'<?xml version="1.0"?><rdf:SphericalVideo xmlns:rdf="x"/>'
GOOGLE = bytes.fromhex("ffcc82638aa44a93881458 7a02521fdd".replace(" ", ""))
C2PA = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")


def run(source: Path, out: Path, **options: Any) -> list[str]:
    """Deblurs; the lines that were said before the first frame was worked on."""
    said: list[str] = []
    early: list[str] = []

    def first(frame: np.ndarray, strength: float) -> np.ndarray:
        early[:] = said
        return blend(frame, strength)

    deblur_video(first, source, out, warn=said.append, **options)
    assert early == said
    return said


def read(path: Path) -> dict[str, Any]:
    with open_video(path) as container:
        return properties(container)


def write_alpha(path: Path, codec: str, pixel_format: str, **options: str) -> Path:
    """Five frames whose alpha differs from line to line and from frame to frame."""
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 64, 48, pixel_format
        for number in range(5):
            rgba = np.zeros((48, 64, 4), np.uint8)
            rgba[..., 0], rgba[:8, :8, 1] = np.arange(64) * 4, number * 40
            rgba[..., 3] = (np.arange(48) * 5)[:, None] + number
            frame = av.VideoFrame.from_ndarray(rgba, format="rgba").reformat(format=pixel_format)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def alphas(path: Path) -> np.ndarray:
    facts = inspect(path)
    with open_video(path) as container:
        found = list(frames(container, facts.index, facts.decoder))
    return np.stack([f.to_ndarray(format="rgba")[..., 3] for f in found]).astype(int)


@pytest.mark.parametrize(
    ("name", "codec", "pixel_format", "out", "wanted"),
    [
        ("a.mov", "png", "rgba", "b.mov", "png"),
        ("a.mov", "qtrle", "argb", "b.mov", "qtrle"),
        ("a.mov", "qtrle", "argb", "b.mkv", "ffv1"),
        ("a.mov", "prores_ks", "yuva444p10le", "b.mov", "prores"),
        ("a.mkv", "ffv1", "bgra", "b.mkv", "ffv1"),
        ("a.mkv", "ffv1", "yuva420p", "b.webm", "vp9"),
        ("a.webm", "libvpx-vp9", "yuva420p", "b.webm", "vp9"),
        ("a.webm", "libvpx-vp9", "yuva420p", "b.mov", "prores"),
        ("a.webm", "libvpx", "yuva420p", "b.mkv", "vp9"),
    ],
)
def test_transparency_is_kept(
    tmp_path: Path, name: str, codec: str, pixel_format: str, out: str, wanted: str
) -> None:
    options = {"auto-alt-ref": "0"} if codec == "libvpx" else {}
    source = write_alpha(tmp_path / name, codec, pixel_format, **options)
    run(source, tmp_path / out)
    before, after = alphas(source), alphas(tmp_path / out)
    assert before.std() > 50
    assert np.abs(after - before).max() <= (0 if wanted in ("png", "qtrle", "ffv1") else 6)
    with av.open(str(tmp_path / out)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.codec.canonical_name == wanted
        tags = {key.lower() for key in stream.metadata}
        assert ("alpha_mode" in tags) == (wanted == "vp9")


def test_a_palette_with_transparent_colours_is_transparent(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.mov"), "w") as out:
        stream: Any = out.add_stream("png", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "pal8"
        colours = np.zeros((256, 4), np.uint8)
        colours[:, 0], colours[:, 1] = np.arange(256), 90  # alpha first
        image = np.tile(np.arange(64, dtype=np.uint8) * 4, (48, 1))
        both: Any = image, colours
        out.mux(stream.encode(av.VideoFrame.from_ndarray(both, format="pal8")))
        out.mux(stream.encode(None))
    run(tmp_path / "a.mov", tmp_path / "b.mov")
    found = alphas(tmp_path / "b.mov")
    assert found.min() == 0
    np.testing.assert_array_equal(found, alphas(tmp_path / "a.mov"))


@pytest.mark.parametrize(
    ("out", "codec", "said"),
    [
        ("b.mp4", "auto", "has transparency, which MP4 cannot hold; write it as mov, mkv or webm"),
        ("b.mov", "h264", "has transparency, which h264 cannot hold; choose another codec"),
        ("b.webm", "av1", "has transparency, which av1 cannot hold"),
    ],
)
@pytest.mark.parametrize("source", ["qtrle", "vp9"])
def test_what_would_become_opaque_is_refused(
    tmp_path: Path, source: str, out: str, codec: str, said: str
) -> None:
    if source == "qtrle":
        path = write_alpha(tmp_path / "a.mov", "qtrle", "argb")
    else:
        path = write_alpha(tmp_path / "a.webm", "libvpx-vp9", "yuva420p")
    with pytest.raises(VideoError, match=said):
        deblur_video(blend, path, tmp_path / out, codec=codec)
    assert list(tmp_path.iterdir()) == [path]


def test_a_stale_mark_of_transparency_is_taken_out(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "a.webm", "libvpx-vp9", count=3)
    with av.open(str(source)) as old, av.open(str(tmp_path / "b.webm"), "w") as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        more = {
            "alpha_mode": "1",
            "BPS-eng": "1",
            "_STATISTICS_TAGS": "BPS",
            "NUMBER_OF_BYTES": "9",
        }
        stream.metadata.update({"mine": "kept", **more})
        for packet in old.demux(video=0):
            if packet.size:
                packet.stream = stream
                new.mux(packet)
    run(tmp_path / "b.webm", tmp_path / "c.webm")
    with av.open(str(tmp_path / "c.webm")) as container:
        tags = {key.lower(): value for key, value in container.streams.video[0].metadata.items()}
    assert tags.get("mine") == "kept"
    assert not [key for key in tags if key.startswith(("alpha", "bps", "_stat", "number"))]


def full(kind: str, body: bytes) -> bytes:
    return bytes(Box(kind, bytes(4) + body))


def spherical() -> bytes:
    """Equirectangular, two views side by side, turned (Google's Spherical Video V2)."""
    pose = full("prhd", struct.pack(">iii", 30 << 16, 10 << 16, -5 << 16))
    projection = Box("proj", pose + full("equi", struct.pack(">IIII", 0, 0, 0, 0)))
    return full("st3d", b"\x02") + bytes(Box("sv3d", full("svhd", b"a tool\0") + bytes(projection)))


def edited(path: Path, entry: bytes = b"", track: bytes = b"", film: bytes = b"") -> Path:
    """A copy of an MP4 with more in the video's sample entry, its track, and `moov`."""
    data = path.read_bytes()
    index = boxes.index(io.BytesIO(data))
    assert index is not None

    def inside(box: Box, way: tuple[str, ...], change: Callable[[bytes], bytes]) -> Box:
        return boxes._changed(box, way, change)

    def entries(body: bytes) -> bytes:
        first = next(boxes.boxes(body[8:]))
        return body[:8] + bytes(Box(first.kind, first.body + entry))

    moov = Box("moov", index.body)
    moov = inside(moov, ("trak", "mdia", "minf", "stbl", "stsd"), entries)
    moov = inside(moov, ("trak",), lambda body: body + track)
    made = path.with_name(f"edited-{path.name}")
    made.write_bytes(data[: index.start] + bytes(Box("moov", moov.body + film)))
    return made


def test_boxes_of_360_degrees_and_of_cameras_are_kept(tmp_path: Path) -> None:
    plain = write_clip(tmp_path / "a.mp4", count=5)
    camera = Box("udta", bytes(Box("FIRM", b"HD9.01.01.60.00")) + bytes(Box("LENS", b"LAJ804")))
    source = edited(plain, spherical(), bytes(Box("uuid", GOOGLE + XML)), bytes(camera))
    with source.open("ab") as file:
        file.write(bytes(Box("uuid", XMP + b"<x:xmpmeta/>")))
    for name in ("b.mp4", "c.mov"):
        assert run(source, tmp_path / name) == []
        data = (tmp_path / name).read_bytes()
        for kept in (spherical(), GOOGLE + XML, b"FIRMHD9.01.01.60.00", b"LENSLAJ804", XMP):
            assert data.count(kept) == 1
        assert read(tmp_path / name) == read(source) | {"tags": read(tmp_path / name)["tags"]}
        with av.open(str(tmp_path / name)) as container:
            frame: Any = next(container.decode(video=0))
            assert frame.side_data.get("SPHERICAL")
            assert len(list(container.decode(video=0))) == 4
    said = run(source, tmp_path / "d.mkv")
    assert any(line.startswith("its 360-degree projection: cannot be kept") for line in said)
    names = "FIRM, Google's 360-degree XML, LENS, XMP, st3d, sv3d"
    assert f"the boxes {names}: cannot be kept in matroska as libx264" in said


def nal_units(payload: bytes, kind: int, hevc: bool) -> bytes:
    """An SEI message in a unit of its own, as a stream of bytes has it."""
    body = bytes([kind, len(payload)]) + payload + b"\x80"
    escaped = bytearray()
    for byte in body:
        if escaped[-2:] == b"\0\0" and byte <= 3:
            escaped.append(3)
        escaped.append(byte)
    return b"\0\0\0\1" + (b"\x4e\x01" if hevc else b"\x06") + bytes(escaped)


def captions() -> bytes:
    """Two words of CEA-708 (ATSC A/53, 6.2.3.1)."""
    return b"\xb5\x00\x31GA94\x03\x42\xff\xfc\x94\x20\xfd\x80\x81\xff"


def light_of_a_scene() -> bytes:
    """HDR10+ (SMPTE ST 2094-40): one window, all values small."""
    fields = ((1, 2), (400, 27), (0, 1), *[(500, 17)] * 4, (0, 4), (7, 10), (0, 1), (0, 1), (0, 1))
    bits = "".join(f"{value:0{length}b}" for value, length in fields)
    bits += "0" * (-len(bits) % 8)
    body = int(bits, 2).to_bytes(len(bits) // 8, "big")
    return b"\xb5\x00\x3c\x00\x01\x04\x01" + body


def write_with_messages(path: Path, codec: str, message: bytes, kind: int = 4) -> Path:
    """A clip with an SEI message before each frame."""
    hevc = codec == "libx265"
    options = QUIET if hevc else {}
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        encoded: list[Any] = []
        for number in range(5):
            array = np.full((48, 64, 3), 40 * number, np.uint8)
            encoded += stream.encode(av.VideoFrame.from_ndarray(array, format="rgb24"))
        for old in [*encoded, *stream.encode(None)]:
            packet = av.Packet(nal_units(message, kind, hevc) + bytes(old))
            packet.pts, packet.dts, packet.time_base = old.pts, old.dts, old.time_base
            packet.is_keyframe, packet.stream = old.is_keyframe, stream
            out.mux(packet)
    return path


def test_captions_in_frames_are_kept_or_said(tmp_path: Path) -> None:
    source = write_with_messages(tmp_path / "a.mp4", "libx264", captions())
    assert read(source)["closed captions in its frames"]

    def found(path: Path) -> list[bytes]:
        with av.open(str(path)) as container:
            decoded: Any = container.decode(video=0)
            return [bytes(frame.side_data.get("A53_CC") or b"") for frame in decoded]

    assert run(source, tmp_path / "b.mp4") == []
    assert found(tmp_path / "b.mp4") == found(source)
    assert len(set(found(source))) == 1
    said = run(source, tmp_path / "c.mkv", codec="ffv1")
    assert "closed captions in its frames: cannot be kept in matroska as ffv1" in said


def test_data_of_a_camera_in_frames_is_said_to_be_lost(tmp_path: Path) -> None:
    # Of x264's own in every file nothing is said.
    source = write_with_messages(tmp_path / "a.mp4", "libx264", bytes(range(16)) + b"a", kind=5)
    lost = "data of its camera or encoder in its frames (SEI)"
    assert run(source, tmp_path / "b.mp4") == [f"{lost}: cannot be kept in mp4 as libx264"]
    assert lost not in read(tmp_path / "b.mp4")


def test_light_of_each_scene_is_said_to_be_lost(tmp_path: Path) -> None:
    source = write_with_messages(tmp_path / "a.mp4", "libx265", light_of_a_scene())
    said = run(source, tmp_path / "b.mp4")
    assert read(source)["HDR10+ (light of each scene)"]
    if "HDR10+ (light of each scene)" not in read(tmp_path / "b.mp4"):
        assert [line for line in said if line.startswith("HDR10+")] == said != []


def dolby(profile: int, compatible: int) -> bytes:
    """The configuration box of Dolby Vision with a base layer and its metadata."""
    bits = profile << 9 | 6 << 3 | 0b101
    body = struct.pack(">BBHB", 1, 0, bits, compatible << 4) + bytes(19)
    return bytes(Box("dvcC" if profile < 8 else "dvvC", body))


def test_dolby_vision_is_said_to_be_lost_or_refused(tmp_path: Path) -> None:
    how: dict[str, Any] = {"color": (1, 9, 9, 18), "options": QUIET}
    plain = write_clip(tmp_path / "a.mp4", "libx265", "yuv420p10le", 3, **how)
    said = run(edited(plain, dolby(8, 4)), tmp_path / "b.mp4")
    assert len(said) == 1
    assert said[0].startswith("Dolby Vision: cannot be kept in mp4")
    assert b"dvvC" not in (tmp_path / "b.mp4").read_bytes()
    with pytest.raises(VideoError, match="is Dolby Vision of profile 5"):
        deblur_video(blend, edited(plain, dolby(5, 0)), tmp_path / "c.mp4")
    assert not (tmp_path / "c.mp4").exists()


def test_a_layer_of_alpha_that_cannot_be_seen_is_refused(tmp_path: Path) -> None:
    plain = write_clip(tmp_path / "a.mp4", "libx265", count=5, options=QUIET)
    with av.open(str(plain)) as container:
        old = bytes(container.streams.video[0].codec_context.extradata or b"")
    assert not has_alpha_layer(old)
    unit = b"\x4e\x01\xa5\x04\x00\x00\x7f\x90\x80"
    new = bytearray(old) + struct.pack(">BHH", 39, 1, len(unit)) + unit
    new[22] += 1
    assert has_alpha_layer(bytes(new))
    assert not any(has_alpha_layer(bytes(new[:length])) for length in range(len(new) - 7))
    data = plain.read_bytes()
    index = boxes.index(io.BytesIO(data))
    assert index is not None
    longer = len(new) - len(old)

    def entries(body: bytes) -> bytes:
        first = next(boxes.boxes(body[8:]))
        fields, inner = first.body[:78], boxes.boxes(first.body[78:])
        changed = [Box(b.kind, bytes(new)) if b.kind == "hvcC" else b for b in inner]
        return body[:8] + bytes(Box(first.kind, fields + b"".join(map(bytes, changed))))

    way = ("trak", "mdia", "minf", "stbl", "stsd")
    moov = boxes._changed(Box("moov", index.body), way, entries)
    assert len(moov.body) == len(index.body) + longer
    plain.write_bytes(data[: index.start] + bytes(moov))
    with pytest.raises(VideoError, match=r"has transparency in a layer of HEVC .* ProRes 4444"):
        deblur_video(blend, plain, tmp_path / "b.mp4")


CLIPS: dict[str, dict[str, Any]] = {
    "interlaced.mkv": {"options": {"flags": "+ildct+ilme", "x264-params": "interlaced=1"}},
    "turned.mp4": {"rotation": 90, "flip": True, "aspect": Fraction(4, 3)},
    "topleft.mp4": {"options": {"chroma_sample_location": "topleft"}, "color": (1, 9, 9, 16)},
    "wide.mkv": {"codec": "libx265", "pixel_format": "yuv422p10le", "color": (1, 9, 9, 18)},
    "full.mov": {"color": (2, 6, 6, 6), "tags": {"com.apple.quicktime.make": "maker"}},
    "rate.mp4": {"steps": (512, 700, 901)},
    "hdr.mp4": {
        "codec": "libx265", "pixel_format": "yuv420p10le", "color": (1, 9, 9, 16),
        "options": {"x265-params": "log-level=none:master-display=G(13250,34500)B(7500,3000)"
                    "R(34000,16000)WP(15635,16450)L(10000000,50):max-cll=1000,400"},
    },
    "tags.mp4": {
        "tags": {
            "com.apple.quicktime.location.ISO6709": "+52.1+004.3/", "com.android.version": "14",
            "creation_time": "2020-01-02T03:04:05.000000Z", "location": "+52.1000+004.3000/",
        }
    },
}  # fmt: skip
TARGETS = ("mp4", "mov", "mkv", "webm", "h264.mkv", "ffv1.mkv", "av1.mp4", "prores.mov", "hevc.mp4")


@pytest.mark.parametrize("name", CLIPS)
def test_each_property_is_kept_or_said(tmp_path: Path, name: str) -> None:
    source = write_clip(tmp_path / name, count=5, **CLIPS[name])
    before = read(source)
    before["the exact times of its frames"] = inspect(source).tick
    for target in TARGETS:
        codec, _, ending = target.rpartition(".")
        out = tmp_path / f"out-{codec}.{ending}"
        said = run(source, out, codec=codec or "auto", overwrite=True)
        missing = lost(before, read(out))
        assert sorted(line.partition(": cannot")[0] for line in said) == sorted(missing), target
        if ending == name.rpartition(".")[2] and not codec:
            assert said == []


def test_own_tags_that_give_way_to_a_cover_are_said(tmp_path: Path) -> None:
    picture_file = io.BytesIO()
    with av.open(picture_file, "w", format="image2pipe") as file:
        stream: Any = file.add_stream("mjpeg", rate=1)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        grey = np.full((48, 64, 3), 90, np.uint8)
        file.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        file.mux(stream.encode(None))
    source = write_clip(
        tmp_path / "a.mkv", count=5, cover=picture_file.getvalue(), tags={"CAMERA": "mine"}
    )
    assert [line for line in run(source, tmp_path / "b.mkv") if "tags" in line] == []
    deblur_video(blend, tmp_path / "b.mkv", tmp_path / "c.mkv")  # once more, no less
    assert read(tmp_path / "c.mkv") == read(tmp_path / "b.mkv")


@pytest.mark.parametrize("mode", [0o600, 0o640])
def test_what_comes_of_a_private_video_is_private(tmp_path: Path, mode: int) -> None:
    source = write_clip(tmp_path / "a.mp4", count=5)
    source.chmod(mode)
    seen: list[int] = []

    def look(frame: np.ndarray, strength: float) -> np.ndarray:
        seen.append((tmp_path / ".b.mp4.unblur").stat().st_mode & 0o777)
        return frame

    deblur_video(look, source, tmp_path / "b.mp4")
    assert set(seen) == {0o700}
    assert (tmp_path / "b.mp4").stat().st_mode & 0o777 == mode
    (tmp_path / "b.mp4").chmod(0o660)
    deblur_video(look, source, tmp_path / "b.mp4", overwrite=True)
    assert (tmp_path / "b.mp4").stat().st_mode & 0o777 == 0o660


def test_credentials_of_the_old_frames_are_taken_out_and_said(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "a.mp4", count=3)
    with source.open("ab") as file:
        file.write(bytes(Box("uuid", C2PA + b"signed")))
    said = run(source, tmp_path / "b.mp4")
    assert [line.partition(": ")[0] for line in said] == ["the boxes content credentials (C2PA)"]
    assert b"signed" not in (tmp_path / "b.mp4").read_bytes()


def test_losses_are_said_though_sound_must_come_first(tmp_path: Path) -> None:
    # MP4's index cannot be written before the first packet of AC-3.
    plain = write_clip(tmp_path / "a.mp4", "libx265", count=5, audio="ac3", options=QUIET)
    said = run(edited(plain, spherical()), tmp_path / "b.mkv")
    assert any(line.startswith("its 360-degree projection") for line in said)
    assert run(plain, tmp_path / "c.mp4") == []
    said = run(edited(plain, dolby(8, 4)), tmp_path / "d.mp4")
    assert any(line.startswith("Dolby Vision") for line in said)


@given(st.data())
@settings(max_examples=150)
def test_broken_boxes_are_passed_over(data: st.DataObject) -> None:
    whole = bytearray(boxed())
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(whole[: data.draw(st.integers(0, len(whole)))])
    boxes.extras(io.BytesIO(cut))
    boxes.graft(io.BytesIO(cut), io.BytesIO(boxed()), {0: 0})


@cache
def boxed() -> bytes:
    """The boxes around a film of 360 degrees, without its frames."""
    with tempfile.TemporaryDirectory() as folder:
        plain = write_clip(Path(folder) / "a.mp4", count=2)
        camera = Box("udta", bytes(Box("FIRM", b"HD9.01.01.60.00")))
        made = edited(plain, spherical(), bytes(Box("uuid", GOOGLE + XML)), bytes(camera))
        return made.read_bytes()


def test_the_second_view_of_hevc_is_said_to_be_lost(tmp_path: Path) -> None:
    plain = write_clip(tmp_path / "a.mp4", "libx265", count=5, options=QUIET)
    eyes = Box("vexu", bytes(Box("eyes", full("stri", b"\x03"))))
    views = bytes(Box("lhvC", b"\x01\xf0\x00\xfc\xcb\x00" + bytes(20))) + bytes(eyes)
    said = run(edited(plain, views), tmp_path / "b.mov")
    assert "the boxes lhvC, vexu: cannot be kept in mov as libx265" in said
    assert b"vexu" not in (tmp_path / "b.mov").read_bytes()


def test_the_lower_field_stays_first(tmp_path: Path) -> None:
    fields = {"flags": "+ildct+ilme", "x264-params": "bff=1"}
    source = write_clip(tmp_path / "a.mov", count=5, options=fields)
    for out, codec in (("b.mov", "h264"), ("c.mov", "prores")):
        assert not any("fields" in line for line in run(source, tmp_path / out, codec=codec))
        with av.open(str(tmp_path / out)) as container:
            frame: Any = next(container.decode(video=0))
            assert container.streams.video[0].codec_context.field_order == 3
            assert frame.interlaced_frame


def test_data_beside_a_frame_that_pyav_has_no_name_for(tmp_path: Path) -> None:
    source = write_alpha(tmp_path / "a.mov", "tiff", "rgba")  # EXIF, since FFmpeg 8
    run(source, tmp_path / "b.mkv")
    np.testing.assert_array_equal(alphas(tmp_path / "b.mkv"), alphas(source))


def write_with_sound(path: Path, layout: str, sound: str = "aac", cover: bool = False) -> Path:
    """Pictures with two tracks of silence, of which the second is a comment in German."""
    with av.open(str(path), "w") as out:
        video: Any = out.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        tracks: list[Any] = [out.add_stream(sound, 48000, layout=layout) for _ in range(2)]
        tracks[1].metadata.update(title="Comments", language="ger", BPS="1")
        tracks[1].disposition = Disposition.comment
        if cover:
            out.add_attachment("cover.jpg", "image/jpeg", jpeg())
        silence = np.zeros((1, 1024 * tracks[0].codec_context.channels), np.int16)
        for number in range(5):
            array = np.full((48, 64, 3), 40 * number, np.uint8)
            out.mux(video.encode(av.VideoFrame.from_ndarray(array, format="rgb24")))
        out.mux(video.encode(None))
        for track in tracks:
            frame = av.AudioFrame.from_ndarray(silence, format="s16", layout=layout)
            frame.rate, frame.pts = 48000, 0
            out.mux(track.encode(frame))
            out.mux(track.encode(None))
    return path


def jpeg() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (16, 16)).save(file, "JPEG")
    return file.getvalue()


def test_what_sound_says_of_itself_is_kept_or_said(tmp_path: Path) -> None:
    source = write_with_sound(tmp_path / "a.mkv", "stereo")
    assert run(source, tmp_path / "b.mkv") == []
    said = run(source, tmp_path / "b.mov")
    assert said == ["stream 2 (audio): its dispositions cannot be kept in mov"]
    with open_video(tmp_path / "b.mov") as container:
        track = container.streams[2]
        assert track.metadata["language"] == "ger"
        assert track.metadata["name"] == "Comments"  # and nothing is said of it
        assert not track.disposition & Disposition.comment


def test_the_order_of_channels_is_kept_or_said(tmp_path: Path) -> None:
    source = write_with_sound(tmp_path / "a.mov", "5.1", "pcm_s16le")
    assert run(source, tmp_path / "b.mov") == []
    said = run(source, tmp_path / "b.mkv")
    wanted = [
        f"stream {n} (audio): its layout of channels cannot be kept in matroska" for n in (1, 2)
    ]
    assert [line for line in said if "layout" in line] == wanted


def test_a_cover_that_quicktime_does_not_hold_is_said(tmp_path: Path) -> None:
    source = write_with_sound(tmp_path / "a.mkv", "stereo", cover=True)
    assert run(source, tmp_path / "b.mkv") == []
    said = run(source, tmp_path / "b.mov")
    assert "stream 3 (cover) cannot be kept in mov" in said
    with open_video(tmp_path / "b.mov") as container:
        assert len(container.streams.video) == 1
