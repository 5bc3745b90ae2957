"""3x3 convolutions with a quarter of the multiplications, for training in float32 on a CPU.

Winograd's minimal filtering F(4x4, 3x3) (Lavin and Gray 2016, "Fast algorithms for convolutional
neural networks"): of every 6x6 square of the input, the 4x4 square of the output is

    A' ((G w G') * (B' d B)) A

with * by element, summed over the input's channels: 36 products of matrices in place of 144. The
three transforms are linear, so the gradients are their transposes around the same products. It is
the same sum in another order: in float32 the two agree to about five digits.
"""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

LEAST = 32
"""Channels, on both sides, below which the transforms cost more than the products save."""


def speed_up(net: nn.Module) -> None:
    """Makes a network's wide 3x3 convolutions be trained this way; its weights stay as they are.

    In bf16 (autocast) they stay PyTorch's, so whoever trains need not ask for the precision.
    They take 2.25 times their input's memory until the backward pass, and four times the weights'.
    """
    for layer in net.modules():
        if type(layer) is nn.Conv2d and _fits(layer):
            layer.__class__ = WinogradConv2d


class WinogradConv2d(nn.Conv2d):
    """A 3x3 convolution that is computed by Winograd's way while it is trained.

    Evaluation, sides that are no multiples of 4, and autocast are left to PyTorch.
    """

    def forward(self, input: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h w"]:  # noqa: A002
        height, width = input.shape[2:]
        if height % 4 or width % 4 or not self.training or torch.is_autocast_enabled("cpu"):
            return super().forward(input)
        out: Tensor = _Winograd.apply(input, self.weight)  # pyright: ignore
        return out if self.bias is None else out + self.bias.view(-1, 1, 1)


def _fits(layer: nn.Conv2d) -> bool:
    shape = (layer.kernel_size, layer.stride, layer.padding, layer.dilation)
    wide = min(layer.in_channels, layer.out_channels) >= LEAST
    zeros = layer.padding_mode == "zeros"
    return shape == ((3, 3), (1, 1), (1, 1), (1, 1)) and layer.groups == 1 and zeros and wide


class _Winograd(torch.autograd.Function):
    """Letters as in the paper: d the 6x6 squares, u the filters', v the input's transforms."""

    @staticmethod
    def forward(ctx: Any, image: Tensor, weight: Tensor) -> Tensor:
        b, c, h, w = image.shape
        out, (rows, columns) = len(weight), (h // 4, w // 4)
        squares = b * rows * columns
        to_v, to_u, to_y = (m.to(image.dtype) for m in (_B, _G, _A))
        padded = F.pad(image.permute(0, 2, 3, 1), (0, 0, 1, 1, 1, 1))
        s_b, s_y, s_x, _ = padded.stride()
        d = padded.as_strided(
            (6, 6, b, rows, columns, c), (s_y, s_x, s_b, 4 * s_y, 4 * s_x, 1)
        ).reshape(36, -1)
        v = (to_v @ d).view(36, squares, c)
        u = (to_u @ weight.permute(2, 3, 1, 0).reshape(9, -1)).view(36, c, out)
        y = to_y @ torch.bmm(v, u).view(36, -1)
        ctx.save_for_backward(v, u)
        ctx.shape = b, c, h, w
        # (4, 4, b, rows, columns, out) to (b, rows, 4, columns, 4, out)
        y = y.view(4, 4, b, rows, columns, out).permute(2, 3, 0, 4, 1, 5)
        return y.reshape(b, h, w, out).permute(0, 3, 1, 2)

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, gradient: Tensor
    ) -> tuple[Tensor | None, Tensor | None]:
        v, u = ctx.saved_tensors
        b, c, h, w = ctx.shape
        out, (rows, columns) = u.shape[2], (h // 4, w // 4)
        to_v, to_u, to_y = (m.to(gradient.dtype) for m in (_B, _G, _A))
        y = gradient.permute(0, 2, 3, 1).reshape(b, rows, 4, columns, 4, out)
        y = y.permute(2, 4, 0, 1, 3, 5).reshape(16, -1)
        m = (to_y.T @ y).view(36, -1, out)
        of_image = of_weight = None
        if ctx.needs_input_grad[1]:
            of_u = torch.bmm(v.transpose(1, 2), m).view(36, -1)
            of_weight = (to_u.T @ of_u).view(3, 3, c, out).permute(3, 2, 0, 1)
        if ctx.needs_input_grad[0]:
            of_v = torch.bmm(m, u.transpose(1, 2)).view(36, -1)
            of_d = (to_v.T @ of_v).view(6, 6, b, rows, columns, c)
            # The squares overlap: each of their 36 places is a picture of every fourth pixel.
            padded = gradient.new_zeros(b, h + 8, w + 8, c)
            for i in range(6):
                for j in range(6):
                    padded[:, i : i + h : 4, j : j + w : 4] += of_d[i, j]
            of_image = padded[:, 1 : h + 1, 1 : w + 1].permute(0, 3, 1, 2)
        return of_image, of_weight


def _both_ways(matrix: list[list[int]] | list[list[float]]) -> Tensor:
    """Of a transform of columns, that of rows and columns at once."""
    one = torch.tensor(matrix, dtype=torch.float64)
    return torch.kron(one, one)


_B = _both_ways([
    [4, 0, -5, 0, 1, 0],
    [0, -4, -4, 1, 1, 0],
    [0, 4, -4, -1, 1, 0],
    [0, -2, -1, 2, 1, 0],
    [0, 2, -1, -2, 1, 0],
    [0, 4, 0, -5, 0, 1],
])  # fmt: skip
_G = _both_ways([
    [1 / 4, 0.0, 0.0],
    [-1 / 6, -1 / 6, -1 / 6],
    [-1 / 6, 1 / 6, -1 / 6],
    [1 / 24, 1 / 12, 1 / 6],
    [1 / 24, -1 / 12, 1 / 6],
    [0.0, 0.0, 1.0],
])  # fmt: skip
_A = _both_ways([
    [1, 1, 1, 1, 1, 0],
    [0, 1, -1, 2, -2, 0],
    [0, 1, 1, 4, 4, 0],
    [0, 1, -1, 8, -8, 1],
])  # fmt: skip
