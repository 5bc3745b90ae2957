"""What is measured to be sharp is left alone."""

from __future__ import annotations

import numpy as np
import pytest

from tests.inference.fakes import Fake, halve, of_length
from unblur.inference import gate
from unblur.inference.deblurrer import Deblurrer


def planes(length: float, confidence: float = 1.0, weight: float = 1.0) -> np.ndarray:
    return of_length(np.full((3, 4), length), confidence=confidence, weight=weight)


def test_in_a_blurred_photo_the_weight_is_divided_by_what_is_sure(rng: np.random.Generator) -> None:
    blur = rng.random((6, 5, 7)).astype(np.float32)
    sure, unsure = gate.weights(blur, 1.0)
    np.testing.assert_allclose(sure + unsure, blur[5], atol=1e-6)
    assert not unsure[blur[4] > gate.SURE].any()
    assert not sure[blur[4] < gate.UNSURE].any()


@pytest.mark.parametrize(
    ("length", "share", "kept"),
    [(5, 1, 1), (5, gate.MUCH, 1), (5, gate.LITTLE, 0), (5, 0, 0), (24, 0, 1), (17, 0, 0.5)],
)
def test_in_a_sharp_photo_clear_motion_alone_is_removed(
    length: float, share: float, kept: float
) -> None:
    assert gate.weights(planes(length), share)[0] == pytest.approx(kept, abs=0.01)
    unsure = gate.weights(planes(length, confidence=0), share)
    assert unsure[0].max() == 0
    assert unsure[1] == pytest.approx(float(share >= gate.MUCH))


def test_the_share_is_of_the_cells_that_can_be_told() -> None:
    blur = planes(0)
    blur[0, :, 0] = 10
    assert gate.blurred_share(blur) == 0.25
    blur[4, :, 1:3] = 0
    assert gate.blurred_share(blur) == 0.5
    blur[3, 0, 3] = gate.BLURRED  # a radius counts twice
    assert gate.blurred_share(blur) == pytest.approx(4 / 6)
    assert gate.blurred_share(planes(0, confidence=0)) == 1


@pytest.mark.parametrize("tile", [1024, 192])
def test_a_photo_with_a_blurred_corner_is_the_same_in_one_tile_and_in_many(tile: int) -> None:
    """Darkness is blur of 5 pixels: of a corner it is left, of most of a photo it is removed."""

    def measured(cells: np.ndarray) -> np.ndarray:
        return of_length(np.where(cells < 0.5, 5.0, 0.0))

    for dark, changed in ((96, False), (576, True)):
        image = np.full((640, 640, 3), 200, np.uint8)
        image[:dark, :dark] = 60
        out = Deblurrer(Fake(halve, measured), tile=tile)(image)
        assert (not np.array_equal(out[:64, :64], image[:64, :64])) == changed


@pytest.mark.parametrize("deviation", [0.0, 4.0, 12.0, 30.0])
def test_noise_is_told_from_the_picture(rng: np.random.Generator, deviation: float) -> None:
    y, x = np.mgrid[:200, :240]
    scene = np.stack([0.5 + 0.3 * np.sin(x / 9 + k) * np.cos(y / 7) for k in range(3)], axis=2)
    scene[60:120, 80:160] = 0.1
    noise = rng.normal(0, deviation / 255, scene.shape)
    expected = np.clip((deviation / 255 - gate.QUIET) / (gate.NOISY - gate.QUIET), 0, 1)
    for channels in (1, 3):
        found = gate.noisy((scene + noise)[..., :channels])
        assert found == pytest.approx(expected, abs=0.1)
    assert gate.noisy(scene[:1, :1]) == 0
