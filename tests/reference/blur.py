"""An exposure as its definition reads: sample by sample, instant by instant, in float64."""

from __future__ import annotations

import itertools
import math

import torch
from torch import Tensor


def expose(
    light: Tensor,
    poses: Tensor,
    centre: Tensor,
    focal: float,
    times: Tensor,
    margin: int,
    objects: list[Tensor],
    depth: Tensor | None = None,
) -> Tensor:
    """The mean of a scene (3, i, j) and its objects (4, i, j) over times in [0, 1].

    Args:
        poses: (1 + objects, t, 6), evenly spaced in time.
        depth: (h, w), what the scene's shift is multiplied with.
    """
    height, width = (n - 2 * margin for n in light.shape[1:])
    y, x = torch.meshgrid(
        torch.arange(height).double(), torch.arange(width).double(), indexing="ij"
    )
    x, y = x - (width - 1) / 2 - centre[0], y - (height - 1) / 2 - centre[1]
    total = torch.zeros(3, height, width, dtype=torch.float64)
    for time in times.tolist():
        frame = None
        for index, picture in enumerate([light, *objects]):
            pose = pose_at(poses[index].double(), time)
            h = homography(pose, focal)
            w = h[2, 0] * x + h[2, 1] * y + h[2, 2]
            far = depth.double() if depth is not None and index == 0 else 1.0
            u = (h[0, 0] * x + h[0, 1] * y + h[0, 2]) / w + pose[0] * far + centre[0]
            v = (h[1, 0] * x + h[1, 1] * y + h[1, 2]) / w + pose[1] * far + centre[1]
            u, v = u + (picture.shape[2] - 1) / 2, v + (picture.shape[1] - 1) / 2
            seen = bilinear(picture.double(), u, v)
            frame = seen if frame is None else seen[:3] + (1 - seen[3]) * frame
        assert frame is not None
        total += frame
    return total / len(times)


def true_path(
    poses: Tensor, centre: Tensor, focal: float, place: tuple[float, float], far: float = 1.0
) -> tuple[float, tuple[float, float, float]]:
    """The path that a layer's point takes over the sensor, by the poses (t, 6) one by one.

    Args:
        place: of the point in the middle pose, in pixels (x, y) from the crop's centre.
        far: what its shift is multiplied with.

    Returns:
        Its length, and its positions' variances along x and y and their covariance.
    """
    at = []
    for pose in poses.double():
        h = homography(pose, focal)
        x, y = place[0] - float(centre[0]), place[1] - float(centre[1])
        u, v, w = (float(row[0]) * x + float(row[1]) * y + float(row[2]) for row in h)
        at.append((u / w + float(pose[0]) * far, v / w + float(pose[1]) * far))
    length = sum(math.dist(a, b) for a, b in itertools.pairwise(at))
    mx, my = (sum(values) / len(at) for values in zip(*at, strict=True))
    pairs = [(x - mx, y - my) for x, y in at]
    spread = [
        sum(p * q for p, q in products) / len(at)
        for products in ([(x, x) for x, _ in pairs], [(y, y) for _, y in pairs], pairs)
    ]
    return length, (spread[0], spread[1], spread[2])


def pose_at(poses: Tensor, time: float) -> Tensor:
    """Linear between poses that are evenly spaced over [0, 1]."""
    place = time * (len(poses) - 1)
    low = min(math.floor(place), len(poses) - 2)
    return poses[low] + (place - low) * (poses[low + 1] - poses[low])


def homography(pose: Tensor, focal: float) -> Tensor:
    """`zoom * K R_roll R_pitch R_yaw K^-1`, without the shift."""
    roll, pitch, yaw, zoom = (float(value) for value in pose[2:])

    def matrix(*rows: tuple[float, float, float]) -> Tensor:
        return torch.tensor(rows, dtype=torch.float64)

    c, s = math.cos(roll), math.sin(roll)
    r_roll = matrix((c, -s, 0), (s, c, 0), (0, 0, 1))
    c, s = math.cos(pitch), math.sin(pitch)
    r_pitch = matrix((1, 0, 0), (0, c, s), (0, -s, c))
    c, s = math.cos(yaw), math.sin(yaw)
    r_yaw = matrix((c, 0, s), (0, 1, 0), (-s, 0, c))
    k = torch.diag(torch.tensor([focal, focal, 1.0], dtype=torch.float64))
    z = torch.diag(torch.tensor([math.exp(zoom)] * 2 + [1.0], dtype=torch.float64))
    return z @ k @ r_roll @ r_pitch @ r_yaw @ k.inverse()


def bilinear(picture: Tensor, u: Tensor, v: Tensor) -> Tensor:
    """(c, i, j) at columns u and rows v; beyond the picture its rim goes on."""
    height, width = picture.shape[1:]
    u, v = u.clamp(0, width - 1), v.clamp(0, height - 1)
    u0, v0 = u.floor(), v.floor()
    total = torch.zeros(len(picture), *u.shape, dtype=torch.float64)
    for du in (0, 1):
        for dv in (0, 1):
            column = (u0 + du).clamp(max=width - 1).long()
            row = (v0 + dv).clamp(max=height - 1).long()
            total += (1 - (u - u0 - du).abs()) * (1 - (v - v0 - dv).abs()) * picture[:, row, column]
    return total


def kernel(shifts: Tensor, size: int) -> Tensor:
    """What convolves a picture as shifts (n, 2) of the picture blur it: every one splatted."""
    out = torch.zeros(size, size, dtype=torch.float64)
    for x, y in shifts.double() + size // 2:
        u, v = math.floor(x), math.floor(y)
        for du in (0, 1):
            for dv in (0, 1):
                out[v + dv, u + du] += (1 - abs(x - u - du)) * (1 - abs(y - v - dv)) / len(shifts)
    return out
