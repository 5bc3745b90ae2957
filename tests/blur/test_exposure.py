"""The scene, the sensor and both together: blur is held to its physics."""

from __future__ import annotations

import numpy as np
import pytest
import pyvips
import torch
from torch import Tensor
from torch.nn import functional as F

from unblur.blur import sensor, synthesize
from unblur.blur.frames import average_frames, mean
from unblur.blur.scene import expose, subframes
from unblur.blur.trajectory import TIMES, camera_shake, kernels, resample
from unblur.config import BlurConfig

MARGIN = 16
QUIET = BlurConfig(noise_share=0, jpeg_share=0)


def shifts(x: float, y: float) -> Tensor:
    """A straight sweep of the camera by (x, y) pixels."""
    poses = torch.zeros(1, TIMES, 6)
    poses[0, :, :2] = torch.linspace(-0.5, 0.5, TIMES)[:, None] * torch.tensor([x, y])
    return poses


def shoot(light: Tensor, poses: Tensor, centre: float = 0.0) -> Tensor:
    return expose(light, poses, torch.full((1, 2), centre), torch.tensor([500.0]), MARGIN)


def inner(light: Tensor) -> Tensor:
    return light[..., MARGIN:-MARGIN, MARGIN:-MARGIN]


def test_no_motion_gives_the_input_back_exactly() -> None:
    light = torch.rand(1, 3, 64, 70)
    assert torch.equal(shoot(light, torch.zeros(1, TIMES, 6)), inner(light))


def test_blur_is_linear_in_light() -> None:
    a, b = torch.rand(2, 1, 3, 64, 64)
    poses = shifts(9, 4)
    torch.testing.assert_close(
        shoot(2 * a + b, poses), 2 * shoot(a, poses) + shoot(b, poses), atol=1e-5, rtol=1e-5
    )


def test_a_sweep_equals_the_analytic_box_blur() -> None:
    light = torch.rand(1, 3, 60, 60, dtype=torch.float32)
    swept = shoot(light, shifts(8, 0))
    # Sampled at 9 instants, half a pixel's sampling aside: a box of 8 pixels.
    box = torch.ones(9) / 9
    blurred = F.conv2d(light, box.view(1, 1, 1, 9).repeat(3, 1, 1, 1), padding="same", groups=3)
    torch.testing.assert_close(swept, inner(blurred), atol=2e-4, rtol=0)


def test_uniform_blur_is_a_convolution_with_its_kernel() -> None:
    path = camera_shake(1, torch.Generator().manual_seed(3)) * 14
    path = path - path[:, TIMES // 2, None]
    poses = torch.cat([path, torch.zeros(1, TIMES, 4)], dim=-1)
    corners = torch.tensor([-31.5, 31.5])
    count = subframes(poses[0], corners, corners, torch.tensor(500.0))
    light = torch.rand(1, 3, 96, 96)
    # The camera looks along the path, so the picture moves against it: a correlation, which
    # conv2d is.
    kernel = kernels(resample(path[0], count)[None], 31).view(1, 1, 31, 31).repeat(3, 1, 1, 1)
    blurred = F.conv2d(light, kernel, padding="same", groups=3)
    torch.testing.assert_close(shoot(light, poses), inner(blurred), atol=2e-5, rtol=0)


def test_a_roll_moves_the_rim_and_not_the_axis() -> None:
    light = torch.rand(1, 3, 97, 97)
    poses = torch.zeros(1, TIMES, 6)
    poses[0, :, 2] = torch.linspace(-0.05, 0.05, TIMES)
    change = (shoot(light, poses) - inner(light)).abs().mean(1)[0]
    assert change[32, 32] < 1e-5
    assert change[:5, :5].mean() > 0.02


def test_the_mean_of_a_constant_scene_is_kept() -> None:
    light = torch.full((1, 3, 64, 64), 0.3)
    torch.testing.assert_close(shoot(light, shifts(10, -6), 30.0), inner(light))


@pytest.mark.parametrize("response", [sensor.SIGNAL, sensor.SRGB, sensor.GAMMA])
def test_encode_inverts_decode(response: int) -> None:
    image = torch.linspace(0, 1, 300).view(1, 3, 10, 10)
    kind = torch.tensor([response])
    torch.testing.assert_close(sensor.encode(sensor.decode(image, kind), kind), image)


def test_noise_has_the_stated_variance() -> None:
    generator = torch.Generator().manual_seed(0)
    light = torch.full((2, 3, 300, 300), 0.4)
    shot, read = torch.tensor([0.002, 0.0]), torch.tensor([0.01, 0.03])
    noise = sensor.add_noise(light, shot, read, generator) - light
    wanted = shot * 0.4 + read**2
    assert noise.mean((1, 2, 3)).abs().max() < 1e-3
    torch.testing.assert_close(noise.var((1, 2, 3)), wanted, rtol=0.05, atol=0)


@pytest.mark.parametrize("quality", [55, 80, 95])
def test_jpeg_loses_what_a_real_encoder_loses(quality: int, picture: np.ndarray) -> None:
    image = torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255
    ours = sensor.jpeg(image, torch.tensor([quality]))
    source: object = pyvips.Image.new_from_array(picture)
    data = source.jpegsave_buffer(Q=quality)  # pyright: ignore[reportAttributeAccessIssue]
    theirs = torch.from_numpy(pyvips.Image.new_from_buffer(data, "").numpy().copy())
    theirs = theirs.permute(2, 0, 1)[None].float() / 255
    error = [((x - image) ** 2).mean().sqrt().item() for x in (ours, theirs)]
    assert error[0] == pytest.approx(error[1], rel=0.15)
    assert (ours - theirs).abs().mean() < 0.7 * (theirs - image).abs().mean()
    assert torch.equal(sensor.jpeg(image, torch.tensor([0])), image)


def photos(count: int = 3) -> Tensor:
    generator = torch.Generator().manual_seed(7)
    shape = (count, 3, 64 + 2 * 24, 64 + 2 * 24)
    return torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)


def make(config: BlurConfig, seed: int = 0) -> tuple[Tensor, Tensor]:
    images = photos()
    return synthesize(
        images, torch.zeros(3, 2), torch.full((3,), 500.0), 24, config,
        torch.Generator().manual_seed(seed),
    )  # fmt: skip


def test_a_camera_at_rest_without_noise_gives_the_photo_back() -> None:
    blurred, sharp = make(BlurConfig(sharp_share=1, noise_share=0, jpeg_share=0))
    assert torch.equal(blurred, sharp)
    assert torch.equal((sharp * 255).round().to(torch.uint8), photos()[..., 24:-24, 24:-24])


def test_noise_belongs_to_the_blurred_image_only() -> None:
    blurred, sharp = make(BlurConfig(sharp_share=1, noise_share=1, jpeg_share=0))
    assert not torch.equal(blurred, sharp)
    assert torch.equal(sharp, make(QUIET)[1])


def test_a_seed_gives_one_batch() -> None:
    first, again, other = make(BlurConfig()), make(BlurConfig()), make(BlurConfig(), 1)
    assert torch.equal(first[0], again[0])
    assert not torch.equal(first[0], other[0])


def test_frames_are_averaged_around_the_middle_one(rng: np.random.Generator) -> None:
    frames = rng.integers(0, 256, (40, 6, 8, 3), dtype=np.uint8)
    made = list(average_frames(frames, rng, (7, 9)))
    assert made
    for blurred, sharp, info in made:
        first, count = info["first_frame"], info["frames"]
        window = frames[first : first + count]
        assert np.array_equal(sharp, window[count // 2])
        if info["response"] == sensor.SIGNAL:
            assert np.abs(blurred - window.mean(0)).max() <= 0.51


def test_the_mean_of_equal_frames_is_the_frame(picture: np.ndarray) -> None:
    for response in (sensor.SIGNAL, sensor.SRGB):
        assert np.array_equal(mean(np.stack([picture] * 5), response), picture)


def test_even_windows_have_no_middle(rng: np.random.Generator) -> None:
    with pytest.raises(ValueError, match="odd"):
        next(average_frames([], rng, (8,)))
