from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from unblur import checkpoint
from unblur.config import (
    DeblurGANConfig,
    LiteConfig,
    PaperConfig,
    PhaseConfig,
    SpectralConfig,
    TrainConfig,
)
from unblur.engine import Contract, Engine, find_model
from unblur.export import SIZES, TOLERANCE, export


@pytest.fixture(params=["spectral", "lite", "criss-cross", "paper", "deblurgan"])
def trained(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    torch.manual_seed(0)
    joint = request.param == "criss-cross"
    attention = "criss-cross" if joint else "crosshatch"
    config = TrainConfig(
        (PhaseConfig(steps=1),),
        generator="lite" if joint else request.param,
        lite=LiteConfig((8, 8, 16), (1, 1, 2), attention=attention),
        spectral=SpectralConfig((8, 8, 16), (1, 1, 2), reader=16, estimator=16, filters=(8, 8)),
        paper=PaperConfig(widths=(8, 8, 16), trunk=16, up=(8, 8), blocks=2),
        deblurgan=DeblurGANConfig((8, 8, 16), 2),
    )
    weights = checkpoint.build_generator(config).state_dict()
    for index, (name, value) in enumerate(weights.items()):
        if name.endswith("gamma"):
            value.fill_(0.3 + index / 1000)
        elif value.is_floating_point() and not value.any():
            # Equal tensors would be merged; no trained ones are equal.
            value.normal_(std=0.01)
    path = tmp_path / "best.safetensors"
    checkpoint.save_weights(path, weights, config, {"step": 7})
    return path


def test_onnx_equals_pytorch_at_sizes_of_every_kind(trained: Path, tmp_path: Path) -> None:
    out = tmp_path / "net.onnx"
    differences = export(trained, out)
    assert len(differences) == len(SIZES) == 3
    assert any(h % 2 and w % 2 for h, w in SIZES)
    assert max(differences.values()) < TOLERANCE
    net, config, _ = checkpoint.load_generator(trained)
    engine = Engine(out, "cpu", "f32")
    ours = config.generator in ("spectral", "lite")
    assert engine.contract == Contract(multiple=net.multiple, gated=ours)
    if ours:
        again, _, provenance = checkpoint.load_generator(out)
        assert provenance == {"step": 7}
        for a, b in zip(net.parameters(), again.parameters(), strict=True):
            torch.testing.assert_close(a.half(), b.half())
    batch = np.random.default_rng(1).uniform(-1, 1, (1, 3, 48, 80)).astype(np.float32)
    with torch.no_grad():
        wanted = net(torch.from_numpy(batch)).numpy()
    np.testing.assert_allclose(engine(batch), wanted, atol=TOLERANCE)


def test_the_bundled_network_can_be_trained_on() -> None:
    net, config, provenance = checkpoint.load_generator(find_model("default"))
    assert config.generator == "spectral"
    assert provenance["step"] > 0
    assert all(torch.isfinite(p).all() for p in net.parameters())


def test_crisp_is_the_default_that_draws_otherwise() -> None:
    default, crisp = (checkpoint.load_weights(find_model(name))[0] for name in ("natural", "crisp"))
    other = {name for name, value in default.items() if not torch.equal(value, crisp[name])}
    drawing = ("refine.up", "refine.decoder", "refine.tail")
    assert other == {name for name in default if name.startswith(drawing)}
    engines = [Engine(find_model(name), "cpu", "f32") for name in ("natural", "crisp")]
    batch = np.random.default_rng(1).uniform(-1, 1, (1, 3, 48, 80)).astype(np.float32)
    assert np.abs(engines[0](batch) - engines[1](batch)).max() > 0.01
    bundled = find_model("default").parent.glob("*.onnx")
    assert sum(path.stat().st_size for path in bundled) < 12 * 2**20


def test_what_is_no_checkpoint_is_named(tmp_path: Path) -> None:
    for name in ("none.safetensors", "bad.safetensors", "bad.onnx"):
        if name.startswith("bad"):
            (tmp_path / name).write_bytes(b"no weights at all")
        with pytest.raises(checkpoint.CheckpointError, match=f"{name}: not a checkpoint"):
            checkpoint.load_weights(tmp_path / name)
