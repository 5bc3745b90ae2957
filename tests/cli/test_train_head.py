"""`unblur train-head`: a head for an exported network, trained or taken over."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.evaluate.models import stretch_onnx
from tests.files import write
from unblur.cli import app
from unblur.inference.engine import Engine


@pytest.fixture(scope="module")
def plain(own: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An exported network without a head."""
    folder = tmp_path_factory.mktemp("net")
    for path in (own, own.with_suffix(".onnx")):
        shutil.copy(path, folder / f"net{path.suffix}")
    return folder / "net.onnx"


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["train-head", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.stdout, result.stderr


def test_a_head_is_trained_and_taken_over(plain: Path, tmp_path: Path, picture: np.ndarray) -> None:
    for index in range(2):
        write(tmp_path / "photos" / f"{index}.png", np.tile(np.roll(picture, index), (7, 6, 1)))
    trained, taken = tmp_path / "new" / "trained.onnx", tmp_path / "taken.onnx"
    code, said, errors = run(plain, "--data", tmp_path / "photos", "-o", trained,
                             "--samples", 2, "--steps", 3, "--seed", 4)  # fmt: skip
    assert (code, errors) == (0, "")
    assert said == f"{trained}  {trained.stat().st_size / 2**20:.1f} MiB\n"
    assert run(plain, "--from", trained, "-o", taken)[0] == 0
    batch = np.random.default_rng(0).uniform(-1, 1, (1, 3, 64, 64)).astype(np.float32)
    first, second = (Engine(path, "cpu", "f32").with_blur(batch) for path in (trained, taken))
    for found, expected in zip(first, second, strict=True):
        assert np.array_equal(found, expected)
    # As `unblur export`, it replaces what is there.
    assert run(taken, "--from", trained, "-o", taken)[0] == 0


def test_what_is_wrong_is_said_in_one_line_before_anything_is_trained(
    plain: Path, tmp_path: Path
) -> None:
    out, empty = tmp_path / "out.onnx", tmp_path / "empty"
    empty.mkdir()
    other = stretch_onnx(tmp_path / "other.onnx")
    weights = plain.with_name("net.safetensors")
    for given, code, words in (
        ((plain, "-o", out), 2, "--data PHOTOS, or a file with a head with --from OTHER.onnx"),
        ((plain, "-o", out, "--data", empty, "--from", plain), 2, "--data PHOTOS, or"),
        ((plain, "-o", out, "--from", plain), 1, "net.onnx: it has no head that measures blur"),
        ((plain, "-o", out, "--data", empty), 1, "no pairs and no photos found"),
        ((plain, "-o", empty, "--data", empty), 1, "empty: cannot be written (Is a directory)"),
        ((plain, "-o", other / "x.onnx", "--data", empty), 1, "cannot be written"),
        ((other, "-o", out, "--data", empty), 1, "other.onnx: not a gated U-Net that unblur exp"),
        ((weights, "-o", out, "--data", empty), 1, "net.safetensors: not an ONNX file"),
        ((tmp_path / "no.onnx", "-o", out, "--data", empty), 1, "no.onnx: not an ONNX file (No su"),
    ):
        found, said, errors = run(*given)
        assert (found, said) == (code, "")
        assert words in errors
        # That of a folder without photos names the layouts that there are.
        assert len(errors.splitlines()) == 1 or words == "no pairs and no photos found"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "other.onnx"]
