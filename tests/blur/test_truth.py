"""The true blur of cells, as training is told it."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from tests.reference import blur as twin
from unblur.blur import Shot, draw, objects, shoot
from unblur.blur.config import BlurConfig
from unblur.blur.scene import Motion
from unblur.blur.trajectory import TIMES
from unblur.blur.truth import CELL, TrueBlur, true_blur

NONE = torch.zeros(1, dtype=torch.long)


def still(layers: int = 1, centre: tuple[float, float] = (0, 0)) -> Motion:
    poses, shutter = torch.zeros(1, layers, TIMES, 6), torch.ones(1, 2)
    return Motion(poses, torch.tensor([centre]).float(), torch.tensor([500.0]), shutter)


def sweep(x: float, y: float) -> Tensor:
    return torch.linspace(-0.5, 0.5, TIMES)[:, None] * torch.tensor([x, y])


def of_camera(motion: Motion, depth: Tensor | None = None) -> TrueBlur:
    flat = torch.ones(1, 64, 96) if depth is None else depth
    return true_blur(motion, flat, NONE, [], torch.zeros(1), None)


@pytest.mark.parametrize(("x", "y"), [(12, 0), (0, 30), (6, -8)])
def test_a_straight_sweep_has_its_length_and_the_spread_of_a_uniform_line(
    x: float, y: float
) -> None:
    motion = still()
    motion.poses[0, 0, :, :2] = sweep(x, y)
    blur = of_camera(motion)
    assert blur.length.shape == blur.radius.shape == (1, 4, 6)
    torch.testing.assert_close(blur.length, torch.full((1, 4, 6), math.hypot(x, y)))
    # Of 65 instants with both ends, a thirtieth more than n^2 / 12.
    for found, expected in zip(blur.spread[0], (x * x, y * y, x * y), strict=True):
        torch.testing.assert_close(found, torch.full((4, 6), expected / 12), rtol=0.04, atol=1e-4)
    assert not blur.radius.any()
    assert (blur.pure == 1).all()


def test_it_is_the_naive_one() -> None:
    config = BlurConfig(
        max_length=30, varying_share=1, roll_share=0.7, zoom_share=0.7, perspective_share=0.7,
        layer_share=0,
    )  # fmt: skip
    shape, generator = torch.Size((6, 3, 70, 100)), torch.Generator().manual_seed(1)
    focal = torch.full((6,), 90.0)
    drawn = draw(shape, torch.randn(6, 2) * 100, focal, config, generator)
    depth = 1 + 0.3 * torch.rand(6, 1, 1) * torch.rand(6, 70, 100)
    blur = true_blur(drawn.motion, depth, drawn.objects, [], torch.zeros(6), None)
    assert blur.length.shape == (6, 4, 6)
    motion = drawn.motion
    for sample in range(6):
        for row, column in ((0, 0), (1, 4), (3, 5)):
            place = (column + 0.5) * CELL - 50, (row + 0.5) * CELL - 35
            cell = depth[sample, row * CELL : (row + 1) * CELL, column * CELL : (column + 1) * CELL]
            length, spread = twin.true_path(
                motion.poses[sample, 0], motion.centres[sample], 90.0, place, float(cell.mean())
            )
            assert float(blur.length[sample, row, column]) == pytest.approx(length, rel=2e-3)
            found = blur.spread[sample, :, row, column].tolist()
            assert found == pytest.approx(spread, rel=5e-3, abs=0.02)


def test_a_roll_moves_what_is_far_from_the_axis_more() -> None:
    motion = still(centre=(-48, 0))
    motion.poses[0, 0, :, 2] = torch.linspace(-0.1, 0.1, TIMES)
    blur = of_camera(motion)
    x, y = (torch.arange(6) + 0.5) * CELL, (torch.arange(4) + 0.5) * CELL - 32
    radius = torch.hypot(*torch.meshgrid(y, x, indexing="ij"))
    torch.testing.assert_close(blur.length[0], 0.2 * radius, rtol=1e-3, atol=1e-3)


def test_what_is_nearer_moves_farther() -> None:
    motion = still()
    motion.poses[0, 0, :, :2] = sweep(10, 0)
    depth = torch.ones(1, 64, 96)
    depth[..., 48:] = 1.5
    blur = of_camera(motion, depth)
    torch.testing.assert_close(blur.length[0, :, :3], torch.full((4, 3), 10.0))
    torch.testing.assert_close(blur.length[0, :, 3:], torch.full((4, 3), 15.0))


def test_an_objects_cells_have_its_own_path() -> None:
    """The second sample of two has an object, the first has none."""
    one = still(layers=3)
    poses = one.poses.repeat(2, 1, 1, 1)
    poses[:, 0, :, :2], poses[1, 1, :, :2] = sweep(10, 0), sweep(0, 24)
    motion = Motion(poses, torch.zeros(2, 2), torch.full((2,), 500.0), torch.ones(2, 2))
    mask = torch.zeros(1, 96, 96)
    mask[:, :, :44] = 1  # to within the third column of cells
    numbers = torch.tensor([0, 1])
    blur = true_blur(motion, torch.ones(2, 96, 96), numbers, [mask], torch.zeros(2), None)
    torch.testing.assert_close(blur.length[0], torch.full((6, 6), 10.0))
    torch.testing.assert_close(blur.length[1, :, :3], torch.full((6, 3), 24.0))
    torch.testing.assert_close(blur.length[1, :, 3:], torch.full((6, 3), 10.0))
    assert not blur.spread[1, 0, :, :3].any()
    assert (blur.pure[0] == 1).all()
    assert (blur.pure[1][:, [0, 5]] == 1).all()
    # Three quarters of the column at the edge are the object's.
    expected = torch.tensor([(2 + 0.75) / 3] * 3).expand(6, 3)
    torch.testing.assert_close(blur.pure[1, :, 1:4], expected)


def test_only_the_part_out_of_focus_has_a_radius() -> None:
    part = torch.zeros(2, 96, 96)
    part[0, :48] = 1
    part[1] = 1
    motion = Motion(torch.zeros(2, 3, TIMES, 6), torch.zeros(2, 2), torch.ones(2), torch.ones(2, 2))
    numbers, radius = torch.zeros(2).long(), torch.tensor([3.0, 0.0])
    blur = true_blur(motion, torch.ones(2, 96, 96), numbers, [], radius, part)
    assert (blur.radius[0, :3] == 3).all()
    assert not blur.radius[0, 3:].any()
    assert not blur.radius[1].any()
    assert (blur.pure == 1).all()  # the border is that of two cells
    whole = true_blur(motion, torch.ones(2, 96, 96), numbers, [], radius, None)
    assert (whole.radius[0] == 3).all()


def taken(config: BlurConfig, count: int = 12, side: int = 96, margin: int = 24) -> Shot:
    generator = torch.Generator().manual_seed(2)
    shape = (count, 3, side + 2 * margin, side + 2 * margin)
    photos = torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)
    drawn = draw(
        photos.shape, torch.zeros(count, 2), torch.full((count,), 500.0), config, generator
    )
    return shoot(photos, drawn, margin, generator)


QUIET = {"noise_share": 0.0, "jpeg_share": 0.0, "bayer_share": 0.0, "soft_share": 0.0}


def test_a_shot_knows_its_truth() -> None:
    config = BlurConfig(max_length=20, layer_share=0.7, defocus_share=0.5, part_share=0.5)
    shot = taken(config)
    blur = shot.truth()
    assert blur.length.shape == blur.pure.shape == (12, 6, 6)
    assert blur.spread.shape == (12, 3, 6, 6)
    assert float(blur.pure.min()) > 0
    assert float(blur.pure.max()) <= 1
    assert float(blur.length.max()) < 60
    # A path is no shorter than twice the deviation of the positions on it.
    deviation = blur.spread[:, :2].sum(1).sqrt()
    assert (blur.length >= 2 * deviation - 1e-3).all()
    rest = taken(BlurConfig(sharp_share=1)).truth()
    assert not any(values.any() for values in (rest.length, rest.spread, rest.radius))
    assert (rest.pure == 1).all()


def test_a_share_of_the_defocused_pictures_is_so_in_a_part() -> None:
    config = BlurConfig(
        sharp_share=0, min_length=0, max_length=1e-3, layer_share=0, depth_share=0,
        defocus_share=1, max_defocus=3, part_share=0.5, highlight_share=0, **QUIET,
    )  # fmt: skip
    shot = taken(config, 40)
    kinds, blur = shot.drawn.focused, shot.truth()
    assert float((kinds > 0).float().mean()) == pytest.approx(0.5, abs=0.2)
    assert set(kinds.tolist()) == {0, 1, 2}
    share = (blur.radius > 0).float().mean((1, 2))
    assert (share[kinds == 0] == 1).all()
    assert float(share[kinds == 1].max()) < 0.5 < float(share[kinds == 2].min())
    # What is in focus is nearly as it was.
    changed = (shot.blurred - shot.sharp).abs().amax(1)
    cells = torch.nn.functional.max_pool2d(changed, CELL)
    inside = (blur.radius == 0) & (blur.pure == 1)
    assert inside.any()
    assert float(cells[inside].max()) < 8 / 255
    assert float(cells[blur.radius > 0].min()) > 20 / 255


def test_parts_are_one_in_the_others() -> None:
    light, generator = torch.zeros(3, 3, 80, 80), torch.Generator().manual_seed(0)
    assert objects.parts(light, torch.tensor([0, 0, 0]), generator) is None
    found = objects.parts(light, torch.tensor([0, 1, 2]), generator)
    assert found is not None
    assert (found[0] == 1).all()
    assert float(found[1].mean()) < 0.5 < float(found[2].mean())
