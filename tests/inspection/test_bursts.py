"""Which photos are of one burst, and which of them is the best."""

from __future__ import annotations

import struct
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
from hypothesis import given

from tests.files import write
from unblur import photo
from unblur.inspection.bursts import ALIKE, GAP, Shot, best, bursts, likeness, shot
from unblur.photo import Taken
from unblur.photo.tiff_tags import EXIF, directory

SCENES = np.random.default_rng(0).uniform(0, 255, (3, 16, 16)).astype(np.float32)


def at(seconds: float | None, scene: int = 0, camera: str = "A") -> Shot:
    when = None if seconds is None else Taken(seconds, camera)
    return Shot(when, SCENES[scene])


def together(shots: list[Shot]) -> bool:
    return len(set(bursts(shots))) == 1


def test_far_in_time_or_content_is_apart() -> None:
    assert together([at(0), at(GAP)])
    assert together([at(0), at(GAP), at(2 * GAP)])  # by a chain
    assert not together([at(0), at(GAP + 0.1)])
    assert not together([at(0), at(1, scene=1)])
    assert not together([at(0), at(1, camera="B")])
    assert not together([at(None), at(None)])
    # Another scene, or another camera, in between does not break a burst.
    assert bursts([at(0), at(1, scene=1), at(1, camera="B"), at(2)]) == [1, 2, 3, 1]


@given(
    st.lists(
        st.tuples(st.none() | st.integers(0, 12), st.integers(0, 2), st.sampled_from("AB")),
        max_size=8,
    ),
    st.randoms(use_true_random=False),
)
def test_the_order_does_not_matter(given_shots: list, random) -> None:
    shots = [at(*facts) for facts in given_shots]
    order = list(range(len(shots)))
    random.shuffle(order)
    numbers, shuffled = bursts(shots), bursts([shots[i] for i in order])
    back = [shuffled[order.index(i)] for i in range(len(shots))]
    pairs = {(a, b) for a, b in zip(numbers, back, strict=True)}
    assert len(pairs) == len(set(numbers)) == len(set(back))


def test_the_best_of_each_burst_are_chosen() -> None:
    numbers, scores = [1, 2, 1, 1, 3], [50, 10, 80, 80, 70]
    assert best(numbers, scores, 1) == [False, True, True, False, True]
    assert best(numbers, scores, 2) == [False, True, True, True, True]
    assert all(best(numbers, scores, 3))


def exif(time: str, fraction: str = "", offset: str = "", model: str = "X100") -> bytes:
    def text(value: str) -> tuple[int, int, bytes]:
        data = value.encode() + b"\0"
        return 2, len(data), data

    below = {0x9003: text(time), 0x9011: text(offset), 0x9291: text(fraction)}
    tags = {0x110: text(model), EXIF: (4, 1, {k: v for k, v in below.items() if v[1] > 1})}
    return b"Exif\0\0II" + struct.pack("<HI", 42, 8) + directory(tags, 8, big=False)


def jpeg(path: Path, pixels: np.ndarray, block: bytes = b"") -> photo.Photo:
    data = write(path, pixels).read_bytes()
    if block:
        data = data[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + data[2:]
        path.write_bytes(data)
    return photo.read(path)


def test_the_time_is_read_with_its_fraction_and_offset(tmp_path: Path, picture: np.ndarray) -> None:
    def read(*facts: str) -> Taken | None:
        return photo.taken(jpeg(tmp_path / "a.jpg", picture, exif(*facts)))

    first = read("2024:05:06 12:34:56")
    assert first is not None
    assert first.camera == "X100"
    later = read("2024:05:06 12:34:56", "25")
    assert later is not None
    assert later.seconds - first.seconds == 0.25
    assert read("2024:05:06 14:34:56", "", "+02:00") == first
    assert read("2024:05:06 11:04:56", "", "-01:30") == first
    for invalid in ("0000:00:00 00:00:00", "    :  :     :  :  ", "yesterday", ""):
        assert read(invalid) is None
    assert photo.taken(jpeg(tmp_path / "b.jpg", picture)) is None
    assert photo.taken(jpeg(tmp_path / "c.jpg", picture, b"Exif\0\0II*\0rubbish")) is None


def test_blur_and_a_small_move_leave_photos_alike(tmp_path: Path, rng: np.random.Generator) -> None:
    coarse = rng.uniform(0, 255, (2, 12, 16, 3))
    scenes = [np.kron(scene, np.ones((16, 16, 1))) for scene in coarse]
    blurred = np.mean([np.roll(scenes[0], k, 1) for k in range(12)], 0)
    names = ("sharp", "blurred", "moved", "other")
    versions = (scenes[0], blurred, np.roll(scenes[0], 10, (0, 1)), scenes[1])
    shots = {
        name: shot(jpeg(tmp_path / f"{name}.jpg", version.astype(np.uint8)))
        for name, version in zip(names, versions, strict=True)
    }
    assert likeness(shots["sharp"], shots["blurred"]) > ALIKE
    assert likeness(shots["sharp"], shots["moved"]) > ALIKE
    assert likeness(shots["sharp"], shots["other"]) < ALIKE
