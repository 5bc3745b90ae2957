"""The exposure: the mean over time of a moving scene and the objects in front of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from unblur.blur.objects import inner, lay_over
from unblur.blur.part import carry
from unblur.blur.trajectory import at, instants

_FEWEST = 4
"""Sub-frames at least, where anything moves."""
_AT_ONCE_ON_CPU = 2**18
"""Pixels sampled together: few enough to stay in a processor's cache."""
_AT_ONCE = 2**24
"""The same on a GPU: enough to keep it busy, in about 1 GiB."""


@dataclass(frozen=True)
class Motion:
    """Camera's and objects' motion during the exposures; all on the host.

    Attributes:
        poses: of the camera relative to the scene, then relative to each object, as
            `sample_trajectories` returns them.
        centres: where the optical axis meets the crop, in pixels (x, y) from its centre.
        focal: focal length in pixels.
        shutter: bursts and duty, for `instants`; 1 and 1: open all the time.
    """

    poses: Float[Tensor, "b k t 6"]
    centres: Float[Tensor, "b 2"]
    focal: Float[Tensor, " b"]
    shutter: Float[Tensor, "b 2"]

    def homographies(self) -> Float[Tensor, "b k t 3 3"]:
        """Each pose without its shift, from output to scene coordinates about their centres.

        `zoom * K R K^-1` about the axis; K has the focal length alone, R = R_roll R_pitch R_yaw.
        """
        _, _, roll, pitch, yaw, zoom = self.poses.unbind(-1)
        (c, s), (cp, sp), (cy, sy) = ((angle.cos(), angle.sin()) for angle in (roll, pitch, yaw))
        z, f = zoom.exp(), self.focal[:, None, None]
        above = (cy, torch.zeros_like(cy), sy * f), (-sp * sy, cp, sp * cy * f)
        first, second = (
            [z * (p * a + q * b) for a, b in zip(*above, strict=True)] for p, q in ((c, -s), (s, c))
        )
        rows = [*first, *second, -cp * sy / f, -sp / f, cp * cy]
        h = torch.stack(rows, dim=-1).unflatten(-1, (3, 3))
        centre = self.centres[:, None, None, :, None]
        h = torch.cat([h[..., :2], h[..., 2:] - h[..., :2] @ centre], dim=-1)
        return torch.cat([h[..., :2, :] + centre * h[..., 2:, :], h[..., 2:, :]], dim=-2)


def expose(
    light: Float[Tensor, "b 3 i j"],
    motion: Motion,
    margin: int,
    numbers: Int[Tensor, " b"] | None = None,
    layers: Sequence[Float[Tensor, "_ 4 i j"]] = (),
    depth: Float[Tensor, "b h w"] | None = None,
    density: float = 1.0,
) -> Float[Tensor, "b 3 h w"]:
    """The mean over the exposure of the scene with its objects, without the margin.

    A sample has as many sub-frames as the longest path of any corner has pixels, times `density`,
    and four at least; a sample at rest is returned exactly. In each sub-frame the objects are
    composited over the scene, so the background shows through their blurred edges. Beyond the
    margin the border is replicated.

    Samples of as many layers and about as many sub-frames are exposed together, as memory allows;
    the host groups them, so every shape is known without asking the device.

    Args:
        light: the scene, in the domain in which the sensor averages.
        margin: pixels on each side of the input that the output lacks.
        numbers: of objects; on the host. By default none.
        layers: as `objects.cut_out` returns them.
        depth: factor of the scene's shifts; by default 1.
    """
    size = [n - 2 * margin for n in light.shape[-2:]]
    lengths = longest_paths(motion, size)
    counts = (density * lengths).ceil().clamp(min=_FEWEST).where(lengths > 0, 1).long().tolist()
    numbers = torch.zeros(len(light)).long() if numbers is None else numbers
    most = (_AT_ONCE_ON_CPU if light.device.type == "cpu" else _AT_ONCE) // (size[0] * size[1])
    out = light.new_empty(len(light), 3, *size)
    for group in _groups(numbers.tolist(), counts, most):
        index = carry(torch.tensor(group), light.device)
        pictures = [light.index_select(0, index)]
        for k, rgba in enumerate(layers[: int(numbers[group[0]])]):
            rows = (numbers > k).cumsum(0)[group] - 1
            pictures.append(rgba.index_select(0, carry(rows, light.device)))
        poses, shutter = motion.poses[group, : len(pictures)], motion.shutter[group]
        part = Motion(poses, motion.centres[group], motion.focal[group], shutter)
        near = None if depth is None else depth.index_select(0, index)[:, None]
        mean = _mean(pictures, part, counts[group[-1]], margin, near, most // len(group))
        out.index_copy_(0, index, mean)
    return out


def longest_paths(motion: Motion, size: Sequence[int]) -> Float[Tensor, " b"]:
    """The longest path of any corner of a (height, width) in any layer, in pixels."""
    y, x = (torch.tensor([(1 - n) / 2, (n - 1) / 2]) for n in size)
    corners = torch.cartesian_prod(x, y, torch.ones(1))[:, :, None]
    places = (motion.homographies()[..., None, :, :] @ corners)[..., 0]
    places = places[..., :2] / places[..., 2:] + motion.poses[..., None, :2]
    return places.diff(dim=2).norm(dim=-1).sum(2).amax((1, 2))


def _groups(numbers: list[int], counts: list[int], most: int) -> list[list[int]]:
    """Groups samples of as many objects and about as many sub-frames, those at rest apart.

    A group has `most` sub-frames in sum, or one sample; its last sample has the most of them.
    """
    groups: list[list[int]] = []
    kinds = [(number, count > 1) for number, count in zip(numbers, counts, strict=True)]
    for sample in sorted(range(len(counts)), key=lambda i: (*kinds[i], counts[i])):
        alike = bool(groups) and kinds[groups[-1][0]] == kinds[sample]
        if alike and (len(groups[-1]) + 1) * counts[sample] <= most:
            groups[-1].append(sample)
        else:
            groups.append([sample])
    return groups


def _mean(
    pictures: list[Float[Tensor, "n _ i j"]],
    motion: Motion,
    count: int,
    margin: int,
    depth: Float[Tensor, "n 1 h w"] | None,
    at_once: int,
) -> Float[Tensor, "n 3 h w"]:
    """The mean of `count` sub-frames of a group, `at_once` of them sampled together."""
    device = pictures[0].device
    motion = replace(motion, poses=at(motion.poses, instants(count, motion.shutter)))
    # To grid_sample's coordinates, where -1 and 1 are the centres of the outermost pixels.
    scale = 2 / (torch.tensor(pictures[0].shape[:1:-1]) - 1)
    turns, shifts = motion.homographies(), motion.poses[..., :2] * scale
    turns[..., :2, :] *= scale[:, None]
    plain = not bool(motion.poses[..., 3:5].any())
    moves = [bool(layer.any()) for layer in motion.poses.unbind(1)]
    total = torch.zeros_like(inner(pictures[0], margin))
    y, x = (torch.arange(n, device=device) - (n - 1) / 2 for n in total.shape[-2:])
    chunks = (carry(drawn, device).split(max(1, at_once), dim=2) for drawn in (turns, shifts))
    for turn, shift in zip(*chunks, strict=True):
        frames = total[:, :, None].expand(-1, -1, turn.shape[2], -1, -1)
        for k, picture in enumerate(pictures):
            if moves[k]:
                near = depth if k == 0 else None
                view = _look(picture, turn[:, k], shift[:, k], x, y[:, None], near, plain)
            else:
                view = inner(picture, margin)[:, :, None]
            frames = lay_over(view, frames) if k else view.expand_as(frames)
        total += frames.sum(2)
    return total / count


def _look(
    pictures: Float[Tensor, "n c i j"],
    turns: Float[Tensor, "n t 3 3"],
    shifts: Float[Tensor, "n t 2"],
    x: Float[Tensor, " w"],
    y: Float[Tensor, "h 1"],
    depth: Float[Tensor, "n 1 h w"] | None,
    plain: bool,
) -> Float[Tensor, "n c t h w"]:
    """Each picture as seen in each of its sub-frames; without perspective if `plain`."""
    h, s = turns[..., None, None], shifts[..., None, None]
    # x and y in planes of their own, for contiguous memory access.
    grid = x.new_empty(2, *turns.shape[:2], len(y), len(x))
    for axis, plane in enumerate(grid):
        torch.add(h[:, :, axis, 0] * x + h[:, :, axis, 2], h[:, :, axis, 1] * y, out=plane)
    if not plain:
        grid /= h[:, :, 2, 0] * x + h[:, :, 2, 1] * y + h[:, :, 2, 2]
    for axis, plane in enumerate(grid):
        if depth is None:
            plane += s[:, :, axis]
        else:
            plane.addcmul_(s[:, :, axis], depth)
    places = grid.movedim(0, -1).flatten(1, 2)
    # Few samples reach beyond their margin; mirroring would take a CPU twice the time.
    frames = F.grid_sample(pictures, places, padding_mode="border", align_corners=True)
    return frames.unflatten(2, grid.shape[2:4])
