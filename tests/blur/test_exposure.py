"""The scene, the sensor and both together: blur is held to its physics."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import pyvips
import torch
from torch import Tensor
from torch.nn import functional as F

from tests.reference import blur as twin
from unblur.blur import draw, jpeg, lens, mosaic, objects, response, sensor, synthesize
from unblur.blur import scene as scenes
from unblur.blur.config import BlurConfig
from unblur.blur.frames import Skipped, average_frames, mean
from unblur.blur.objects import glance
from unblur.blur.scene import Motion, expose
from unblur.blur.trajectory import TIMES, camera_shake, instants

MARGIN = 16
QUIET = BlurConfig(noise_share=0, jpeg_share=0)


def still(count: int, layers: int = 1) -> Motion:
    shutter, focal = torch.ones(count, 2), torch.full((count,), 500.0)
    return Motion(torch.zeros(count, layers, TIMES, 6), torch.zeros(count, 2), focal, shutter)


def sweep(x: float, y: float) -> Tensor:
    """A straight sweep of the camera by (x, y) pixels."""
    return torch.linspace(-0.5, 0.5, TIMES)[:, None] * torch.tensor([x, y])


def shifts(x: float, y: float) -> Motion:
    motion = still(1)
    motion.poses[0, 0, :, :2] = sweep(x, y)
    return motion


def shoot(light: Tensor, motion: Motion) -> Tensor:
    return expose(light, motion, MARGIN)


def inner(light: Tensor) -> Tensor:
    return light[..., MARGIN:-MARGIN, MARGIN:-MARGIN]


def test_no_motion_gives_the_input_back_exactly() -> None:
    light = torch.rand(2, 3, 64, 70)
    assert torch.equal(shoot(light, still(2)), inner(light))


def test_blur_is_linear_in_light() -> None:
    a, b = torch.rand(2, 1, 3, 64, 64)
    motion = shifts(9, 4)
    torch.testing.assert_close(
        shoot(2 * a + b, motion), 2 * shoot(a, motion) + shoot(b, motion), atol=1e-5, rtol=1e-5
    )


def test_a_sweep_equals_the_analytic_box_blur() -> None:
    light = torch.rand(1, 3, 60, 60, dtype=torch.float32)
    swept = shoot(light, shifts(8, 0))
    # A box of 8 pixels: its two ends cover half a pixel each.
    box = torch.tensor([0.5, 1, 1, 1, 1, 1, 1, 1, 0.5]) / 8
    blurred = F.conv2d(light, box.view(1, 1, 1, 9).repeat(3, 1, 1, 1), padding="same", groups=3)
    torch.testing.assert_close(swept, inner(blurred), atol=1e-5, rtol=0)


def test_uniform_blur_is_a_convolution_with_its_kernel() -> None:
    motion = still(1)
    path = camera_shake(1, torch.Generator().manual_seed(3)) * 14
    motion.poses[0, 0, :, :2] = path - path[:, TIMES // 2]
    light = torch.rand(1, 3, 96, 96)
    lengths = scenes.longest_paths(motion, (64, 64))
    times = instants(math.ceil(float(lengths)), torch.ones(1, 2))[0]
    seen = torch.stack([twin.pose_at(motion.poses[0, 0], t)[:2] for t in times.tolist()])
    # The camera looks along the path, so the picture moves against it: a correlation, which
    # conv2d is.
    kernel = twin.kernel(seen, 31).float()
    weight = kernel.expand(3, 1, 31, 31)
    blurred = F.conv2d(light, weight, padding="same", groups=3)
    torch.testing.assert_close(shoot(light, motion), inner(blurred), atol=2e-5, rtol=0)
    point = torch.zeros(1, 3, 80, 80)
    point[..., 40, 40] = 1
    assert float(shoot(point, motion)[0, 0].sum()) == pytest.approx(1, abs=1e-5)


def random_motion(count: int) -> tuple[Motion, Tensor]:
    """Of scenes and up to two objects, every kind of it; and how many objects."""
    config = BlurConfig(
        max_length=14, varying_share=1, roll_share=1, zoom_share=1, perspective_share=0.5,
        strobe_share=0.5, layer_share=0.7,
    )  # fmt: skip
    shape, generator = torch.Size((count, 3, 72, 64)), torch.Generator().manual_seed(5)
    drawn = draw(shape, torch.randn(count, 2) * 200, torch.full((count,), 90.0), config, generator)
    return drawn.motion, drawn.objects


@pytest.mark.parametrize("at_once", [2**10, 2**22])
def test_a_batch_is_exposed_as_sample_by_sample(
    at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scenes, "_AT_ONCE_ON_CPU", at_once)
    generator = torch.Generator().manual_seed(0)
    motion, numbers = random_motion(8)
    assert set(numbers.tolist()) == {0, 1, 2}
    light = torch.rand(8, 3, 72, 64, generator=generator)
    layers = objects.cut_out(light, numbers, generator)
    depth = objects.relief(light, torch.full((8,), 0.35), MARGIN, generator)
    together = expose(light, motion, MARGIN, numbers, layers, depth, density=3.0)
    lengths = scenes.longest_paths(motion, (40, 32))
    counts = (3 * lengths).ceil().clamp(min=4).where(lengths > 0, 1).long().tolist()
    kinds = [(n, c > 1) for n, c in zip(numbers.tolist(), counts, strict=True)]
    groups = scenes._groups(numbers.tolist(), counts, at_once // (40 * 32))
    assert len(groups) == (8 if at_once == 2**10 else len({*kinds}))
    for group in groups:
        for index in group:
            rows = [int((numbers[:index] > k).sum()) for k in range(int(numbers[index]))]
            cutouts = [layer[row] for layer, row in zip(layers, rows, strict=False)]
            times = instants(counts[group[-1]], motion.shutter[index : index + 1])[0]
            alone = twin.expose(
                light[index], motion.poses[index], motion.centres[index], 90.0, times, MARGIN,
                cutouts, depth[index],
            )  # fmt: skip
            assert (together[index] - alone).abs().max() < 1e-4


def test_a_roll_moves_the_rim_and_not_the_axis() -> None:
    light = torch.rand(1, 3, 97, 97)
    motion = still(1)
    motion.poses[..., 2] = torch.linspace(-0.05, 0.05, TIMES)
    change = (shoot(light, motion) - inner(light)).abs().mean(1)[0]
    assert change[32, 32] < 1e-5
    assert change[:5, :5].mean() > 0.02


def test_the_mean_of_a_constant_scene_is_kept() -> None:
    light = torch.full((1, 3, 64, 64), 0.3)
    motion = replace(shifts(10, -6), centres=torch.full((1, 2), 30.0))
    torch.testing.assert_close(shoot(light, motion), inner(light))


def test_what_is_nearer_moves_more() -> None:
    light = torch.rand(1, 3, 64, 64)
    depth = torch.ones(1, 32, 32)
    depth[..., 16:] = 2
    near, far = (expose(light, shifts(x, 0), MARGIN) for x in (8, 4))
    both = expose(light, shifts(4, 0), MARGIN, depth=depth, density=2.0)
    torch.testing.assert_close(both[..., 16:], near[..., 16:], atol=1e-5, rtol=0)
    torch.testing.assert_close(both[..., :16], far[..., :16], atol=0.02, rtol=0)


CURVES = torch.tensor([response.SIGNAL, response.SRGB, (2.2, 0.0), (1.9, 0.45)])
RESPONSES = [response.tabulate(curve[None]) for curve in CURVES]


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


def test_curves_of_a_batch_are_those_of_each() -> None:
    image = torch.randint(0, 256, (4, 3, 8, 8), dtype=torch.uint8)
    light = response.tabulate(CURVES).decode(image)
    for index, alone in enumerate(RESPONSES):
        assert torch.equal(light[index], alone.decode(image[index : index + 1])[0])


def test_highlights_leave_streaks_and_the_rest_alone() -> None:
    image = torch.full((2, 3, 64, 64), 51, dtype=torch.uint8)
    image[..., 30:34, 30:34] = 255
    curves = response.tabulate(torch.tensor([response.SIGNAL] * 2))
    light = sensor.brighten(curves, torch.tensor([1.0, 5.0])).decode(image)
    assert light.amax((1, 2, 3)).tolist() == [1, 5]
    assert torch.equal(light[1][image[1] == 51], light[0][image[0] == 51])
    streak = [shoot(x[None], shifts(12, 0)).clamp(max=1)[0, 0, 16] for x in light]
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
    kernel = lens.aperture(torch.tensor([[radius, blades, 0.3], [1, 0, 0]]))[0]
    assert float(kernel.sum()) == pytest.approx(1, abs=1e-5)
    at = torch.arange(len(kernel)) - len(kernel) // 2
    assert abs(float((kernel.sum(0) * at).sum())) < 0.05
    assert abs(float((kernel.sum(1) * at).sum())) < 0.05
    area = math.pi if not blades else blades / 2 * math.sin(2 * math.pi / blades)
    inside = float((kernel / kernel.max()).sum())
    assert inside == pytest.approx(area * radius**2, rel=0.08)


def test_every_image_of_a_batch_has_an_aperture_of_its_own_size() -> None:
    light = torch.rand(4, 3, 40, 40)
    shapes = torch.tensor([[0.8, 0, 0], [0, 5, 0], [2.6, 6, 1], [3.5, 0, 0]])
    together = lens.defocus(light, shapes)
    assert torch.equal(together[1], light[1])
    for index in (0, 2, 3):
        alone = lens.defocus(light[index : index + 1], shapes[index : index + 1])
        torch.testing.assert_close(together[index : index + 1], alone)
    flat = torch.full((1, 3, 9, 9), 0.4)
    torch.testing.assert_close(lens.defocus(flat, shapes[:1]), flat)


def test_a_soft_lens_is_a_gaussian() -> None:
    point = torch.zeros(2, 1, 21, 21)
    point[..., 10, 10] = 1
    spread = lens.soften(point, torch.tensor([0.0, 0.8]))
    assert torch.equal(spread[0], point[0])
    at = torch.arange(21) - 10.0
    variance = [float((spread[1, 0].sum(axis) * at**2).sum()) for axis in (0, 1)]
    assert variance == pytest.approx([0.64, 0.64], rel=0.02)
    assert float(spread[1].sum()) == pytest.approx(1)


FIRST = torch.tensor([1, 0])
"""The first of two scenes has an object."""


def before(light: Tensor, mask: Tensor) -> list[Tensor]:
    """The second photo's pixels where the mask is."""
    return [torch.cat([light[1:] * mask, mask.expand(1, 1, -1, -1)], dim=1)]


def test_a_resting_object_covers_a_moving_scene() -> None:
    light = torch.rand(2, 3, 64, 64)
    mask = torch.zeros(64, 64)
    mask[24:40, 24:40] = 1
    motion = still(2, layers=2)
    motion.poses[:, 0, :, :2] = sweep(9, 5)
    blurred = expose(light, motion, MARGIN, FIRST, before(light, mask))
    plain = expose(light, motion, MARGIN)
    torch.testing.assert_close(blurred[0, :, 8:24, 8:24], light[1, :, 24:40, 24:40])
    torch.testing.assert_close(blurred[0, :, :8], plain[0, :, :8])
    torch.testing.assert_close(blurred[1], plain[1])
    sharp = glance(light, FIRST, before(light, mask), MARGIN)
    assert torch.equal(sharp[0, :, 8:24, 8:24], light[1, :, 24:40, 24:40])


def test_the_edge_of_a_moving_object_is_blurred_with_it() -> None:
    light = torch.stack([torch.zeros(3, 64, 64), torch.ones(3, 64, 64)])
    mask = torch.zeros(64, 64)
    mask[:, 32:] = 1
    motion = still(2, layers=2)
    motion.poses[0, 1, :, :2] = sweep(8, 0)
    row = expose(light, motion, MARGIN, FIRST, before(light, mask))[0, 0, 16]
    # A ramp of 8 pixels, centred on the edge at the middle of the exposure.
    assert float(row[10]) == 0
    assert float(row[21]) == pytest.approx(1)
    rise = (torch.arange(32) * row.diff(append=row[-1:])).sum() / row.diff().sum()
    assert float(rise) == pytest.approx(15, abs=0.1)


def test_the_sharp_target_is_aligned_with_the_blurred_image() -> None:
    light = torch.zeros(1, 3, 64, 64)
    light[..., 32:] = 1
    sharp = glance(light, torch.tensor([0]), [], MARGIN)[0, 0, 16]
    blurred = shoot(light, shifts(11, 3))[0, 0, 16]
    at = torch.arange(31)
    edges = [float((at * x.diff()).sum() / x.diff().sum()) for x in (sharp, blurred)]
    assert edges[0] == pytest.approx(edges[1], abs=0.1)


def test_masks_are_soft_objects() -> None:
    masks = objects.masks(40, torch.zeros(1, 3, 160, 200), torch.Generator().manual_seed(0))
    share = masks.mean((1, 2))
    assert float(share.min()) > 0.01
    assert float(share.max()) < 0.42
    assert masks.amin((1, 2)).max() == 0
    assert masks.amax((1, 2)).min() == 1
    soft = ((masks > 0) & (masks < 1)).float().mean((1, 2))
    assert float(soft.min()) > 0
    assert float(soft.max()) < 0.2


def test_depth_varies_smoothly_within_its_bounds() -> None:
    amounts = torch.tensor([0.0, 0.35])
    depth = objects.relief(torch.zeros(2, 3, 96, 96), amounts, MARGIN, torch.Generator())
    assert (depth[0] == 1).all()
    assert 0.5 <= depth[1].min() < 0.95
    assert 1.05 < depth[1].max() <= 2
    assert depth.diff(dim=2).abs().max() < 0.1


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


def test_jpeg_of_a_batch_is_that_of_each(picture: np.ndarray) -> None:
    image = torch.from_numpy(picture).permute(2, 0, 1)[None, :, :90, :77].float() / 255
    quality = torch.tensor([95, 0, 60, 40])
    together = jpeg.compress(image.expand(4, -1, -1, -1), quality)
    for index, q in enumerate(quality):
        assert torch.equal(together[index], jpeg.compress(image, q[None])[0])


def photos(count: int = 3, device: str = "cpu") -> Tensor:
    generator = torch.Generator().manual_seed(7)
    shape = (count, 3, 64 + 2 * 24, 64 + 2 * 24)
    return torch.randint(0, 251, shape, generator=generator, dtype=torch.uint8).to(device)


def make(config: BlurConfig, seed: int = 0, device: str = "cpu") -> tuple[Tensor, Tensor]:
    return synthesize(
        photos(device=device), torch.zeros(3, 2), torch.full((3,), 500.0), 24, config,
        torch.Generator().manual_seed(seed),
    )  # fmt: skip


def test_a_camera_at_rest_without_noise_gives_the_photo_back() -> None:
    blurred, sharp = make(BlurConfig(sharp_share=1, soft_share=0, noise_share=0, jpeg_share=0))
    assert torch.equal(blurred, sharp)
    assert torch.equal((sharp * 255).round().to(torch.uint8), photos()[..., 24:-24, 24:-24])


def test_noise_belongs_to_the_blurred_image_only() -> None:
    blurred, sharp = make(BlurConfig(sharp_share=1, noise_share=1, jpeg_share=0))
    assert not torch.equal(blurred, sharp)
    assert torch.equal(sharp, make(BlurConfig(sharp_share=1, noise_share=0, jpeg_share=0))[1])


def test_a_seed_gives_one_batch_and_the_next_is_another() -> None:
    first, again, other = make(BlurConfig()), make(BlurConfig()), make(BlurConfig(), 1)
    assert torch.equal(first[0], again[0])
    assert not torch.equal(first[0], other[0])
    generator = torch.Generator()
    shape, nowhere, focal = torch.Size((2, 3, 64, 64)), torch.zeros(2, 2), torch.ones(2)
    one, two = (draw(shape, nowhere, focal, QUIET, generator).motion.poses for _ in range(2))
    assert not torch.equal(one, two)


EVERYTHING = BlurConfig(
    sharp_share=0, layer_share=1, varying_share=1, depth_share=1, perspective_share=1,
    strobe_share=1, soft_share=1, defocus_share=1, highlight_share=1, bayer_share=1, noise_share=1,
    jpeg_share=1,
)  # fmt: skip


@pytest.mark.parametrize("config", [BlurConfig(), EVERYTHING])
def test_nothing_is_read_back_from_the_device(config: BlurConfig) -> None:
    # On the meta device there is nothing to read: what would wait for a GPU raises an error.
    blurred, sharp = make(config, device="meta")
    assert blurred.shape == sharp.shape == (3, 3, 64, 64)


def test_samples_have_what_the_config_says() -> None:
    config = BlurConfig()
    shape, nowhere, focal = torch.Size((4000, 3, 48, 48)), torch.zeros(4000, 2), torch.ones(4000)
    drawn = draw(shape, nowhere, focal, config, torch.Generator().manual_seed(0))
    rest = ~drawn.motion.poses.flatten(1).any(1)
    moving = 1 - config.sharp_share
    shares = {
        "at rest": (rest, config.sharp_share),
        "objects": (drawn.objects > 0, config.layer_share * moving),
        "two": (drawn.objects == 2, config.layer_share * moving / 4),
        "depth": (drawn.depth > 0, config.varying_share * config.depth_share),
        "strobe": (drawn.motion.shutter[:, 0] > 1, config.strobe_share),
        "soft": (drawn.softness > 0, config.soft_share),
        "out of focus": (drawn.apertures[:, 0] > 0, config.defocus_share * moving),
        "no curve": (drawn.curves[:, 0] == 1, config.signal_share),
        "gamma": ((drawn.curves == torch.tensor([2.2, 0])).all(1), config.gamma_share),
        "lights": (drawn.highlights > 1, config.highlight_share),
        "mosaic": (drawn.balance[:, 0] > 0, config.bayer_share * moving),
        "noise": (drawn.shot > 0, config.noise_share),
        "JPEG": (drawn.quality > 0, config.jpeg_share),
    }
    for name, (has, share) in shares.items():
        assert float(has.float().mean()) == pytest.approx(share, abs=0.025), name
    facts = drawn.facts(int(rest.nonzero()[0]))
    assert (facts["path_pixels"], facts["objects"], facts["varies"]) == (0, 0, False)


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
