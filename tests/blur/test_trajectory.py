from __future__ import annotations

import pytest
import torch
from msgspec.structs import replace

from unblur.blur.config import BlurConfig
from unblur.blur.trajectory import TIMES, at, camera_shake, instants, sample_paths
from unblur.blur.trajectory import sample_trajectories as sample

STEADY = BlurConfig(varying_share=0)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def poses(seed: int, config: BlurConfig, count: int = 64, centre: float = 0.0) -> torch.Tensor:
    centres = torch.full((count, 2), centre)
    return sample(config, centres, torch.full((count,), 800.0), 128.0, generator(seed))


def test_paths_have_length_one() -> None:
    smooth, _ = sample_paths(200, BlurConfig(sweep_share=0.3, shake_share=0.3), generator())
    for path in (smooth, camera_shake(8, generator()), camera_shake(0, generator())):
        length = path.diff(dim=1).norm(dim=-1).sum(1)
        torch.testing.assert_close(length, torch.ones(len(path)))


def test_the_middle_of_the_exposure_is_the_sharp_picture() -> None:
    smooth = replace(BlurConfig(), squiggly_share=0, shake_share=0)
    assert poses(0, smooth)[:, TIMES // 2].abs().max() < 1e-6


def test_paths_that_wind_lie_about_their_mean_instead() -> None:
    path = poses(0, replace(STEADY, shake_share=1, sweep_share=0))
    assert torch.trapezoid(path, dim=1).abs().max() < 1e-2
    assert path[:, TIMES // 2].abs().max() > 1


def test_sweeps_are_straight_and_even() -> None:
    path = poses(0, replace(STEADY, sweep_share=1))[..., :2]
    torch.testing.assert_close(
        path.diff(n=2, dim=1), torch.zeros(64, TIMES - 2, 2), atol=1e-4, rtol=0
    )


@pytest.mark.parametrize(
    ("key", "column"), [("roll_share", 2), ("perspective_share", 3), ("zoom_share", 5)]
)
def test_the_stated_shares_of_cameras_turn(key: str, column: int) -> None:
    config = replace(BlurConfig(), varying_share=0.5, **{key: 0.5})
    turning = poses(1, config, 2000)[..., column].abs().amax(1) > 0
    assert float(turning.float().mean()) == pytest.approx(0.25, abs=0.04)
    assert not poses(1, replace(config, varying_share=0), 200)[..., 2:].any()


def test_roll_and_zoom_move_the_rim_alike_wherever_the_axis_is() -> None:
    config = replace(BlurConfig(), varying_share=1, roll_share=1, zoom_share=1)
    near, far = poses(1, config), poses(1, config, centre=900.0)
    reach = 128, 128 + 900 * 2**0.5
    for column in (2, 5):
        torch.testing.assert_close(near[..., column] * reach[0], far[..., column] * reach[1])
    assert float(near[..., 2].abs().max()) * reach[0] < 44 * 0.45


def test_no_path_is_longer_or_shorter_than_allowed() -> None:
    all_poses = poses(2, BlurConfig(max_length=20, min_length=8))
    shift = all_poses[..., :2].diff(dim=1).norm(dim=-1).sum(1)
    turn = 800 * all_poses[..., 3:5].diff(dim=1).norm(dim=-1).sum(1)
    assert float((shift + turn).max()) <= 20.01
    assert 7.99 <= float((shift + turn).min()) < 9


def test_an_open_shutter_takes_the_middles_of_even_parts_and_a_strobe_bursts() -> None:
    times = instants(20, torch.tensor([[1.0, 1.0], [5.0, 0.5]]))
    torch.testing.assert_close(times[0], (torch.arange(20) + 0.5) / 20)
    bursts = times[1].view(5, 4)
    torch.testing.assert_close(bursts.mean(1), (torch.arange(5) + 0.5) / 5)
    torch.testing.assert_close(bursts.diff(dim=1), torch.full((5, 3), 0.025))


def test_poses_between_two_instants_lie_between_them() -> None:
    ends = torch.stack([torch.zeros(2, 3, 6), torch.ones(2, 3, 6)], dim=2)
    times = torch.tensor([[0.0, 0.25, 1.0], [0.5, 0.5, 0.75]])
    torch.testing.assert_close(at(ends, times), times[:, None, :, None].expand(2, 3, 3, 6))
