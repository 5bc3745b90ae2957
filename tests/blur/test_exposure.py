"""The scene, the sensor and both together: blur is held to its physics."""

from __future__ import annotations

import math

import numpy as np
import pytest
import pyvips
import torch
from torch import Tensor
from torch.nn import functional as F

from unblur.blur import jpeg, lens, mosaic, response, sensor, synthesize
from unblur.blur.frames import Skipped, average_frames, mean
from unblur.blur.scene import Layer, expose, glance, sample_mask, subframes
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
    # A box of 8 pixels: its two ends cover half a pixel each.
    box = torch.tensor([0.5, 1, 1, 1, 1, 1, 1, 1, 0.5]) / 8
    blurred = F.conv2d(light, box.view(1, 1, 1, 9).repeat(3, 1, 1, 1), padding="same", groups=3)
    torch.testing.assert_close(swept, inner(blurred), atol=1e-5, rtol=0)


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


RESPONSES = [
    response.signal(),
    response.srgb(),
    response.camera(2.2, 0.0),
    response.camera(1.9, 0.45),
]


@pytest.mark.parametrize("curve", RESPONSES)
def test_encode_inverts_decode(curve: response.Response) -> None:
    levels = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    back = curve.encode(curve.decode(levels))
    assert torch.equal((back * 255).round().to(torch.uint8), levels)
    assert (back * 255 - levels).abs().max() < 0.1


def test_responses_are_their_curves() -> None:
    levels = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    y = levels.double() / 255
    linear = torch.where(y <= 0.04045, y / 12.92, ((y + 0.055) / 1.055) ** 2.4)
    got = [r.decode(levels) for r in RESPONSES[:3]]
    for light, wanted in zip(got, (y, linear, y**2.2), strict=True):
        torch.testing.assert_close(light, wanted.float(), atol=1e-6, rtol=1e-3)


def test_responses_mix_by_the_stated_share() -> None:
    generator = torch.Generator().manual_seed(0)
    many = response.sample_responses(2000, BlurConfig(signal_share=0.4), generator)
    plain = (many.to_light - torch.linspace(0, 1, 256)).abs().amax(1) < 1e-6
    assert float(plain.float().mean()) == pytest.approx(0.4, abs=0.04)


def test_highlights_leave_streaks_and_the_rest_alone() -> None:
    light = torch.full((1, 3, 64, 64), 0.2)
    light[..., 30:34, 30:34] = 1.0
    bright = sensor.brighten(light, torch.tensor([5.0]))
    assert bright.max() == 5
    assert torch.equal(bright[light < 0.5], light[light < 0.5])
    streak = [shoot(x, shifts(12, 0)).clamp(max=1)[0, 0, 16] for x in (light, bright)]
    assert streak[0].max() < 0.5
    assert streak[1].max() == 1


def test_a_mosaic_keeps_one_value_a_pixel_and_demosaicing_restores_smooth_colours() -> None:
    y, x = torch.meshgrid(torch.linspace(0, 1, 32), torch.linspace(0, 1, 48), indexing="ij")
    light = torch.stack([0.2 + 0.5 * x, 0.7 - 0.3 * y, 0.1 + 0.4 * x * y])[None]
    balance = torch.tensor([[2.0, 1.5]])
    raw = mosaic.to_mosaic(light, balance)
    assert torch.equal(raw[:, 0], raw[:, 1])
    torch.testing.assert_close(raw[0, 0, ::2, ::2], light[0, 0, ::2, ::2] / 2)
    torch.testing.assert_close(raw[0, 0, 1::2, 1::2], light[0, 2, 1::2, 1::2] / 1.5)
    restored = mosaic.demosaic(raw, balance)
    assert (restored - light)[..., 2:-2, 2:-2].abs().max() < 2e-3
    untouched = torch.zeros(1, 2)
    assert torch.equal(mosaic.demosaic(mosaic.to_mosaic(light, untouched), untouched), light)


@pytest.mark.parametrize(("radius", "blades"), [(0.8, 0), (3.0, 0), (4.5, 6), (2.5, 5)])
def test_apertures_sum_to_one_and_are_centred(radius: float, blades: int) -> None:
    kernel = lens.aperture(radius, blades, 0.3)
    assert float(kernel.sum()) == pytest.approx(1, abs=1e-5)
    at = torch.arange(len(kernel)) - len(kernel) // 2
    assert abs(float((kernel.sum(0) * at).sum())) < 0.05
    assert abs(float((kernel.sum(1) * at).sum())) < 0.05
    area = math.pi if not blades else blades / 2 * math.sin(2 * math.pi / blades)
    inside = float((kernel / kernel.max()).sum())
    assert inside == pytest.approx(area * radius**2, rel=0.08)


def test_defocus_is_a_convolution_that_keeps_the_mean() -> None:
    light = torch.rand(2, 3, 40, 40)
    kernel = torch.zeros(5, 5)
    kernel[0, 3] = 1  # up by two, right by one
    moved = lens.defocus(light, [None, kernel])
    assert torch.equal(moved[0], light[0])
    torch.testing.assert_close(moved[1, :, 5:-5, 5:-5], light[1, :, 7:-3, 4:-6])
    flat = torch.full((1, 3, 9, 9), 0.4)
    torch.testing.assert_close(lens.defocus(flat, [lens.aperture(3.0)]), flat)


def test_every_image_of_a_batch_has_an_aperture_of_its_own_size() -> None:
    light = torch.rand(4, 3, 40, 40)
    kernels = [lens.aperture(radius) for radius in (0.8, 1.7, 2.6, 3.5)]
    together = lens.defocus(light, list(kernels))
    for _ in range(16):  # the checker of types looks at one kernel at random each time
        assert torch.equal(together, lens.defocus(light, list(kernels)))
    for index, kernel in enumerate(kernels):
        alone = lens.defocus(light[index : index + 1], [kernel])
        torch.testing.assert_close(together[index : index + 1], alone)


def layer(mask: Tensor, poses: Tensor, source: int = 1) -> Layer:
    return Layer(0, source, False, mask, poses)


def test_a_resting_object_covers_a_moving_scene() -> None:
    light = torch.rand(2, 3, 64, 64)
    mask = torch.zeros(64, 64)
    mask[24:40, 24:40] = 1
    still = layer(mask, torch.zeros(TIMES, 6))
    poses = shifts(9, 5).repeat(2, 1, 1)
    arguments = torch.zeros(2, 2), torch.full((2,), 500.0), MARGIN
    blurred = expose(light, poses, *arguments, [still])
    torch.testing.assert_close(blurred[0, :, 8:24, 8:24], light[1, :, 24:40, 24:40])
    plain = expose(light, poses, *arguments)
    torch.testing.assert_close(blurred[0, :, :8], plain[0, :, :8])
    torch.testing.assert_close(blurred[1], plain[1])
    sharp = glance(light, [still], MARGIN)
    assert torch.equal(sharp[0, :, 8:24, 8:24], light[1, :, 24:40, 24:40])


def test_the_edge_of_a_moving_object_is_blurred_with_it() -> None:
    light = torch.stack([torch.zeros(3, 64, 64), torch.ones(3, 64, 64)])
    mask = torch.zeros(64, 64)
    mask[:, 32:] = 1
    arguments = torch.zeros(2, 2), torch.full((2,), 500.0), MARGIN
    moving = layer(mask, shifts(8, 0)[0])
    row = expose(light, torch.zeros(2, TIMES, 6), *arguments, [moving])[0, 0, 16]
    # A ramp of 8 pixels, centred on the edge at the middle of the exposure.
    assert float(row[10]) == 0
    assert float(row[21]) == pytest.approx(1)
    rise = (torch.arange(32) * row.diff(append=row[-1:])).sum() / row.diff().sum()
    assert float(rise) == pytest.approx(15, abs=0.1)


def test_the_sharp_target_is_aligned_with_the_blurred_image() -> None:
    light = torch.zeros(1, 3, 64, 64)
    light[..., 32:] = 1
    sharp = glance(light, [], MARGIN)[0, 0, 16]
    blurred = shoot(light, shifts(11, 3))[0, 0, 16]
    at = torch.arange(31)
    edges = [float((at * x.diff()).sum() / x.diff().sum()) for x in (sharp, blurred)]
    assert edges[0] == pytest.approx(edges[1], abs=0.1)


def test_masks_are_soft_objects() -> None:
    generator = torch.Generator().manual_seed(0)
    for _ in range(20):
        mask = sample_mask(160, 200, generator)
        assert 0.02 < float(mask.mean()) < 0.35
        assert mask.min() == 0
        assert mask.max() == 1
        assert 0 < float(((mask > 0) & (mask < 1)).float().mean()) < 0.2


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
    ours = jpeg.compress(image, torch.tensor([quality]))
    source: object = pyvips.Image.new_from_array(picture)
    data = source.jpegsave_buffer(Q=quality)  # pyright: ignore[reportAttributeAccessIssue]
    theirs = torch.from_numpy(pyvips.Image.new_from_buffer(data, "").numpy().copy())
    theirs = theirs.permute(2, 0, 1)[None].float() / 255
    error = [((x - image) ** 2).mean().sqrt().item() for x in (ours, theirs)]
    assert error[0] == pytest.approx(error[1], rel=0.15)
    assert (ours - theirs).abs().mean() < 0.7 * (theirs - image).abs().mean()
    assert torch.equal(jpeg.compress(image, torch.tensor([0])), image)


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
    frames = rng.integers(90, 110, (40, 6, 8, 3), dtype=np.uint8)
    made = list(average_frames(frames, rng, (7, 9)))
    assert made
    for blurred, sharp, info in made:
        first, count = int(info["first_frame"]), int(info["frames"])
        window = frames[first : first + count]
        assert np.array_equal(sharp, window[count // 2])
        if info["response"] == "signal":
            assert np.abs(blurred - window.mean(0)).max() <= 0.51


def test_windows_span_no_cut_and_count_no_frame_twice(rng: np.random.Generator) -> None:
    scenes = [rng.integers(low, low + 20, (16, 6, 8, 3), dtype=np.uint8) for low in (20, 200)]
    frames = np.concatenate([scenes[0], scenes[0][-1:], scenes[1]])
    skipped = Skipped()
    made = list(average_frames(frames, rng, (7,), skipped=skipped))
    assert (skipped.cuts, skipped.duplicates) == (1, 1)
    assert {bool(sharp.mean() > 100) for _, sharp, _ in made} == {True, False}
    for blurred, sharp, _ in made:
        assert abs(float(blurred.mean()) - float(sharp.mean())) < 5


def test_the_mean_of_equal_frames_is_the_frame(picture: np.ndarray) -> None:
    for curve in RESPONSES:
        assert np.array_equal(mean(np.stack([picture] * 5), curve), picture)


def test_even_windows_have_no_middle(rng: np.random.Generator) -> None:
    with pytest.raises(ValueError, match="odd"):
        next(average_frames([], rng, (8,)))
