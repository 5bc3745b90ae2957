from __future__ import annotations

import pytest
import torch

from unblur.blur.trajectory import TIMES, camera_shake, kernels, sample_trajectories
from unblur.config import BlurConfig


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def poses(seed: int, config: BlurConfig, count: int = 64) -> torch.Tensor:
    return sample_trajectories(
        count, config, torch.zeros(count, 2), torch.full((count,), 800.0), generator(seed)
    )


def test_shakes_have_path_length_one() -> None:
    path = camera_shake(8, generator())
    length = path.diff(dim=1).norm(dim=-1).sum(1)
    torch.testing.assert_close(length, torch.ones(8))


def test_the_blurred_picture_lies_where_the_sharp_one_does() -> None:
    path = poses(0, BlurConfig(varying_share=0))[..., :2]
    kernel = kernels(path, 61)
    at = torch.arange(61) - 30.0
    for axis in (1, 2):
        centre = (kernel.sum(axis) * at).sum(1)
        torch.testing.assert_close(centre, torch.zeros(len(path)), atol=1e-3, rtol=0)
    turning = poses(0, BlurConfig(varying_share=1))
    assert torch.trapezoid(turning, dim=1).abs().max() < 1e-3


def test_the_stated_share_of_cameras_only_shifts() -> None:
    turning = poses(1, BlurConfig(varying_share=0.25), 2000)[..., 2:].abs().amax((1, 2)) > 0
    assert float(turning.float().mean()) == pytest.approx(0.25, abs=0.04)


def test_no_path_is_longer_or_shorter_than_allowed() -> None:
    config = BlurConfig(max_length=20, min_length=8)
    all_poses = poses(2, config)
    shift = all_poses[..., :2].diff(dim=1).norm(dim=-1).sum(1)
    turn = 800 * all_poses[..., 3:5].diff(dim=1).norm(dim=-1).sum(1)
    assert float((shift + turn).max()) <= 20.01
    assert 7.99 <= float((shift + turn).min()) < 9


def test_a_seed_gives_one_trajectory() -> None:
    assert torch.equal(poses(3, BlurConfig()), poses(3, BlurConfig()))
    assert not torch.equal(poses(3, BlurConfig()), poses(4, BlurConfig()))


def test_kernels_sum_to_one_and_keep_the_mean_shift() -> None:
    path = camera_shake(5, generator()) * 12
    path = path - path[:, :1] - 3
    kernel = kernels(path, 31)
    torch.testing.assert_close(kernel.sum((1, 2)), torch.ones(5))
    rest = kernels(torch.zeros(1, TIMES, 2), 5)
    assert rest[0, 2, 2] == 1
    assert rest.sum() == 1
    # The centre of mass is the mean shift: splatting is exact below the pixel.
    at = torch.arange(31) - 15.0
    mean_x = (kernel.sum(1) * at).sum(1)
    wanted = torch.trapezoid(path[..., 0]) / (TIMES - 1)
    torch.testing.assert_close(mean_x, wanted, atol=1e-4, rtol=1e-4)


def test_a_path_that_leaves_its_kernel_is_refused() -> None:
    with pytest.raises(ValueError, match="hold"):
        kernels(torch.full((1, 3, 2), 4.0), 7)
