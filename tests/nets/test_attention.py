from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.reference.attention import dense_criss_cross, dense_crosshatch
from unblur.nets import CrissCrossAttention, CrosshatchAttention
from unblur.nets.attention import attention as attention_of

TWINS: dict[Any, Any] = {"crosshatch": dense_crosshatch, "criss-cross": dense_criss_cross}


def attention(kind: Any = "crosshatch") -> Any:
    torch.manual_seed(0)
    module: Any = attention_of(kind, 16)
    torch.nn.init.constant_(module.gamma, 0.7)
    return module


@pytest.mark.parametrize("kind", TWINS)
@pytest.mark.parametrize("shape", [(1, 16, 8, 8), (2, 16, 7, 13), (1, 16, 1, 5), (3, 16, 11, 1)])
def test_equals_dense_masked_attention(kind: str, shape: tuple[int, ...]) -> None:
    x = torch.randn(shape)
    module = attention(kind)
    torch.testing.assert_close(module(x), TWINS[kind](module, x), atol=1e-5, rtol=1e-5)


def test_a_new_module_is_the_identity() -> None:
    x = torch.randn(1, 16, 6, 9)
    assert torch.equal(CrosshatchAttention(16)(x), x)
    assert torch.equal(CrissCrossAttention(16)(x), x)
    assert torch.equal(attention_of("none", 16)(x), x)


def test_on_one_row_criss_cross_is_crosshatch_without_its_columns() -> None:
    """Alone in its column, a pixel sees itself there: crosshatch adds its own value once more."""
    x = torch.randn(1, 16, 1, 9)
    joint, separate = attention("criss-cross"), attention("crosshatch")
    separate.load_state_dict(joint.state_dict())
    torch.testing.assert_close(separate(x) - joint(x), 0.7 * joint.value(x))


@pytest.mark.parametrize("kind", TWINS)
def test_channels_last_and_bf16_agree_with_the_plain_layout(kind: str) -> None:
    x = torch.randn(2, 16, 12, 10)
    module = attention(kind)
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
import torch
from benchmarks.workers import peak_memory  # which counts no parent's memory
from unblur.nets import CrosshatchAttention
module, x = CrosshatchAttention(256), torch.zeros(1, 256, 180, 320)
before = peak_memory()
with torch.no_grad():
    module(x)
print((peak_memory() - before) / 2**30)
"""
    root = Path(__file__).parents[2]
    grown = subprocess.check_output([sys.executable, "-c", script], cwd=root)
    assert float(grown) < 1


def test_too_few_channels_are_refused() -> None:
    with pytest.raises(ValueError, match="at least the reduction"):
        CrosshatchAttention(4)
