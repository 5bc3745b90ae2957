from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from tests.files import write
from unblur.datasets import read_rgb
from unblur.errors import CheckpointError
from unblur.inference.contract import FLOATS, Contract
from unblur.inference.engine import Engine
from unblur.inference.models import find_model
from unblur.nets import GatedUNet, build_generator, checkpoint
from unblur.nets.blur_head import BlurHead
from unblur.nets.deblurgan import DeblurGANConfig
from unblur.nets.gated_unet import GatedUNetConfig
from unblur.nets.paper import PaperConfig
from unblur.training import config as configs
from unblur.training.config import PhaseConfig, TrainConfig
from unblur.training.export import INT8_TOLERANCE, SIZES, TOLERANCE, export
from unblur.training.graft import add_blur_head

ROOT = Path(__file__).parents[2]


SHAPES = {
    "gated-unet": GatedUNetConfig((8, 8, 16), (1, 1, 2)),
    "criss-cross": PaperConfig("criss-cross", (8, 8, 16), trunk=16, up=(8, 8), blocks=2),
    "paper": PaperConfig("crosshatch", (8, 8, 16), trunk=16, up=(8, 8), blocks=2),
    "deblurgan": DeblurGANConfig((8, 8, 16), 2),
}


@pytest.fixture(params=SHAPES)
def trained(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    torch.manual_seed(0)
    config = TrainConfig((PhaseConfig(steps=1),), SHAPES[request.param])
    weights = build_generator(config.network).state_dict()
    for index, (name, value) in enumerate(weights.items()):
        if name.endswith("gamma"):
            value.fill_(0.3 + index / 1000)
        elif value.is_floating_point() and (value == value.flatten()[0]).all():
            # Equal tensors would be merged; no trained ones are equal.
            value += 0.01 * torch.randn(value.shape)
    path = tmp_path / "best.safetensors"
    checkpoint.save_weights(path, weights, configs.dumps(config), {"step": 7})
    return path


def test_onnx_equals_pytorch_at_sizes_of_every_kind(trained: Path, tmp_path: Path) -> None:
    out = tmp_path / "net.onnx"
    differences = export(trained, out)
    assert len(differences) == len(SIZES) == 3
    assert any(h % 2 and w % 2 for h, w in SIZES)
    assert max(differences.values()) < TOLERANCE
    net, _, _ = checkpoint.load_generator(trained)
    engine = Engine(out, "cpu", "f32")
    ours = isinstance(net, GatedUNet)
    assert engine.contract == Contract(
        multiple=net.multiple, smallest=64 if ours else 1, change_mask=ours
    )
    if ours:
        again, _, provenance = checkpoint.load_generator(out)
        assert provenance == {"step": 7}
        image = torch.rand(1, 3, 64, 48) * 2 - 1
        with torch.no_grad():
            torch.testing.assert_close(again(image), net(image), atol=TOLERANCE, rtol=0)
    batch = np.random.default_rng(1).uniform(-1, 1, (1, 3, 48, 80)).astype(np.float32)
    with torch.no_grad():
        wanted = net(torch.from_numpy(batch)).numpy()
    np.testing.assert_allclose(engine(batch), wanted, atol=TOLERANCE)


def test_the_bundled_network_can_be_trained_on() -> None:
    net, config, provenance = checkpoint.load_generator(find_model("default"))
    assert isinstance(configs.loads(config).network, GatedUNetConfig)
    assert provenance["crops"] > 0
    assert all(torch.isfinite(p).all() for p in net.parameters())


def test_bundled_weights_are_few_megabytes() -> None:
    bundled = find_model("default").parent.glob("*.onnx")
    assert sum(path.stat().st_size for path in bundled) < 17e6


def test_8_bits_are_fitted_to_photos_and_run_in_both_engines(
    own: Path, tmp_path: Path, picture: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unblur.training.export.EXAMPLES", 2)
    write(tmp_path / "photos" / "a.png", np.tile(picture, (5, 5, 1))[:480, :480])
    net, out = tmp_path / "net.onnx", tmp_path / "net-int8.onnx"
    head = BlurHead(16, 24).eval()
    add_blur_head(own.with_suffix(".onnx"), head, net)
    differences = export(net, out, tmp_path / "photos")
    assert len(differences) == 3
    assert 0 < max(differences.values()) < INT8_TOLERANCE
    whole, small = (Engine(tmp_path / "net.onnx", "cpu", kind) for kind in ("float", "int8"))
    assert (whole.precision in FLOATS, small.precision) == (True, "int8")
    assert small.contract == whole.contract
    batch = picture[None, :96, :96].transpose(0, 3, 1, 2).astype(np.float32) / 127.5 - 1
    wanted = whole(batch)
    session = onnxruntime.InferenceSession(out, providers=["CPUExecutionProvider"])
    for result in (small(batch), session.run(["restored"], {"image": batch})[0]):
        assert 0 < np.sqrt(np.square(result - wanted).mean()) < INT8_TOLERANCE
    # The head is that of the file that was quantised, and no operator of it is in 8 bits.
    assert small.contract.measures_blur
    blur = small.blur(batch)
    assert np.abs(blur - whole.blur(batch)).max() < 0.1
    add_blur_head(out, head, tmp_path / "again.onnx")
    again = Engine(tmp_path / "again.onnx", "cpu")
    assert np.array_equal(again.blur(batch), blur)
    assert np.array_equal(again(batch), small(batch))


def test_the_bundled_8_bits_are_the_bundled_network_nearly() -> None:
    image = read_rgb(ROOT / "examples" / "text_motion.jpg")[:192, :192]
    batch = image[None].transpose(0, 3, 1, 2).astype(np.float32) / 127.5 - 1
    whole, small = (Engine("default", "cpu", kind)(batch) for kind in ("f32", "int8"))
    change, difference = (np.sqrt(np.square(x).mean()) for x in (whole - batch, small - whole))
    assert difference < INT8_TOLERANCE
    assert difference < change / 2


def test_what_is_no_checkpoint_is_named(tmp_path: Path) -> None:
    for name in ("none.safetensors", "bad.safetensors", "bad.onnx"):
        if name.startswith("bad"):
            (tmp_path / name).write_bytes(b"no weights at all")
        with pytest.raises(CheckpointError, match=f"{name}: not a checkpoint"):
            checkpoint.load_weights(tmp_path / name)
