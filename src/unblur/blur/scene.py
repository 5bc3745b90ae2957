"""What the sensor sees: the mean over the exposure of a scene and the objects in front of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

from unblur.blur.trajectory import resample, sample_trajectories
from unblur.config import BlurConfig

_PIXELS_AT_ONCE = 2**18
"""Sampled together: few enough to stay in a processor's cache."""


@dataclass(frozen=True)
class Layer:
    """An object in front of a sample's scene.

    Attributes:
        sample: index of the sample that it belongs to.
        source: index of the photo that it is cut from.
        mirrored: whether that photo is taken left to right.
        mask: its opacity in [0, 1], where the mean pose sees it.
        poses: the camera's as the object sees it: its own motion included.
    """

    sample: int
    source: int
    mirrored: bool
    mask: Float[Tensor, "i j"]
    poses: Float[Tensor, "t 6"]


def sample_layers(
    shape: torch.Size,
    rest: Bool[Tensor, " b"],
    poses: Float[Tensor, "b t 6"],
    config: BlurConfig,
    centres: Float[Tensor, "b 2"],
    focal: Float[Tensor, " b"],
    generator: torch.Generator,
) -> list[Layer]:
    """Objects for `layer_share` of the samples that do not rest.

    In `still_share` of these, evenly, the scene rests (`poses` is set to 0 there: a fixed camera
    before moving things) or the objects do (a camera that follows them). The objects are cut from
    the next photo of the batch, and from the sample's own, mirrored, where there is but one.

    Args:
        shape: of the photos: (b, c, i, j).
        rest: the samples that are to stay sharp.
        poses: of the cameras; changed in place.
    """
    batch, _, height, width = shape
    chance, number, still = torch.rand(3, batch, generator=generator)
    # One object more often than three.
    counts = (1 + (3 * number**2).long()) * ((chance < config.layer_share) & ~rest)
    samples = torch.repeat_interleave(torch.arange(batch), counts)
    if not len(samples):
        return []
    motion = sample_trajectories(len(samples), config, centres[samples], focal[samples], generator)
    poses[(counts > 0) & (still < config.still_share / 2)] = 0
    follows = (still >= config.still_share / 2) & (still < config.still_share)
    motion[follows[samples]] = 0
    return [
        Layer(
            sample=sample,
            source=(sample + 1) % batch,
            mirrored=True,
            mask=sample_mask(height, width, generator),
            poses=path,
        )
        for sample, path in zip(samples.tolist(), motion, strict=True)
    ]


def sample_mask(height: int, width: int, generator: torch.Generator) -> Float[Tensor, "i j"]:
    """The opacity of a random rounded object: 5 to 25 % of the picture, with a soft edge.

    Smooth noise under a wide bell is cut at a level; the edge is 1 to 3 pixels wide.
    """
    cells = int(torch.randint(4, 8, (1,), generator=generator))
    noise = torch.randn(1, 1, cells, cells, generator=generator)
    field = F.interpolate(noise, size=(height, width), mode="bicubic", align_corners=True)[0, 0]
    place = torch.rand(2, generator=generator)
    y = torch.linspace(0, 1, height)[:, None] - (0.2 + 0.6 * place[0])
    x = torch.linspace(0, 1, width) - (0.2 + 0.6 * place[1])
    field = field - 20 * (y**2 + x**2)
    part, edge = torch.rand(2, generator=generator).tolist()
    # A quantile of a coarse grid is near enough, and needs no sort of all pixels.
    level = torch.quantile(field[::8, ::8].flatten(), 1 - (0.05 + 0.2 * part))
    dy, dx = torch.gradient(field)
    slope = torch.hypot(dy, dx).clamp_min(1e-6)
    return ((field - level) / (slope * (1 + 2 * edge)) + 0.5).clamp(0, 1)


def glance(
    light: Float[Tensor, "b 3 i j"], layers: list[Layer], margin: int
) -> Float[Tensor, "b 3 h w"]:
    """The scene and its objects from the mean pose, without the margin."""
    out = light.clone()
    for layer in layers:
        rgba = _cut_out(light, layer)
        out[layer.sample] = rgba[:3] + (1 - rgba[3]) * out[layer.sample]
    return out[..., margin : out.shape[-2] - margin, margin : out.shape[-1] - margin]


def expose(
    light: Float[Tensor, "b 3 i j"],
    poses: Float[Tensor, "b t 6"],
    centres: Float[Tensor, "b 2"],
    focal: Float[Tensor, " b"],
    margin: int,
    layers: list[Layer] | None = None,
) -> Float[Tensor, "b 3 h w"]:
    """The mean over the exposure of the scene with its objects, without the margin.

    Sub-frames are so many that between two of them no corner of the picture moves by more than
    one pixel; what rests is given back exactly. In each sub-frame the objects are laid over the
    scene, so an object's edge is blurred with its motion and what is behind it shows through.
    What lies beyond the margin is mirrored.

    Args:
        light: the scene in the domain in which the sensor averages.
        poses: as `sample_trajectories` makes them.
        centres: the optical axis, in pixels (x, y) from the crop's centre.
        focal: focal length in pixels.
        margin: pixels on each side of the input that the output lacks.
        layers: objects, the farthest first.
    """
    height, width = light.shape[-2] - 2 * margin, light.shape[-1] - 2 * margin
    out = []
    for index, (centre, f) in enumerate(zip(centres, focal, strict=True)):
        x = torch.arange(width, device=light.device) - (width - 1) / 2 - centre[0]
        y = torch.arange(height, device=light.device) - (height - 1) / 2 - centre[1]
        mine = [layer for layer in layers or [] if layer.sample == index]
        pictures = [light[index], *(_cut_out(light, layer) for layer in mine)]
        paths = [poses[index], *(layer.poses.to(light.device) for layer in mine)]
        counts = [subframes(path, x[[0, -1]], y[[0, -1]], f) for path in paths]
        count = max(counts)
        chunk = max(1, _PIXELS_AT_ONCE // (height * width))
        total = torch.zeros(3, height, width, device=light.device)
        ends: list[Tensor] = []
        turns = [homographies(resample(path, count), f).split(chunk) for path in paths]
        for some in zip(*turns, strict=True):
            frames = _look(pictures[0], some[0], x, y, centre, margin, counts[0] == 1)
            for picture, h, n in zip(pictures[1:], some[1:], counts[1:], strict=True):
                rgba = _look(picture, h, x, y, centre, margin, n == 1)
                frames = rgba[:3] + (1 - rgba[3:]) * frames
            total += frames.sum(1)
            ends = [ends[0] if ends else frames[:, 0], frames[:, -1]]
        if count > 1:
            # The integral over time by the trapezoid rule: the ends count half.
            total = (total - (ends[0] + ends[1]) / 2) / (count - 1)
        out.append(total)
    return torch.stack(out)


def homographies(poses: Float[Tensor, "k 6"], focal: Float[Tensor, ""]) -> Float[Tensor, "k 3 3"]:
    """Where each pose looks: output pixel to scene pixel, both from the optical axis.

    `zoom * K R K^-1`, then the shift; K has the focal length alone, R = R_roll R_pitch R_yaw.
    """
    dx, dy, roll, pitch, yaw, zoom = poses.double().unbind(-1)
    one, zero = torch.ones_like(dx), torch.zeros_like(dx)

    def matrix(*rows: Tensor) -> Tensor:
        return torch.stack(rows, dim=-1).view(-1, 3, 3)

    c, s = roll.cos(), roll.sin()
    r_roll = matrix(c, -s, zero, s, c, zero, zero, zero, one)
    c, s = pitch.cos(), pitch.sin()
    r_pitch = matrix(one, zero, zero, zero, c, s, zero, -s, c)
    c, s = yaw.cos(), yaw.sin()
    r_yaw = matrix(c, zero, s, zero, one, zero, -s, zero, c)
    f = focal.double() * one
    k = matrix(f, zero, zero, zero, f, zero, zero, zero, one)
    back = matrix(1 / f, zero, zero, zero, 1 / f, zero, zero, zero, one)
    z = zoom.exp()
    move = matrix(z, zero, dx, zero, z, dy, zero, zero, one)
    return (move @ k @ r_roll @ r_pitch @ r_yaw @ back).to(poses.dtype)


def subframes(
    path: Float[Tensor, "t 6"],
    x: Float[Tensor, " 2"],
    y: Float[Tensor, " 2"],
    focal: Float[Tensor, ""],
) -> int:
    """1 for what rests, else an odd count."""
    if not bool(path.any()):
        return 1
    corners = _project(homographies(path, focal), x, y)
    speed = corners.diff(dim=0).norm(dim=-1).max()
    count = math.ceil(float(speed) * (path.shape[0] - 1)) + 1
    return count + 1 - count % 2


def _look(
    picture: Float[Tensor, "c i j"],
    h: Float[Tensor, "k 3 3"],
    x: Float[Tensor, " w"],
    y: Float[Tensor, " h"],
    centre: Float[Tensor, " 2"],
    margin: int,
    at_rest: bool,
) -> Float[Tensor, "c n h w"]:
    """The picture through each homography (n = k), or as it is if it rests (n = 1)."""
    height, width = len(y), len(x)
    if at_rest:
        return picture[:, None, margin : margin + height, margin : margin + width]
    # To grid_sample's coordinates, where -1 and 1 are the centres of the outermost pixels.
    sx, sy = (2 / (n - 1) for n in (picture.shape[-1], picture.shape[-2]))
    rows = [sx * (h[:, 0] + centre[0] * h[:, 2]), sy * (h[:, 1] + centre[1] * h[:, 2]), h[:, 2]]
    grid = _project(torch.stack(rows, dim=1), x, y).view(1, -1, width, 2)
    frames = F.grid_sample(picture[None], grid, padding_mode="reflection", align_corners=True)
    return frames.view(len(picture), -1, height, width)


def _project(
    h: Float[Tensor, "k 3 3"], x: Float[Tensor, " w"], y: Float[Tensor, " h"]
) -> Float[Tensor, "k h w 2"]:
    def row(i: int) -> Tensor:
        a, b, c = (h[:, i, j, None, None] for j in range(3))
        return (a * x) + (b * y[:, None] + c)

    depth = row(2).reciprocal_()
    return torch.stack([row(0).mul_(depth), row(1).mul_(depth)], dim=-1)


def _cut_out(light: Float[Tensor, "b 3 i j"], layer: Layer) -> Float[Tensor, "4 i j"]:
    """The object's colours times its opacity, and the opacity: colours do not bleed when moved."""
    source = light[layer.source].flip(-1) if layer.mirrored else light[layer.source]
    mask = layer.mask.to(light.device)[None]
    return torch.cat([source * mask, mask])
