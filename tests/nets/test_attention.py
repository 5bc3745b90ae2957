from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from tests.reference.attention import dense_crosshatch
from unblur.nets import CrosshatchAttention


def attention(channels: int = 16, reach: int | None = None) -> CrosshatchAttention:
    torch.manual_seed(0)
    module = CrosshatchAttention(channels, reach=reach)
    torch.nn.init.constant_(module.gamma, 0.7)
    return module


@pytest.mark.parametrize("reach", [None, 0, 3, 50])
@pytest.mark.parametrize("shape", [(1, 16, 8, 8), (2, 16, 7, 13), (1, 16, 1, 5), (3, 16, 11, 1)])
def test_equals_dense_masked_attention(shape: tuple[int, ...], reach: int | None) -> None:
    x = torch.randn(shape)
    module = attention(reach=reach)
    torch.testing.assert_close(module(x), dense_crosshatch(module, x), atol=1e-5, rtol=1e-5)


def test_a_new_module_is_the_identity() -> None:
    x = torch.randn(1, 16, 6, 9)
    assert torch.equal(CrosshatchAttention(16)(x), x)


def test_channels_last_and_bf16_agree_with_the_plain_layout() -> None:
    x = torch.randn(2, 16, 12, 10)
    module = attention()
    plain = module(x)
    last = module.to(memory_format=torch.channels_last)(  # pyright: ignore[reportCallIssue]
        x.to(memory_format=torch.channels_last)
    )
    torch.testing.assert_close(last, plain)
    with torch.autocast("cpu", torch.bfloat16):
        half = module(x)
    assert (half.float() - plain).abs().max() < 0.05 * plain.abs().max()


def test_memory_of_a_large_map_stays_under_a_gigabyte() -> None:
    script = """
import resource, torch
from unblur.nets import CrosshatchAttention
module, x = CrosshatchAttention(256), torch.zeros(1, 256, 180, 320)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with torch.no_grad():
    module(x)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 2**20)
"""
    grown = subprocess.check_output([sys.executable, "-c", script])
    assert float(grown) < 1


def test_too_few_channels_are_refused() -> None:
    with pytest.raises(ValueError, match="at least the reduction"):
        CrosshatchAttention(4)
