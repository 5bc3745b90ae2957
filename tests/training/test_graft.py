"""A head that measures blur, in the file of the network whose features it takes."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from tests.evaluate.models import stretch_onnx
from unblur.errors import ExportError
from unblur.inference.engine import Engine
from unblur.nets import GatedUNet, checkpoint
from unblur.nets.blur_head import BlurHead
from unblur.training.export import export
from unblur.training.graft import add_blur_head, graft, load_blur_head, read_blur_head


def assert_near(found: np.ndarray, expected: np.ndarray) -> None:
    np.testing.assert_allclose(found, expected, rtol=2e-3, atol=2e-3)


def head_of(seed: int, channels: int = 16) -> BlurHead:
    """An untrained head, its weights as float16 keeps them."""
    torch.manual_seed(seed)
    head = BlurHead(channels, 24)
    with torch.no_grad():
        head.out.weight.mul_(4)
    return head.half().float().eval()


@pytest.fixture(scope="module")
def files(own: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with net.safetensors, plain.onnx and measuring.onnx, which has a head."""
    folder = tmp_path_factory.mktemp("files")
    shutil.copy(own, folder / "net.safetensors")
    shutil.copy(own.with_suffix(".onnx"), folder / "plain.onnx")
    add_blur_head(folder / "plain.onnx", head_of(1), folder / "measuring.onnx")
    return folder


@pytest.fixture
def batch(rng: np.random.Generator) -> np.ndarray:
    return rng.uniform(-1, 1, (1, 3, 80, 112)).astype(np.float32)


def equal(found: BlurHead, expected: BlurHead) -> bool:
    ours, theirs = found.state_dict(), expected.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(ours[n], theirs[n]) for n in ours)


def test_the_image_is_the_same_to_the_bit_and_the_head_can_be_read_back(
    files: Path, batch: np.ndarray
) -> None:
    plain, measuring = (Engine(files / f"{n}.onnx", "cpu", "f32") for n in ("plain", "measuring"))
    assert (plain.contract.measures_blur, measuring.contract.measures_blur) == (False, True)
    assert np.array_equal(measuring(batch), plain(batch))
    assert equal(load_blur_head(files / "measuring.onnx"), head_of(1))
    assert read_blur_head(onnx.load(files / "plain.onnx")) is None
    for name in ("plain", "measuring"):
        model = onnx.load(files / f"{name}.onnx")
        facts = {entry.key: entry.value for entry in model.metadata_props}
        assert facts["provenance"] == "{}"
        assert "gated-unet" in facts["config"]


def test_all_engines_measure_what_pytorch_does(files: Path, batch: np.ndarray) -> None:
    engine = Engine(files / "measuring.onnx", "cpu", "f32")
    restored, blur = engine.with_blur(batch)
    assert blur.shape == (1, 6, 5, 7)
    np.testing.assert_allclose(engine.blur(batch), blur, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(engine(batch), restored)
    net, _, _ = checkpoint.load_generator(files / "measuring.onnx")
    assert isinstance(net, GatedUNet)
    with torch.no_grad():
        image, features = net.with_features(torch.from_numpy(batch))
        expected = head_of(1)(features).numpy()
    np.testing.assert_allclose(restored, image.numpy(), atol=2e-3)
    assert_near(blur, expected)
    # Every plane says something; the weight is 0 where there is little blur.
    assert expected.std((0, 2, 3))[:-1].min() > 1e-3
    session = onnxruntime.InferenceSession(
        files / "measuring.onnx", providers=["CPUExecutionProvider"]
    )
    whole = session.run(["restored", "blur"], {"image": batch})
    np.testing.assert_allclose(np.asarray(whole[0]), restored, atol=2e-3)
    assert_near(np.asarray(whole[1]), blur)


def test_a_second_head_takes_the_first_ones_place(files: Path, batch: np.ndarray) -> None:
    model = graft(onnx.load(files / "measuring.onnx"), head_of(2))
    once = graft(onnx.load(files / "plain.onnx"), head_of(2))
    found = read_blur_head(model)
    assert found is not None
    assert equal(found, head_of(2))
    for kind in ("node", "initializer", "output"):
        assert list(getattr(model.graph, kind)) == list(getattr(once.graph, kind))


def test_an_export_of_a_measuring_file_measures(
    files: Path, tmp_path: Path, batch: np.ndarray
) -> None:
    export(files / "measuring.onnx", tmp_path / "again.onnx")
    assert equal(load_blur_head(tmp_path / "again.onnx"), head_of(1))
    before, after = (
        Engine(path, "cpu", "f32") for path in (files / "measuring.onnx", tmp_path / "again.onnx")
    )
    assert after.contract == before.contract
    for found, expected in zip(after.with_blur(batch), before.with_blur(batch), strict=True):
        assert_near(found, expected)


def test_files_of_another_kind_are_refused(files: Path, tmp_path: Path) -> None:
    rubbish, out = tmp_path / "rubbish.onnx", tmp_path / "out.onnx"
    rubbish.write_bytes(b"not a network")
    stretch = stretch_onnx(tmp_path / "stretch.onnx")
    for path, reason in (
        (rubbish, "rubbish.onnx: not an ONNX file"),
        (tmp_path / "none.onnx", "none.onnx: not an ONNX file .No such file"),
        (stretch, "stretch.onnx: not a gated U-Net that unblur exported"),
    ):
        with pytest.raises(ExportError, match=reason):
            add_blur_head(path, head_of(1), out)
    with pytest.raises(ExportError, match=r"16 channels of features; the head takes 32"):
        add_blur_head(files / "plain.onnx", head_of(1, channels=32), out)
    with pytest.raises(ExportError, match=r"plain.onnx: it has no head"):
        load_blur_head(files / "plain.onnx")
    with pytest.raises(ExportError, match="cannot be written"):
        add_blur_head(files / "plain.onnx", head_of(1), rubbish / "out.onnx")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rubbish.onnx", "stretch.onnx"]
